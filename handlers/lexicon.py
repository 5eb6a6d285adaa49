"""Understanding plain words, driven by the phrase files `locales/<language>/lexicon.toml`.

The pattern language is explained to volunteers at the top of those files. All phrases of a section
become one regular expression with shared beginnings, so that a text is read once.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import product
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from handlers.skills import SKILLS

# Emoji that say something by themselves stay as words; all others become spaces.
_SIGNS: Final = frozenset("🆘👍👎👌✅❌👋")
# Letters that Unicode does not take apart, and fillers that are letters but show nothing.
_LETTERS: Final = MappingProxyType(
    {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ı": "i"}
    | dict.fromkeys("\u115f\u1160", "")
)
_LOOKALIKES: Final = MappingProxyType(
    str.maketrans("авсԁегһніјкмпорԛѕтувԝхαβγεηικμνορστυχω", "abcderhhijkmnopqstybwxabyehikmnopstyxw")
)
_DIGIT_IN_WORD: Final = re.compile(r"(?<=[^\W\d])[01345](?=[^\W\d])")
_DIGIT_LETTERS: Final = MappingProxyType({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s"})
_STRETCHED: Final = re.compile(r"([^\W\d])\1\1+")
_DOUBLED: Final = re.compile(r"([^\W\d])\1+")
_LATIN: Final = re.compile("[a-z]")


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    """One character as it is compared: its plain letters, a space, or nothing."""
    if char in _SIGNS:
        return f" {char} "
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(_kept(part) for part in parts)


def _kept(part: str) -> str:
    if part.isalnum():
        return _LETTERS.get(part, part)
    if unicodedata.category(part)[0] == "M" or unicodedata.category(part) == "Cf":
        return ""
    return "" if unicodedata.category(part) == "Cc" and not part.isspace() else " "


_ASCII: Final = MappingProxyType({code: _fold(chr(code)) for code in range(128)})


def _latin(word: str) -> str:
    """A word that mixes alphabets, as the Latin word that it looks like."""
    return word if word.isascii() or not _LATIN.search(word) else word.translate(_LOOKALIKES)


def _plain(text: str) -> str:
    """Everything that `normalise` does except stretched letters, which patterns allow anyway."""
    if text.isascii():
        words = text.translate(_ASCII).split()
    else:
        words = [_latin(word) for word in "".join(map(_fold, text)).split()]
    plain = " ".join(words)
    if plain.isalpha() or plain.replace(" ", "").isalpha():
        return plain
    return _DIGIT_IN_WORD.sub(lambda digit: _DIGIT_LETTERS[digit[0]], plain)


def normalise(text: str) -> str:
    """Bring a text into the plain form that words are compared in."""
    return _STRETCHED.sub(r"\1", _plain(text))


def _squeeze(plain: str) -> str:
    """Doubled letters as one, so that "hellp" and "coming" misspelled as "comming" are found."""
    return _DOUBLED.sub(r"\1", plain)


class Intent(StrEnum):
    """What a message is for, as far as its words tell."""

    SOS = "sos"
    MAYBE_SOS = "maybe_sos"
    NEED = "need"
    OFFER = "offer"
    THANKS = "thanks"
    GREETING = "greeting"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the words of one message say."""

    intent: Intent
    skills: tuple[str, ...]
    urgent: bool


# --- From phrases to one regular expression ---------------------------------------------------

_GAP: Final = "(?: [^ ]+){0,3}?"
_Item = tuple[str, ...]  # alternatives; "" among them: may be left out; none at all: a gap
_Phrase = tuple[_Item, ...]
_Entry = tuple[tuple[str, ...], str]  # the atoms of a literal beginning, and the rest as an expression


@dataclass(frozen=True, slots=True)
class _Phrasebook:
    """One language's file while it is being compiled."""

    path: Path
    data: Mapping[str, Any]

    def section(self, name: str, key: str) -> list[_Phrase]:
        """The phrases under a key of a section."""
        return [self._phrase(phrase) for phrase in self.data.get(name, {}).get(key, ())]

    def _phrase(self, phrase: str) -> _Phrase:
        items = tuple(self._item(part, phrase) for part in _split(phrase, " ") if part)
        if not items or not items[0] or not items[-1]:
            raise ValueError(f"{self.path}: a phrase neither begins nor ends with a gap: {phrase!r}")
        return items

    def _item(self, part: str, phrase: str) -> _Item:
        if part == "*":
            return ()
        core = part.removesuffix("?")
        if core[:1] + core[-1:] == "()":
            found = [text for choice in _split(core[1:-1], "|") for text in self._texts(choice, phrase)]
        elif core[:1] + core[-1:] == "{}":
            found = [text for choice in self._group(core[1:-1]) for text in self._texts(choice, phrase)]
        elif not core or set(core) & set("(){}|?"):
            raise ValueError(f"{self.path}: {part!r} is out of place in {phrase!r}")
        else:
            found = [
                form
                for word in (core, *self.data.get("spellings", {}).get(core, ()))
                for form in _forms(word)
            ]
        return tuple(dict.fromkeys(found + [""] * part.endswith("?")))

    def _texts(self, choice: str, phrase: str) -> list[str]:
        """Every text that one alternative of a choice stands for."""
        items = [self._item(part, phrase) for part in _split(choice, " ") if part]
        if () in items:
            raise ValueError(f"{self.path}: no gap inside a choice: {phrase!r}")
        texts = [" ".join(filter(None, words)) for words in product(*items)]
        if "" in texts:
            raise ValueError(f"{self.path}: nothing but an optional word in a choice: {phrase!r}")
        return texts

    def _group(self, name: str) -> list[str]:
        try:
            return list(self.data["groups"][name])
        except KeyError:
            raise ValueError(f"{self.path}: there is no group {name!r}") from None


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators that stand outside parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _forms(word: str) -> tuple[str, ...]:
    """A word with and without its apostrophe."""
    return (word.replace("'", " "), word.replace("'", "")) if "'" in word else (word,)


