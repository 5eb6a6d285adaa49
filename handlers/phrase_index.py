"""Which of thousands of phrases a text has, looked up by the rarest word of each.

An ordinary message costs a look-up for each of its words; what a phrase needs is made ready when a text first
has its word. Texts are lists of plain and squeezed words, with `^` and `$` for their ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, KeysView, Sequence, Set
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from handlers.phrase_steps import ENDS, Beginning, Step, first_end, plain_words
from handlers.phrases import Item, Phrase, squeeze

MOST_KNOWN: Final = 50_000  # words whose phrases are remembered
LONGEST_KNOWN: Final = 40  # letters; nobody should fill the memory with long ones


@dataclass(slots=True, eq=False)
class Entry:
    """One phrase: of which language, what it tells; and once it is made ready, how it is found."""

    language: str
    tells: str
    phrase: Phrase
    steps: tuple[Step, ...] = ()
    beginning: Beginning | None = None  # None: it may begin with any word
    needs: tuple[KeysView[str], ...] = ()  # of each of them a text must have one

    def make_ready(self, step: Callable[[Item], Step]) -> None:
        self.steps = tuple(map(step, self.phrase))
        self.beginning = Beginning.of(self.steps)
        self.needs = tuple(each.root.whole.keys() for each in self.steps if each.is_needed)


class Found(NamedTuple):
    """Where a text has a phrase: from this word up to that."""

    start: int
    end: int
    tells: str
    language: str

    def overlaps(self, other: Found) -> bool:
        return self.start < other.end and other.start < self.end


class PhraseIndex:
    """Phrases, and what each of them tells."""

    def __init__(self, phrases: Iterable[tuple[str, str, Phrase]], rarity: Rarity) -> None:
        """phrases: of which language, what it tells, itself."""
        self._whole: dict[str, list[Entry]] = {}
        self._beginning: dict[str, list[Entry]] = {}
        self._shortest = LONGEST_KNOWN
        self._known: dict[str, tuple[Entry, ...]] = {}
        self._steps: dict[Item, Step] = {}
        for language, tells, phrase in phrases:
            entry = Entry(language, tells, phrase)
            for word in rarity.telling(phrase):
                table = self._whole
                if word[-1] == "*":
                    table, word = self._beginning, word.rstrip("*")
                    self._shortest = min(self._shortest, len(word))
                table.setdefault(word, []).append(entry)

    def candidates(self, words: Iterable[str]) -> dict[Entry, None]:
        """The phrases whose rarest word is among the plain words, squeezed or not."""
        found: dict[Entry, None] = {}
        known = self._known
        for word in words:
            entries = known.get(word)
            if entries is None:
                entries = self._look_up(word)
            if entries:
                found.update(dict.fromkeys(entries))
        return found

    def search(self, words: Sequence[str]) -> list[Found]:
        """Every place at which one of the phrases stands."""
        said = frozenset(words)
        found: list[Found] = []
        for entry in self.candidates(said):
            if not entry.steps:
                entry.make_ready(self._step)
            for needed in entry.needs:
                if needed.isdisjoint(said):
                    break
            else:
                found += _places(entry, words)
        return found

    def _step(self, item: Item) -> Step:
        """Most of them stand in many phrases."""
        if (known := self._steps.get(item)) is None:
            known = self._steps[item] = Step.of(item)
        return known

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


def _places(entry: Entry, words: Sequence[str]) -> Iterator[Found]:
    after = 0
    beginning = entry.beginning
    for start in range(len(words)) if beginning is None else beginning.places(words):
        if start >= after and (end := first_end(entry.steps, words, start)) is not None:
            yield Found(start, end, entry.tells, entry.language)
            after = end


class Rarity:
    """How common words are: an ordinary word is commoner than any other, a short one than a long one.

    What it has learnt of one index serves the next: the same words stand in thousands of texts.
    """

    def __init__(self, ordinary: Set[str]) -> None:
        """ordinary: words by which no phrase is looked up if it has another."""
        self._ordinary = {word for written in ordinary for word in plain_words(written)}
        self._texts: dict[str, tuple[float, str]] = {}
        self._words: dict[str, tuple[float, str]] = {}

    def forget(self) -> None:
        """Free what only the making of an index needs: some megabytes."""
        self._texts.clear()
        self._words.clear()

    def telling(self, phrase: Phrase) -> Iterable[str]:
        """Words of which every text has one that has the phrase: of one item, the rarest of each choice."""
        least, best = inf, {}
        for item in phrase:
            if not item or "" in item or not ENDS.isdisjoint(item):
                continue
            commonest, words = self._rarest(item, least)
            if commonest < least:
                least, best = commonest, words
        return best

    def _rarest(self, item: Item, least: float) -> tuple[float, dict[str, None]]:
        """The rarest word of each choice, and how common the commonest is; not to the end from `least` on."""
        words: dict[str, None] = {}
        commonest = 0.0
        for text in item:
            if (known := self._texts.get(text)) is None:
                known = self._texts[text] = min(map(self._word, text.split()))
            common, word = known
            words[word] = None
            if common > commonest:
                commonest = common
                if common >= least:
                    break
        return commonest, words

    def _word(self, written: str) -> tuple[float, str]:
        """How common a word is that stands in a phrase, and itself; of an end, that it tells nothing."""
        if (known := self._words.get(written)) is None:
            said = [(self._common(word), word) for word in plain_words(written)]
            known = self._words[written] = (inf, written) if written in ENDS else min(said)
        return known

    def _common(self, word: str) -> float:
        word = word.rstrip("*")
        return len(word) ** -3 + (word in self._ordinary) / 10
