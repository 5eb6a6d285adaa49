"""Whether someone is in danger, by their words: the phrases of all `locales/<language>/crisis.toml`.

Pure: text in, `Cry` out. It only ever adds help, so whoever may be in danger is asked, and whoever surely is
gets an SOS at once; only manners of speaking (`not`) take the meaning away.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from handlers.intents import Intent
from handlers.mending import Mended, Mender
from handlers.phrase_index import Found, PhraseIndex, Rarity
from handlers.phrases import Phrasebook, frame, plain, squeeze

SURE, MAYBE, SOFT, NOT = "sure", "maybe", "soft", "not"
PHRASES = "phrases"
FEWEST_TO_TELL: Final = 2  # words; one alone, such as SOS, is written in every language
LONG, LONG_IN_OTHER_LETTERS = 7, 5  # letters of a mended word that may be a cry by itself
# Which kind counts where words speak of several to the same extent: the cause rather than what comes of it.
DANGERS: Final = (
    "self_harm", "violence", "child", "fire", "trapped", "missing", "disaster", "shelter", "medical",
)  # fmt: skip
# Each section of a file and its keys; none: the file chooses them.
SECTIONS: Final[Mapping[str, Sequence[str]]] = {
    "groups": (),
    "spellings": (),
    "ordinary": ("words",),
    "crisis": (SURE, MAYBE, SOFT, NOT),
    "danger": DANGERS,
    "minor": (PHRASES, NOT),
    "hide": (PHRASES,),
    "return": (PHRASES,),
    "yes": (PHRASES,),
    "no": (PHRASES,),
}


@dataclass(frozen=True, slots=True)
class Cry:
    """What a text says of danger.

    intent: SOS, MAYBE_SOS or None. danger: a kind of `first_words.KINDS`, None where the words name none.
    minor: whether the writer says that they are under 18.
    """

    intent: Intent | None
    danger: str | None = None
    minor: bool = False


class _Heard(NamedTuple):
    """What words are, by which phrases, and the words without manners of speaking."""

    intent: Intent | None
    alarms: list[Found]
    rest: list[str]


class CrisisWords:
    """The crisis phrases of all languages."""

    def __init__(self, books: Mapping[str, Phrasebook], everyday: Sequence[Path] = ()) -> None:
        self.languages = tuple(books)
        self._books = books
        ordinary = {
            word for book in books.values() for word in book.data.get("ordinary", {}).get("words", ())
        }
        self._words: dict[str, frozenset[str]] = {}
        self._rarity = Rarity(ordinary)
        self._alarms = self._index("crisis", SURE, MAYBE)
        self._mender = Mender({language: book.data for language, book in books.items()}, everyday)

    def intent(self, text: str) -> Intent | None:
        """Whether the words are an SOS, may be one, or neither, in any language."""
        words = plain(text)
        said = words.split()
        if self._alarms.candidates(said) and (intent := self._weigh(_framed(words)).intent):
            return intent
        return heard.intent if (heard := self._mended(said)) else None

    def cry(self, text: str) -> Cry:
        """All that the words say of danger."""
        words = plain(text)
        heard = self._hear(words)
        danger = self._danger(heard) if heard.intent else None
        return Cry(heard.intent, danger, self._says_minor(_framed(words)))

    def danger(self, text: str) -> str | None:
        """The kind of danger that words name, where it is known already that there is one."""
        return self._danger(self._hear(plain(text)))

    def language(self, text: str) -> str | None:
        """The language of a cry: of those with its longest phrases the one that knows most of its words."""
        framed = _framed(plain(text))
        alarms = self._weigh(framed).alarms
        longest = max((each.end - each.start for each in alarms), default=0)
        languages = {each.language for each in alarms if each.end - each.start == longest}
        known = {each: len(self._vocabulary(each).intersection(framed)) for each in languages}
        most = max(known.values(), default=0)
        if most < FEWEST_TO_TELL:
            return None
        best = [each for each in languages if known[each] == most]
        return best[0] if len(best) == 1 else None

    def _vocabulary(self, language: str) -> frozenset[str]:
        """Every word of a language's phrases."""
        if language not in self._words:
            sections = self._books[language].data.values()
            said = (text for each in sections for texts in each.values() for text in texts)
            self._words[language] = frozenset(squeeze(plain(" ".join(said))).split())
        return self._words[language]

    def says_minor(self, text: str) -> bool:
        """Whether the writer says that they are under 18."""
        return self._says_minor(_framed(plain(text)))

    def is_hide(self, text: str) -> bool:
        """Whether the whole message is the word that hides the chat."""
        return bool(self._hide.search(_framed(plain(text))))

    def is_return(self, text: str) -> bool:
        """Whether the whole message is the word that ends the silence after it."""
        return bool(self._return.search(_framed(plain(text))))

    def _hear(self, words: str) -> _Heard:
        heard = self._weigh(_framed(words))
        return heard if heard.intent else self._mended(words.split()) or heard

    def _mended(self, said: Sequence[str]) -> _Heard | None:
        """What may be heard once mistyped words are mended: that is asked, so that no guess alarms anyone."""
        for language, reading in self._mender.readings(said):
            intent, alarms, rest = self._weigh(["^", *reading, "$"])
            if intent and (
                told := [
                    each
                    for each in alarms
                    if each.language == language and _is_plausible(rest[each.start : each.end])
                ]
            ):
                return _Heard(Intent.MAYBE_SOS, told, rest)
        return None

    def _weigh(self, framed: list[str]) -> _Heard:
        """What the words are, by which phrases, and the words without manners of speaking."""
        if not (alarms := self._alarms.search(framed)):
            return _Heard(None, [], framed)
        frames = self._frames.search(framed)
        if calm := [each for each in frames if each.tells == NOT]:
            framed = _erase(framed, calm)
            alarms, frames = self._alarms.search(framed), self._frames.search(framed)
        soft = [each for each in frames if each.tells == SOFT]
        for each in alarms:
            if each.tells == SURE and not any(each.overlaps(other) for other in soft):
                return _Heard(Intent.SOS, alarms, framed)
        return _Heard(Intent.MAYBE_SOS if alarms else None, alarms, framed)

    def _danger(self, heard: _Heard) -> str | None:
        """The kind of which most words speak, in the languages in which most of the cry was understood."""
        alarms = heard.alarms
        longest = max((each.end - each.start for each in alarms), default=0)
        languages = {each.language for each in alarms if each.end - each.start == longest}
        found = self._dangers.search(heard.rest)
        said: dict[str, set[int]] = {}
        for each in [each for each in found if each.language in languages] or found:
            said.setdefault(each.tells, set()).update(range(each.start, each.end))
        return max(DANGERS, key=lambda kind: len(said.get(kind, ()))) if said else None

    def _says_minor(self, framed: list[str]) -> bool:
        found = self._minors.search(framed)
        if all(each.tells == NOT for each in found):
            return False
        framed = _erase(framed, [each for each in found if each.tells == NOT])
        return any(each.tells != NOT for each in self._minors.search(framed))

    def make_ready(self) -> None:
        """Read what only some messages are compared with, before the first of them comes."""
        for index in (self._frames, self._dangers, self._minors, self._hide, self._return):
            index.candidates(())
        self._mender.make_ready()
        self._rarity.forget()
        for book in self._books.values():
            book.forget()

    @cached_property
    def _frames(self) -> PhraseIndex:
        return self._index("crisis", SOFT, NOT)

    @cached_property
    def _dangers(self) -> PhraseIndex:
        return self._index("danger", *DANGERS)

    @cached_property
    def _minors(self) -> PhraseIndex:
        return self._index("minor", PHRASES, NOT)

    @cached_property
    def _hide(self) -> PhraseIndex:
        return self._index("hide", PHRASES)

    @cached_property
    def _return(self) -> PhraseIndex:
        return self._index("return", PHRASES)

    def _index(self, section: str, *keys: str) -> PhraseIndex:
        return PhraseIndex(
            (
                (language, key, phrase)
                for language, book in self._books.items()
                for key in keys
                for phrase in book.section(section, key)
            ),
            self._rarity,
        )


