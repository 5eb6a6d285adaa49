"""Which lists of phrases a text may have one of, told by the beginnings of its words before any is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from handlers.phrases import Item, Phrase, plain, squeeze

KEY = 3  # letters by which a word of a phrase is looked up
ENDS = ("^", "$")  # which every text has


class PhraseKeys:
    """Lists of phrases, looked up by the rarest words that their phrases can't do without."""

    def __init__(self, lists: Sequence[Sequence[Phrase]]) -> None:
        """Raises ValueError for a phrase of which no word has three letters before its `*`."""
        items = {item for phrases in lists for phrase in phrases for item in phrase}
        beginnings = {item: _beginnings(item) for item in items}
        common = Counter(
            key for phrases in lists for phrase in phrases for item in phrase for key in beginnings[item]
        )
        for end in ENDS:
            common[end] = common.total()
        self._lists: dict[str, list[int]] = {}
        for number, phrases in enumerate(lists):
            for key in {key for phrase in phrases for key in _rarest(phrase, beginnings, common)}:
                self._lists.setdefault(key, []).append(number)

    def candidates(self, framed: str) -> list[int]:
        """The numbers of the lists, in their order, that a framed and squeezed text may have a phrase of."""
        said = {word[:KEY] for word in framed.split()}
        return sorted({number for key in said & self._lists.keys() for number in self._lists[key]})


def _rarest(
    phrase: Phrase, beginnings: Mapping[Item, frozenset[str]], common: Mapping[str, int]
) -> frozenset[str]:
    known = [beginnings[item] for item in phrase if beginnings[item]]
    if not known:
        raise ValueError(f"{KEY} letters at least must stand before *: {phrase[0][0]!r}")
    return min(known, key=lambda keys: sum(common[key] for key in keys))


def _beginnings(item: Item) -> frozenset[str]:
    """Of which beginnings of words a text must have one to have the item; none if that can't be told."""
    if "" in item:
        return frozenset()
    keys = set()
    for word in (text.split()[0] for text in item):
        key = word if word in ENDS else squeeze(plain(word.rstrip("*")))[:KEY]
        if word[-1] == "*" and len(key) < KEY:
            return frozenset()
        keys.add(key)
    return frozenset(keys)
