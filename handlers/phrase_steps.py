"""One phrase after the other words of a text: its items as steps from word to word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from handlers.phrases import Item, plain, squeeze

ENDS: Final = frozenset("^$")  # of a message: no words
LONGEST_GAP: Final = 3  # words


def plain_words(written: str) -> list[str]:
    """The plain and squeezed words of a word as it is written in a phrase; an open end keeps its `*`."""
    if written in ENDS:
        return [written]
    words = squeeze(plain(written)).split()
    words[-1] += "*" * written.endswith("*")
    return words


@dataclass(slots=True)
class Step:
    """What may stand next: for each first word, or beginning of it, the words that follow."""

    whole: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    begun: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    may_be_missing: bool = False
    is_gap: bool = False
    beginnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: Item) -> Step:
        step = cls(may_be_missing="" in item, is_gap=not item)
        for text in filter(None, item):
            first, *rest = [word for written in text.split() for word in plain_words(written)]
            table = step.begun if first[-1] == "*" else step.whole
            table.setdefault(first.rstrip("*"), []).append(tuple(rest))
        step.beginnings = tuple(step.begun)
        return step

    @property
    def is_needed(self) -> bool:
        """Whether a text must have one of its whole words."""
        return not (self.may_be_missing or self.is_gap or self.beginnings)

    def starts(self, words: Sequence[str]) -> list[int]:
        """The places of the words with which it may begin."""
        whole, beginnings = self.whole, self.beginnings
        if beginnings:
            return [at for at, word in enumerate(words) if word in whole or word.startswith(beginnings)]
        return [at for at, word in enumerate(words) if word in whole]

    def ends(self, words: Sequence[str], at: int) -> list[int]:
        """The places after it where it begins at one, the farthest first; of a gap the nearest."""
        if self.is_gap:
            return list(range(at, min(at + LONGEST_GAP, len(words)) + 1))
        found = []
        if at < len(words):
            word = words[at]
            rests = list(self.whole.get(word, ()))
            if self.beginnings and word.startswith(self.beginnings):
                rests += [
                    rest for start in self.beginnings if word.startswith(start) for rest in self.begun[start]
                ]
            found = sorted(
                {at + 1 + len(rest) for rest in rests if _follow(words, at + 1, rest)}, reverse=True
            )
        return [*found, at] if self.may_be_missing else found


def _follow(words: Sequence[str], at: int, rest: tuple[str, ...]) -> bool:
    if at + len(rest) > len(words):
        return False
    return all(
        words[at + place].startswith(word[:-1]) if word[-1] == "*" else words[at + place] == word
        for place, word in enumerate(rest)
    )


def firsts(steps: Sequence[Step]) -> Step | None:
    """Every word with which a phrase may begin, as one step; None where it may be any."""
    first = Step()
    for step in steps:
        if step.is_gap:
            return None
        first.whole |= step.whole
        first.beginnings += step.beginnings
        if not step.may_be_missing:
            break
    return first


def first_end(steps: Sequence[Step], words: Sequence[str], start: int) -> int | None:
    """Where a phrase ends that begins at a word; None where it doesn't stand there."""
    return next(_ends(steps, words, start, 0), None)


def _ends(steps: Sequence[Step], words: Sequence[str], at: int, number: int) -> Iterator[int]:
    if number == len(steps):
        yield at
        return
    for end in steps[number].ends(words, at):
        yield from _ends(steps, words, end, number + 1)