def load(folder: Path, own: Path | None = None) -> dict[str, Phrasebook]:
    """Read each `<language>/crisis.toml`; the one in the union's own folder replaces that of its language.

    Raises ValueError that says where in which file something is wrong.
    """
    books = {path.parent.name: Phrasebook(path, _read(path)) for path in sorted(folder.glob("*/crisis.toml"))}
    if own is not None:
        for path in sorted(own.glob("*/crisis.toml")):
            books[path.parent.name] = book = Phrasebook(path, _read(path))
            _check(book)
    return books


def _check(book: Phrasebook) -> None:
    """Read every phrase; those of our own files are checked by tests, and read when they are needed."""
    for section, keys in SECTIONS.items():
        if section != "ordinary":
            for key in keys:
                book.section(section, key)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    for name, section in data.items():
        if name not in SECTIONS or not isinstance(section, dict):
            raise ValueError(f"{path}: there is no section [{name}]")
        known = SECTIONS[name]
        for key, words in section.items():
            if known and key not in known:
                raise ValueError(f"{path}: [{name}] has no {key!r}, but {', '.join(known)}")
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise ValueError(f"{path}: [{name}] {key} must be a list of texts in quotes")
    return data


def _framed(words: str) -> list[str]:
    return frame(squeeze(words)).split()


def _is_plausible(words: Sequence[str]) -> bool:
    """Whether a phrase has a mended word, and that is a long one or another stands as it should."""
    mended = [word for word in words if isinstance(word, Mended)]
    if any(len(word) >= (LONG if word.isascii() else LONG_IN_OTHER_LETTERS) for word in mended):
        return True
    return bool(mended) and any(not isinstance(word, Mended) and word not in "^$~" for word in words)


def _erase(framed: list[str], spans: list[Found]) -> list[str]:
    """The words without the spans; of two that overlap the one that begins first, or else the longer one."""
    kept: list[str] = []
    end = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= end:
            kept += [*framed[end : span.start], "~"]
            end = span.end
    return [*kept, *framed[end:]]
