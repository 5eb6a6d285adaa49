"""Words with one wrong letter, read as the telling words that may have been meant.

Only a word that nobody writes is mended: one that stands in none of our files. The words of a phrase's
language are tried together, as a frightened writer misses more than one key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from handlers.phrases import KEY, plain, squeeze

MOST_KNOWN: Final = 20_000  # words of which it is remembered what they may mean
MOST_WORDS: Final = 200  # of a message; a longer one is not written in fear
MOST_LOOKED_UP: Final = 30  # words of one message that are looked up anew
MOST_READINGS: Final = 3  # of a message in one language
LONGEST: Final = 30  # letters
SHORTEST_WRITTEN: Final = 4  # letters; shorter words are like too many others
SHORTEST_LATIN: Final = 5  # letters of the word meant; where one word more is written with fewer, 4
LONG: Final = 7
SHORTEST_STEM: Final = 6
TELLING: Final = ("crisis", "groups")
_LATIN: Final = re.compile("[a-z]")
_STEM: Final = re.compile(r"([^\s|(){}?]+)\*")


class Mended(str):
    """A telling word in place of a mistyped one; it is compared like any word."""

    __slots__ = ()


class Meant(NamedTuple):
    """What a mistyped word may mean: words of one language, the likeliest first."""

    language: str
    words: tuple[Mended, ...]


class Mender:
    """Finds what mistyped words may mean."""

    def __init__(self, books: Mapping[str, Mapping[str, Any]], everyday: Iterable[str]) -> None:
        """books: the crisis file of each language. everyday: texts whose words are left alone."""
        self._books, self._everyday = books, everyday
        self._known: dict[str, tuple[Meant, ...]] = {}
        self._words: _Alike | None = None

    def readings(self, words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        """The plain words of a text with its mistyped ones mended, and in which language they were."""
        known = self._known
        found: dict[int, tuple[Meant, ...]] = {}
        left = MOST_LOOKED_UP
        for at, word in enumerate(words):
            meant = known.get(word)
            if meant is None:
                if len(word) < SHORTEST_WRITTEN or len(word) > LONGEST:
                    continue
                if not left or len(words) > MOST_WORDS:
                    return
                left -= 1
                meant = self._look_up(word)
            if meant:
                found[at] = meant
        if found:
            yield from _combined(words, found)

    def _look_up(self, word: str) -> tuple[Meant, ...]:
        if self._words is None:
            self._words = _Alike(self._books, self._everyday)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[word] = found = self._words.meant(word)
        return found


def _combined(words: Sequence[str], found: Mapping[int, Sequence[Meant]]) -> Iterator[tuple[str, list[str]]]:
    for language in dict.fromkeys(meant.language for each in found.values() for meant in each):
        choices = {at: m.words for at, each in found.items() for m in each if m.language == language}
        for number in range(min(MOST_READINGS, max(map(len, choices.values())))):
            reading = list(words)
            for at, choice in choices.items():
                reading[at] = choice[min(number, len(choice) - 1)]
            yield language, reading


class _Table:
    """Words of all languages, by letters of which a mistyped word keeps some."""

    def __init__(self) -> None:
        self.languages: dict[str, list[str]] = {}
        self._by_key: dict[tuple[str, str], list[str]] = {}

    def add(self, word: str, language: str) -> None:
        if (languages := self.languages.get(word)) is None:
            languages = self.languages[word] = []
            for key in _keys(word):
                self._by_key.setdefault(key, []).append(word)
        if language not in languages:
            languages.append(language)

    def near(self, word: str) -> list[str]:
        """The words that differ from one by a letter at most, or by two neighbours that are swapped."""
        near = {each for key in _keys(word) for each in self._by_key.get(key, ())}
        found = process.extract(word, near, scorer=OSA.distance, score_cutoff=1, limit=None, processor=None)
        return sorted(each for each, _distance, _key in found)


class _Alike:
    """The telling words of all languages, and those that nobody mistyped."""

    def __init__(self, books: Mapping[str, Mapping[str, Any]], everyday: Iterable[str]) -> None:
        self._whole, self._stems = _Table(), _Table()
        self._letters: dict[str, int] = {}
        self._begin: dict[str, tuple[str, ...]] = {}
        ordinary = squeezed_words(everyday)
        for language, book in books.items():
            texts = [text for name in TELLING for text in strings(book.get(name, {}))]
            texts += book.get("spellings", {})
            telling = squeezed_words(_STEM.sub(" ", text) for text in texts)
            ordinary |= telling
            ordinary |= squeezed_words(
                _STEM.sub(" ", text) for name, section in book.items() if name != "spellings" for text in strings(section)
            )
            misspelled = (word for word in strings(book.get("spellings", {})) if len(word) >= LONG)
            for word in plain_words([*texts, *misspelled]):
                if len(word) >= 4:
                    self._whole.add(squeezed := squeeze(word), language)
                    self._letters[squeezed] = max(len(word), self._letters.get(squeezed, 0))
            stems = squeezed_words(stem for text in texts for stem in _STEM.findall(text))
            self._begin[language] = tuple(stem for stem in stems if len(stem) >= KEY)
            for stem in stems:
                if len(stem) >= SHORTEST_STEM:
                    self._stems.add(stem, language)
        self._ordinary = frozenset(ordinary)

    def meant(self, word: str) -> tuple[Meant, ...]:
        squeezed = squeeze(word)
        if squeezed in self._ordinary or len(squeezed) < SHORTEST_WRITTEN:
            return ()
        near = {each for each in self._whole.near(squeezed) if self._may_mean(squeezed, each)}
        near.update(self._without_one(word))
        meant: dict[str, list[Mended]] = {}
        for each in sorted(near, key=lambda each: (_unlikeness(squeezed, each), each)):
            for language in self._whole.languages[each]:
                meant.setdefault(language, []).append(Mended(each))
        for each, language in self._begun(squeezed):
            meant.setdefault(language, []).append(Mended(each))
        return tuple(
            Meant(language, tuple(words[:MOST_READINGS]))
            for language, words in meant.items()
            if not squeezed.startswith(self._begin[language])
        )

    def _may_mean(self, written: str, meant: str) -> bool:
        if self._letters[meant] >= (SHORTEST_LATIN if _LATIN.match(meant) else 4):
            return True
        return len(written) == len(meant) and sorted(written) == sorted(meant)

    def _begun(self, word: str) -> Iterator[tuple[str, str]]:
        for length in range(SHORTEST_STEM, len(word) + 1):
            for stem in self._stems.near(word[:length]):
                for language in self._stems.languages[stem]:
                    yield stem + word[length:], language

    def _without_one(self, word: str) -> Iterator[str]:
        """One letter too many, also where it stands between doubled ones."""
        for at in range(len(word)):
            shorter = squeeze(word[:at] + word[at + 1 :])
            if self._letters.get(shorter, 0) >= SHORTEST_LATIN:
                yield shorter


def _keys(word: str) -> tuple[tuple[str, str], ...]:
    """Whichever letter is wrong, one of these stays: both ends, the first two or the last two."""
    return ("ends", word[0] + word[-1]), ("first", word[:2]), ("last", word[-2:])


def _unlikeness(written: str, meant: str) -> tuple[bool, bool, int]:
    return sorted(written) != sorted(meant), written[0] != meant[0], abs(len(written) - len(meant))


def plain_words(texts: Iterable[str]) -> set[str]:
    written = dict.fromkeys(word for text in texts for word in text.split())
    return set(plain(" ".join(written)).split())


def squeezed_words(texts: Iterable[str]) -> set[str]:
    """The plain and squeezed words of some texts."""
    return set(squeeze(" ".join(plain_words(texts))).split())


def strings(data: Any) -> Iterator[str]:
    """Every text in the values of a file."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)
