"""Words with one wrong letter, read as the telling words that may have been meant.

Wrong is a letter that is another, is missing or is too many, or two neighbours that are swapped. A word that
stands in any of our own files is right as it is. All words of a text are mended towards one language at a
time, as a frightened writer misses more than one key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from handlers.phrases import plain, squeeze

MOST_KNOWN: Final = 20_000  # words of which it is remembered what they may mean
MOST_WORDS: Final = 200  # of a message in which words are mended
MOST_LOOKED_UP: Final = 30  # words of one message that are looked up anew
MOST_MEANT: Final = 3  # words of one language that a mistyped one may mean
LONGEST: Final = 30  # letters of a word that is looked up
SHORTEST: Final = 4  # letters of one; shorter ones are like too many others
SHORTEST_LATIN: Final = 5  # letters of a Latin word meant; of a shorter one only neighbours may be swapped
SHORTEST_STEM: Final = 6  # letters of a beginning with an open end
LONG: Final = 7  # letters of a listed misspelling that may itself be mistyped
_LATIN: Final = re.compile("[a-z]")
_STEM: Final = re.compile(r"([^\s|(){}?]+)\*")


class Mended(str):
    """A telling word in place of a mistyped one; it is compared like any other."""

    __slots__ = ()


class Meant(NamedTuple):
    """What a mistyped word may mean in one language, the likeliest first."""

    language: str
    words: tuple[Mended, ...]


class Mender:
    """Finds what mistyped words may mean, and remembers it."""

    def __init__(self, books: Mapping[str, Mapping[str, Any]], everyday: Iterable[Path]) -> None:
        """books: the crisis file of each language. everyday: files whose words are right as they are."""
        self._books, self._everyday = books, tuple(everyday)
        self._right: set[str] = set()
        self._mistyped: dict[str, tuple[Meant, ...]] = {}
        self._tables: _Tables | None = None

    def readings(self, words: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
        """The plain words of a text as they may have been meant, squeezed; and in which language."""
        if self._right.issuperset(words) or len(words) > MOST_WORDS:
            return ()
        left = MOST_LOOKED_UP
        found: dict[int, tuple[Meant, ...]] = {}
        for at, word in enumerate(words):
            if word not in self._right and word not in self._mistyped:
                if not left:
                    continue
                left -= self._look_up(word)
            if meant := self._mistyped.get(word):
                found[at] = meant
        return _combined([squeeze(word) for word in words], found)

    def make_ready(self) -> _Tables:
        """Read the words of all files, which takes a second, before the first of a message is looked up."""
        if self._tables is None:
            self._tables = _Tables(self._books, self._everyday)
        return self._tables

    def _look_up(self, word: str) -> bool:
        """Remember what a word may mean; whether that took a search."""
        if len(self._right) + len(self._mistyped) >= MOST_KNOWN:
            self._right.clear()
            self._mistyped.clear()
        if len(word) > LONGEST:
            return False
        if len(word) < SHORTEST:
            self._right.add(word)
            return False
        if meant := self.make_ready().meant(word):
            self._mistyped[word] = meant
        else:
            self._right.add(word)
        return True


def _combined(words: Sequence[str], found: Mapping[int, Sequence[Meant]]) -> Iterator[tuple[str, list[str]]]:
    for language in dict.fromkeys(meant.language for each in found.values() for meant in each):
        choices = {
            at: meant.words for at, each in found.items() for meant in each if meant.language == language
        }
        for number in range(max(map(len, choices.values()))):
            reading = list(words)
            for at, choice in choices.items():
                reading[at] = choice[min(number, len(choice) - 1)]
            yield language, reading


class _Table:
    """Words, by letters of which a mistyped one keeps some; and in which languages they are telling."""

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
        """The words that differ by one letter at most."""
        near = {each for key in _keys(word) for each in self._by_key.get(key, ())}
        found = process.extract(word, near, scorer=OSA.distance, score_cutoff=1, limit=None, processor=None)
        return [each for each, _distance, _index in found]


def _keys(word: str) -> tuple[tuple[str, str], ...]:
    """Whichever letter is wrong, one of these is right: both ends, the first two or the last two."""
    return ("ends", word[0] + word[-1]), ("first", word[:2]), ("last", word[-2:])


class _Tables:
    """The telling words of all languages, and all that are right as they are."""

    def __init__(self, books: Mapping[str, Mapping[str, Any]], everyday: Iterable[Path]) -> None:
        self._whole, self._stems = _Table(), _Table()
        self._letters: dict[str, int] = {}  # of each telling word with its doubled letters
        self._begun: dict[str, tuple[str, ...]] = {}
        self._right = {squeezed for path in everyday for _word, squeezed in _words(path.read_text("utf-8"))}
        for language, book in books.items():
            self._add(language, book)

    def _add(self, language: str, book: Mapping[str, Any]) -> None:
        spellings = book.get("spellings", {})
        telling = "\n".join((*_texts(book.get("crisis", {})), *_texts(book.get("groups", {})), *spellings))
        others = "\n".join(text for name in book if name != "spellings" for text in _texts(book[name]))
        written = list(_words(_STEM.sub(" ", telling)))
        self._right.update(word for _written, word in (*written, *_words(_STEM.sub(" ", others))))
        misspelled = _words("\n".join(text for text in _texts(spellings) if len(text) >= LONG))
        for word, squeezed in (*written, *misspelled):
            if len(squeezed) >= SHORTEST:
                self._whole.add(squeezed, language)
                self._letters[squeezed] = max(len(word), self._letters.get(squeezed, 0))
        stems = {
            stem for _word, stem in _words("\n".join(_STEM.findall(telling))) if len(stem) >= SHORTEST_STEM
        }
        self._begun[language] = tuple(stems)
        for stem in sorted(stems):
            self._stems.add(stem, language)

    def meant(self, word: str) -> tuple[Meant, ...]:
        squeezed = squeeze(word)
        if squeezed in self._right or len(squeezed) < SHORTEST:
            return ()
        near = {each for each in self._whole.near(squeezed) if self._may_mean(squeezed, each)}
        near.update(self._with_one_too_many(word))
        meant: dict[str, dict[str, None]] = {}
        for each in sorted(near, key=lambda each: (*_unlikeness(squeezed, each), each)):
            for language in self._whole.languages[each]:
                meant.setdefault(language, {})[each] = None
        for each, language in self._with_open_end(squeezed):
            meant.setdefault(language, {})[each] = None
        return tuple(
            Meant(language, tuple(map(Mended, list(words)[:MOST_MEANT])))
            for language, words in meant.items()
            if not squeezed.startswith(self._begun[language])  # which is understood as it is
        )

    def _may_mean(self, written: str, meant: str) -> bool:
        if self._letters[meant] >= (SHORTEST_LATIN if _LATIN.match(meant) else SHORTEST):
            return True
        return _same_letters(written, meant)

    def _with_one_too_many(self, word: str) -> Iterator[str]:
        """The words without one letter, also where that stands between doubled ones ("colklapsed")."""
        for at in range(len(word)):
            shorter = squeeze(word[:at] + word[at + 1 :])
            if self._letters.get(shorter, 0) >= SHORTEST_LATIN:
                yield shorter

    def _with_open_end(self, word: str) -> Iterator[tuple[str, str]]:
        for length in range(SHORTEST_STEM, len(word) + 1):
            for stem in sorted(self._stems.near(word[:length])):
                for language in self._stems.languages[stem]:
                    yield stem + word[length:], language


def _unlikeness(written: str, meant: str) -> tuple[bool, bool, int]:
    return not _same_letters(written, meant), written[0] != meant[0], abs(len(written) - len(meant))


def _same_letters(written: str, meant: str) -> bool:
    return len(written) == len(meant) and sorted(written) == sorted(meant)


def _words(text: str) -> Iterable[tuple[str, str]]:
    """Each word of a text once, plain, and squeezed as well."""
    words = plain(" ".join(dict.fromkeys(text.split())))
    return dict.fromkeys(zip(words.split(), squeeze(words).split(), strict=True))


def _texts(data: Any) -> Iterator[str]:
    """Every text in the values of a part of a file."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list):
        for value in data.values() if isinstance(data, Mapping) else data:
            yield from _texts(value)
