"""The core that members meet. Start reading at `contents.py`, the table of contents."""
