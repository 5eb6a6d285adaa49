"""One folder a language: `messages.po` (what the bot says) and `lexicon.toml` (what it understands)."""
