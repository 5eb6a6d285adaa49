"""One phrase after the other words of a text: its items as steps from word to word."""

from __future__ import annotations

from collections.abc import Sequence, Set
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
class Node:
    """What may come next: for each word, or beginning of one, what may come after it."""

    whole: dict[str, Node] = field(default_factory=dict)
    begun: dict[str, Node] = field(default_factory=dict)
    is_end: bool = False

    def grow(self, word: str) -> Node:
        table = self.begun if word[-1] == "*" else self.whole
        return table.setdefault(word.rstrip("*"), Node())

    def reach(self, words: Sequence[str], at: int) -> set[int]:
        """The places after each text that stands at one."""
        found = {at} if self.is_end else set()
        if at < len(words):
            word = words[at]
            if word in self.whole:
                found |= self.whole[word].reach(words, at + 1)
            for beginning, node in self.begun.items():
                if word.startswith(beginning):
                    found |= node.reach(words, at + 1)
        return found


@dataclass(slots=True)
class Step:
    """One item of a phrase: any of its texts, or a gap."""

    root: Node = field(default_factory=Node)
    may_be_missing: bool = False
    is_gap: bool = False

    @classmethod
    def of(cls, item: Item) -> Step:
        step = cls(may_be_missing="" in item, is_gap=not item)
        for text in filter(None, item):
            node = step.root
            for written in text.split():
                for word in plain_words(written):
                    node = node.grow(word)
            node.is_end = True
        return step

    @property
    def is_needed(self) -> bool:
        """Whether a text must have one of the whole words with which it begins."""
        return not (self.may_be_missing or self.is_gap or self.root.begun)

    def ends(self, words: Sequence[str], at: int) -> list[int]:
        """The places after it where it begins at one, the nearest last; of a gap the nearest first."""
        if self.is_gap:
            return list(range(at, min(at + LONGEST_GAP, len(words)) + 1))
        found = sorted(self.root.reach(words, at), reverse=True)
        return [*found, at] if self.may_be_missing else found


@dataclass(frozen=True, slots=True)
class Beginning:
    """Every word, or beginning of one, with which a phrase may begin."""

    whole: Set[str]
    begun: tuple[str, ...]

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Beginning | None:
        """None where it may be any word."""
        whole: set[str] = set()
        begun: tuple[str, ...] = ()
        for step in steps:
            if step.is_gap:
                return None
            whole |= step.root.whole.keys()
            begun += tuple(step.root.begun)
            if not step.may_be_missing:
                break
        return cls(frozenset(whole), begun)

    def places(self, words: Sequence[str]) -> list[int]:
        whole, begun = self.whole, self.begun
        if begun:
            return [at for at, word in enumerate(words) if word in whole or word.startswith(begun)]
        return [at for at, word in enumerate(words) if word in whole]


def first_end(steps: Sequence[Step], words: Sequence[str], start: int) -> int | None:
    """Where a phrase ends that begins at a word; None where it doesn't stand there."""
    open_ends, seen = [(start, 0)], set[tuple[int, int]]()
    while open_ends:
        reached = open_ends.pop()
        if reached in seen:
            continue
        seen.add(reached)
        at, number = reached
        if number == len(steps):
            return at
        open_ends += [(end, number + 1) for end in reversed(steps[number].ends(words, at))]
    return None
