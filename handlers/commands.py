"""A command as it is written, such as "/take A-2M9D"."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"^/([a-z]+)(?:\s+(.*))?$", re.IGNORECASE | re.DOTALL)


def read(text: str) -> tuple[str, str] | None:
    """The name of a command and what stands behind it; None if the text is none."""
    found = _COMMAND.match(text.strip())
    return (found[1].lower(), (found[2] or "").strip()) if found else None
