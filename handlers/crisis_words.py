"""Whether someone is in danger, by their words: the phrases of all `locales/<language>/crisis.toml`.

Pure: text in, `Cry` out. It only ever adds help, so whoever may be in danger is asked, and whoever surely is
gets an SOS at once; only manners of speaking (`not`) take the meaning away.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from handlers.intents import Intent
from handlers.phrase_index import Found, PhraseIndex
from handlers.phrases import Phrasebook, frame, plain, squeeze

SURE, MAYBE, SOFT, NOT = "sure", "maybe", "soft", "not"
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
    "minor": ("phrases", NOT),
    "hide": ("phrases",),
    "return": ("phrases",),
    "yes": ("phrases",),
    "no": ("phrases",),
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


class CrisisWords:
    """The crisis phrases of all languages."""

    def __init__(self, books: Sequence[Phrasebook]) -> None:
        ordinary = {word for book in books for word in book.data.get("ordinary", {}).get("words", ())}

        def index(section: str, *keys: str) -> PhraseIndex:
            found = (
                ((key, phrase) for phrase in book.section(section, key)) for book in books for key in keys
            )
            return PhraseIndex(chain.from_iterable(found), ordinary)

        self._alarms = index("crisis", SURE, MAYBE)
        self._frames = index("crisis", SOFT, NOT)
        self._dangers = index("danger", *DANGERS)
        self._minors = index("minor", "phrases", NOT)
        self._hide, self._return = index("hide", "phrases"), index("return", "phrases")

    def intent(self, text: str) -> Intent | None:
        """Whether the words are an SOS, may be one, or neither, in any language."""
        words = plain(text)
        return self._weigh(words)[0] if self._alarms.candidates(words.split()) else None

    def cry(self, text: str) -> Cry:
        """All that the words say of danger."""
        intent, framed = self._weigh(plain(text))
        return Cry(intent, None if intent is None else self._danger(framed), self.says_minor(text))

    def danger(self, text: str) -> str | None:
        """The kind of danger that words name, where it is known already that there is one."""
        return self._danger(self._weigh(plain(text))[1])

    def says_minor(self, text: str) -> bool:
        """Whether the writer says that they are under 18."""
        framed = _framed(plain(text))
        if not (found := self._minors.search(framed)):
            return False
        framed = _erase(framed, [each for each in found if each.tells == NOT])
        return any(each.tells != NOT for each in self._minors.search(framed))

    def is_hide(self, text: str) -> bool:
        """Whether the whole message is the word that hides the chat."""
        return bool(self._hide.search(_framed(plain(text))))

    def is_return(self, text: str) -> bool:
        """Whether the whole message is the word that ends the silence after it."""
        return bool(self._return.search(_framed(plain(text))))

    def _weigh(self, words: str) -> tuple[Intent | None, str]:
        """What the words are, and the framed words without manners of speaking."""
        framed = _framed(words)
        if not self._alarms.search(framed):
            return None, framed
        framed = _erase(framed, [each for each in self._frames.search(framed) if each.tells == NOT])
        alarms = self._alarms.search(framed)
        sure = [each for each in alarms if each.tells == SURE]
        if sure:
            soft = [each for each in self._frames.search(framed) if each.tells == SOFT]
            if not all(any(each.overlaps(other) for other in soft) for each in sure):
                return Intent.SOS, framed
        return (Intent.MAYBE_SOS if alarms else None), framed

    def _danger(self, framed: str) -> str | None:
        """The kind of which most words speak."""
        said: dict[str, set[int]] = {}
        for found in self._dangers.search(framed):
            words = (at for at in range(found.start, found.end) if framed[at] == " ")
            said.setdefault(found.tells, set()).update(words)
        return max(DANGERS, key=lambda kind: len(said.get(kind, ()))) if said else None


def load(folders: Sequence[Path]) -> dict[str, Phrasebook]:
    """Read each `<language>/crisis.toml`; the one in a later folder replaces that in an earlier one.

    Raises ValueError that says where in which file something is wrong.
    """
    paths = {path.parent.name: path for folder in folders for path in sorted(folder.glob("*/crisis.toml"))}
    return {language: Phrasebook(path, _read(path)) for language, path in sorted(paths.items())}


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


def _framed(words: str) -> str:
    return frame(squeeze(words))


def _erase(framed: str, spans: list[Found]) -> str:
    """The text without the spans; of two that overlap the one that begins first, or else the longer one."""
    kept, end = [], 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= end:
            kept += [framed[end : span.start], " ~"]
            end = span.end
    return "".join((*kept, framed[end:]))