def _letters(words: str) -> tuple[str, ...]:
    """The words as atoms of an expression, each with the space before it."""
    atoms: list[str] = []
    for word in words.split():
        if word in ("^", "$"):
            atoms += (" ", re.escape(word))
        else:
            atoms += (" ", *_squeeze(_plain(word)), *["[^ ]*"] * word.endswith("*"))
    return tuple(atoms)


def _trie(entries: Iterable[_Entry]) -> str:
    """One expression for all entries in which equal beginnings are tried once, the longest first."""
    branches: dict[str, list[_Entry]] = {}
    endings: set[str] = set()
    for atoms, ending in entries:
        if atoms:
            branches.setdefault(atoms[0], []).append((atoms[1:], ending))
        else:
            endings.add(ending)
    longer = sorted(endings - {""}, key=len, reverse=True)
    literal = [atom + _trie(rest) for atom, rest in branches.items()]
    options = [*longer, *literal, *endings & {""}]
    return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"


def _expression(phrases: Iterable[_Phrase]) -> str:
    """One expression for all phrases; those that begin with the same item share it."""
    following: dict[_Item, list[_Phrase]] = {}
    for first, *rest in phrases:
        following.setdefault(first, []).append(tuple(rest))
    entries: list[_Entry] = []
    for item, rests in following.items():
        end = _expression(filter(None, rests)) if any(rests) else ""
        end = f"(?:{end})?" if end and () in rests else end
        if len(item) == 1:
            entries.append((_letters(item[0]), end))
        else:
            entries.append(((), (_trie([(_letters(words), "") for words in item]) if item else _GAP) + end))
    return _trie(entries)


def _pattern(phrases: Sequence[_Phrase]) -> re.Pattern[str]:
    """Finds any of the phrases as whole words in a framed and squeezed text."""
    return re.compile(_expression(phrases) + "(?= )" if phrases else "(?!)")


def _screen(phrases: Iterable[_Phrase], ordinary: Set[str]) -> re.Pattern[str]:
    """Finds the most telling item of any of the phrases in a framed text, squeezed or not."""

    def common(word: str) -> float:
        return len(word) ** -3 + (word in ordinary) / 10

    def commonness(item: _Item) -> float:
        if not item or "" in item or {"^", "$"} & set(item):
            return inf
        return max(min(common(word) for word in text.split()) for text in item)

    telling = {words for phrase in phrases for words in min(phrase, key=commonness)}
    stretchable = {
        tuple(f"{atom}{atom}*" if atom.isalpha() else atom for atom in _letters(words)) for words in telling
    }
    return re.compile(_trie((atoms, "") for atoms in sorted(stretchable)) + "(?= )" if telling else "(?!)")


def _frame(plain: str) -> str:
    """Mark start and end as words of their own, which patterns call `^` and `$`."""
    return f" ^ {plain} $ "


# --- The lexicons -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Section:
    """Phrases that count unless they stand inside a phrase that takes their meaning away."""

    phrases: re.Pattern[str]
    calm: re.Pattern[str]

    @classmethod
    def of(cls, name: str, *books: _Phrasebook) -> _Section:
        phrases, calm = ([p for book in books for p in book.section(name, key)] for key in ("phrases", "not"))
        return cls(_pattern(phrases), _pattern(calm))

    def heard(self, framed: str) -> bool:
        if not self.phrases.search(framed):
            return False
        return bool(self.phrases.search(self.calm.sub(" ~", framed)))


