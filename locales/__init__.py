"""One folder a language: what the bot says (`*.po`) and what it understands (`*.toml`).

`crisis.po` and `crisis.toml` are for the first minutes of a crisis, in more languages than all the rest.
"""
