"""Which button an emoji presses: pure functions over what the platform passes on."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Variation selectors and the colours of skin say nothing about what is meant.
_VARIANTS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_KEYCAP = "\u20e3"
TEN = "🔟"
YES = frozenset("👍✅👌❤🙏")
NO = frozenset("👎❌")


def plain(emoji: str) -> str:
    """An emoji without its variants; a keycap is its digit."""
    return _VARIANTS.sub("", emoji.strip()).removesuffix(_KEYCAP)


def number(emoji: str) -> int | None:
    """The number that an emoji shows, from 1 to 10."""
    bare = plain(emoji)
    if bare == TEN:
        return 10
    return int(bare) if len(bare) == 1 and bare in "123456789" else None


def presses(emoji: str) -> bool:
    """Whether an emoji can press any button at all."""
    return number(emoji) is not None or plain(emoji) in YES | NO


def chosen(emoji: str, means: Sequence[str]) -> int | None:
    """The number of the button that an emoji presses; `means` says for each "yes", "no" or nothing."""
    pressed = number(emoji)
    if pressed is not None:
        return pressed if pressed <= len(means) else None
    bare = plain(emoji)
    if bare in YES:
        return _first(means, "yes") or (1 if len(means) == 1 else None)
    return _first(means, "no") if bare in NO else None


def _first(means: Sequence[str], wanted: str) -> int | None:
    return means.index(wanted) + 1 if wanted in means else None