class _Lexicon:
    """One language: what its speakers say for each thing that we listen for."""

    def __init__(self, book: _Phrasebook) -> None:
        self.need = _Section.of("need", book)
        self.offer = _Section.of("offer", book)
        self.thanks = _Section.of("thanks", book)
        self.greeting = _Section.of("greeting", book)
        self._answers = tuple(
            (value, _pattern(book.section(name, "phrases")), self._only(book, name))
            for value, name in ((True, "yes"), (False, "no"))
        )
        known = book.data.get("skills", {})
        if strange := set(known) - {*SKILLS, "not"}:
            raise ValueError(f"{book.path}: unknown skills {sorted(strange)}")
        self._skills = tuple((skill, _pattern(book.section("skills", skill))) for skill in known)

    @staticmethod
    def _only(book: _Phrasebook, name: str) -> re.Pattern[str]:
        """A whole text of nothing but such answers and courtesy."""
        words = [*book.section(name, "phrases"), *book.section("thanks", "phrases")]
        return re.compile(rf" \^(?:{_expression(words)}(?= ))+ \$ " if words else "(?!)")

    def answer(self, framed: str) -> bool | None:
        found = {value for value, word, only in self._answers if only.match(framed) and word.search(framed)}
        return found.pop() if len(found) == 1 else None

    def skills(self, framed: str) -> tuple[str, ...]:
        """Skills in order of appearance; of overlapping phrases the longest counts."""
        spans = [(m.start(), m.end(), skill) for skill, words in self._skills for m in words.finditer(framed)]
        taken: list[tuple[int, int, str]] = []
        for start, end, skill in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
            if all(end <= other or start >= until for other, until, _ in taken):
                taken.append((start, end, skill))
        return tuple(dict.fromkeys(skill for _, _, skill in sorted(taken) if skill != "not"))

    def intent(self, framed: str) -> Intent | None:
        # Somebody in need may mention what they have; a need missed is worse than an offer missed.
        if self.need.heard(framed):
            return Intent.NEED
        return Intent.OFFER if self.offer.heard(framed) else None

    def courtesy(self, framed: str) -> Intent | None:
        if self.thanks.heard(framed):
            return Intent.THANKS
        return Intent.GREETING if self.greeting.heard(framed) else None


class Lexicons:
    """All languages that the bot understands plain words in."""

    def __init__(self, books: Mapping[str, _Phrasebook]) -> None:
        self.languages = tuple(books)
        self._urgent = _Section.of("urgent", *books.values())
        self._lexicons = {language: _Lexicon(book) for language, book in books.items()}
        sure, maybe, calm = (
            [phrase for book in books.values() for phrase in book.section("crisis", name)]
            for name in ("sure", "maybe", "not")
        )
        self._screen = _screen(
            sure + maybe,
            {word for book in books.values() for word in book.data.get("ordinary", {}).get("words", ())},
        )
        self._sure, self._maybe, self._calm = _pattern(sure), _pattern(maybe), _pattern(calm)

    @classmethod
    def load(cls, folder: Path) -> Lexicons:
        """Read every `<language>/lexicon.toml` in the folder."""
        paths = sorted(folder.glob("*/lexicon.toml"))
        read = {path: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
        return cls({path.parent.name: _Phrasebook(path, data) for path, data in read.items()})

    def crisis(self, text: str) -> Intent | None:
        """Whether the words are an SOS, may be one, or neither, in any language."""
        framed = _frame(_plain(text))
        return self._weigh(_squeeze(framed)) if self._screen.search(framed) else None

    def _weigh(self, framed: str) -> Intent | None:
        for phrases, intent in ((self._sure, Intent.SOS), (self._maybe, Intent.MAYBE_SOS)):
            if phrases.search(framed) and phrases.search(self._calm.sub(" ~", framed)):
                return intent
        return None

    def understand(self, text: str, language: str) -> Understanding:
        """What a message is for; the given language is tried first, then all others."""
        framed, order = _frame(_squeeze(_plain(text))), self._order(language)
        intent = self.crisis(text)
        for lexicon in order:
            if intent is None and (intent := lexicon.intent(framed)):
                order = [lexicon, *(other for other in order if other is not lexicon)]
        for lexicon in order:
            intent = intent or lexicon.courtesy(framed)
        urgent = intent is Intent.SOS or self._urgent.heard(framed)
        return Understanding(intent or Intent.NONE, _first_skills(order, framed), urgent)

    def skills(self, text: str, language: str) -> tuple[str, ...]:
        """The skills that a text speaks of, in order of appearance."""
        return _first_skills(self._order(language), _frame(_squeeze(_plain(text))))

    def answer(self, text: str, language: str) -> bool | None:
        """Whether a text says only yes or only no."""
        framed = _frame(_squeeze(_plain(text)))
        answers = (lexicon.answer(framed) for lexicon in self._order(language))
        return next((answer for answer in answers if answer is not None), None)

    def _order(self, language: str) -> list[_Lexicon]:
        preferred = (language, re.split("[-_]", language)[0])
        names = sorted(self.languages, key=lambda name: name not in preferred)
        return [self._lexicons[name] for name in names]


def _first_skills(order: Iterable[_Lexicon], framed: str) -> tuple[str, ...]:
    return next((found for lexicon in order if (found := lexicon.skills(framed))), ())
