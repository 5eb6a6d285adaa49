"""Which of thousands of phrases a text has, looked up by the rarest word of each.

An ordinary message costs a look-up for each of its words; a phrase is compiled when a text first needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from handlers.phrases import Pattern, Phrase, plain, squeeze

MOST_KNOWN: Final = 50_000  # words whose phrases are remembered
LONGEST_KNOWN: Final = 40  # letters; nobody should fill the memory with long ones
_ENDS: Final = frozenset("^$")  # of a message: no words


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One phrase, of what it tells."""

    tells: str
    pattern: Pattern


class Found(NamedTuple):
    """Where a text has a phrase, in letters of the framed text."""

    start: int
    end: int
    tells: str

    def overlaps(self, other: Found) -> bool:
        return self.start < other.end and other.start < self.end


class PhraseIndex:
    """Phrases, and what each of them tells."""

    def __init__(self, phrases: Iterable[tuple[str, Phrase]], ordinary: Set[str]) -> None:
        """phrases: what each tells, and itself. ordinary: words that a phrase is not looked up by."""
        self._whole: dict[str, list[Entry]] = {}
        self._beginning: dict[str, list[Entry]] = {}
        self._shortest = LONGEST_KNOWN
        self._known: dict[str, tuple[Entry, ...]] = {}
        rarity = _Rarity(ordinary)
        for tells, phrase in phrases:
            entry = Entry(tells, Pattern([phrase]))
            for word in rarity.telling(phrase):
                table = self._whole
                if word[-1] == "*":
                    table, word = self._beginning, word.rstrip("*")
                    self._shortest = min(self._shortest, len(word))
                table.setdefault(word, []).append(entry)

    def candidates(self, words: Iterable[str]) -> set[Entry]:
        """The phrases whose rarest word is among the plain words, squeezed or not."""
        found: set[Entry] = set()
        known = self._known
        for word in words:
            entries = known.get(word)
            if entries is None:
                entries = self._look_up(word)
            if entries:
                found.update(entries)
        return found

    def search(self, framed: str) -> list[Found]:
        """Every place in a framed and squeezed text at which one of the phrases stands."""
        return [
            Found(*match.span(), entry.tells)
            for entry in self.candidates(framed.split())
            for match in entry.pattern.compiled.finditer(framed)
        ]

    def _look_up(self, word: str) -> tuple[Entry, ...]:
        squeezed = squeeze(word)
        found = list(self._whole.get(squeezed, ()))
        for length in range(self._shortest, len(squeezed) + 1):
            found += self._beginning.get(squeezed[:length], ())
        entries = tuple(found)
        if len(word) <= LONGEST_KNOWN:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[word] = entries
        return entries


class _Rarity:
    """How common words are: an ordinary word is commoner than any other, a short one than a long one."""

    def __init__(self, ordinary: Set[str]) -> None:
        self._ordinary = {squeeze(plain(word)) for word in ordinary}
        self._words: dict[str, tuple[float, str]] = {}

    def telling(self, phrase: Phrase) -> Iterable[str]:
        """Words of which every text has one that has the phrase: of one item, the rarest of each choice."""
        least, best = inf, {}
        for item in phrase:
            if not item or "" in item or not _ENDS.isdisjoint(item):
                continue
            rarest = [min(self._word(word) for word in text.split() if word not in _ENDS) for text in item]
            commonest = max(rarest)[0]
            if commonest < least:
                least, best = commonest, dict.fromkeys(word for _common, word in rarest)
        if not best:
            raise ValueError("every word of it may be missing")
        return best

    def _word(self, written: str) -> tuple[float, str]:
        if (known := self._words.get(written)) is None:
            parts = squeeze(plain(written)).split()
            if not parts:
                raise ValueError(f"{written!r} has no letter")
            parts[-1] += "*" * written.endswith("*")
            known = min((self._common(part.rstrip("*")), part) for part in parts)
            self._words[written] = known
        return known

    def _common(self, word: str) -> float:
        return len(word) ** -3 + (word in self._ordinary) / 10
