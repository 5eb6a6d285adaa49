"""Plain words compared: normalised text, and phrases compiled to one regular expression.

The pattern language is explained to volunteers at the top of `locales/<language>/lexicon.toml`. All
phrases of a section become one expression with shared beginnings, so that a text is read once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from handlers import scripts

# Emoji that say something by themselves stay as words; all others become spaces.
_SIGNS: Final = frozenset("🆘👍👎👌✅❌👋")
# Letters that Unicode does not take apart; those that one Cyrillic keyboard lacks, so that its users write
# others ("пожежі" as "пожежи"); fillers that are letters but show nothing; and apostrophes that are letters.
_LETTERS: Final = MappingProxyType(
    {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ı": "i"}
    | {"і": "и", "ы": "и", "э": "е", "є": "е", "ґ": "г"}
    | scripts.ARABIC
    | scripts.DEVANAGARI
    | dict.fromkeys("\u115f\u1160", "")
    | dict.fromkeys("\u02b9\u02bb\u02bc\u02bd\u02c8", " ")
)
_LOOKALIKES: Final = MappingProxyType(
    str.maketrans("авсԁегһнијкмпорԛѕтувԝхαβγεηικμνορστυχω", "abcderhhijkmnopqstybwxabyehikmnopstyxw")
)
_CYRILLIC_LOOKALIKES: Final = MappingProxyType(str.maketrans("abcehikmnoprtxy", "авсеникмпоргтху"))
_DIGIT_IN_WORD: Final = re.compile(r"(?<=([^\W\d]))[01345](?=[^\W\d])")
_DIGIT_LETTERS: Final = MappingProxyType({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s"})
_CYRILLIC_DIGIT_LETTERS: Final = MappingProxyType({"0": "о", "1": "и", "3": "з", "4": "ч", "5": "5"})
_STRETCHED: Final = re.compile(rf"([^\W\d]|[{scripts.INDIC}])\1\1+")
_DOUBLED: Final = re.compile(rf"([^\W\d]|[{scripts.INDIC}])\1+")
SAME_TEXT: Final = 4  # texts kept: each turn asks several times about the same words
_LATIN: Final = re.compile("[a-z]")
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")


def _fold(char: str) -> str:
    """One character as it is compared: its plain letters, a space, or nothing."""
    if char in _SIGNS:
        return f" {char} "
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(_kept(part) for part in parts)


def _kept(part: str) -> str:
    if part.isdecimal():
        return str(unicodedata.decimal(part))
    if part in _LETTERS or part.isalnum() or scripts.is_vowel(part):
        return _LETTERS.get(part, part)
    if unicodedata.category(part)[0] == "M" or unicodedata.category(part) == "Cf":
        return ""
    return "" if unicodedata.category(part) == "Cc" and not part.isspace() else " "


class _Folded(dict[int, str]):
    """What each character is compared as; found out when a text first has it."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < MOST_KEPT:  # nobody should fill the memory with rare signs
            self[code] = folded
        return folded


MOST_KEPT: Final = 4096
_FOLDED: Final = _Folded({code: _fold(chr(code)) for code in range(128)})


def _one_alphabet(word: str) -> str:
    """A word of mixed alphabets as the word that it looks like: of two, in the letters of most of it."""
    if word.isascii() or not (latin := _LATIN.findall(word)):
        return word
    as_latin, as_cyrillic = word.translate(_LOOKALIKES), word.translate(_CYRILLIC_LOOKALIKES)
    if _LATIN.search(as_cyrillic):
        return word if _CYRILLIC.search(as_latin) else as_latin
    if _CYRILLIC.search(as_latin) or len(_CYRILLIC.findall(word)) > len(latin):
        return as_cyrillic
    return as_latin


def _one_alphabet_each(text: str) -> str:
    return text if text.isascii() else " ".join(map(_one_alphabet, text.split(" ")))


def _digit_letter(digit: re.Match[str]) -> str:
    """The letter that a digit inside a word stands for, in the alphabet of the letter before it."""
    letters = _CYRILLIC_DIGIT_LETTERS if _CYRILLIC.match(digit[1]) else _DIGIT_LETTERS
    return letters[digit[0]]


@lru_cache(SAME_TEXT)
def plain(text: str) -> str:
    """Everything that `normalise` does except stretched letters, which patterns allow anyway."""
    joined = " ".join(text.translate(_FOLDED).split())
    if not (joined.isalpha() or joined.replace(" ", "").isalpha()):
        # The letter that a digit stands for depends on the alphabet, and may itself tell it ("α0α").
        joined = _DIGIT_IN_WORD.sub(_digit_letter, _one_alphabet_each(joined))
    return joined if joined.isascii() else scripts.one_spelling(_one_alphabet_each(joined))


def normalise(text: str) -> str:
    """Bring a text into the plain form that words are compared in."""
    return _STRETCHED.sub(r"\1", plain(text))


@lru_cache(SAME_TEXT)
def squeeze(text: str) -> str:
    """Doubled letters as one, so that "hellp" and "coming" misspelled as "comming" are found."""
    return _DOUBLED.sub(r"\1", text)


# --- From phrases to one regular expression ---------------------------------------------------

_WITHOUT_UMLAUTS: Final = MappingProxyType(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"}))
_GAP: Final = "(?: [^ ]+){0,3}?"
Item = tuple[str, ...]  # alternatives; "" among them: may be left out; none at all: a gap
Phrase = tuple[Item, ...]
_Entry = tuple[tuple[str, ...], str]  # the atoms of a literal beginning, and the rest as an expression


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """One language's file while it is being compiled."""

    path: Path
    data: Mapping[str, Any]

    _items: dict[str, Item] = field(default_factory=dict, compare=False, repr=False)

    def section(self, name: str, key: str) -> list[Phrase]:
        """The phrases under a key of a section; raises ValueError that names file, section and phrase."""
        found = []
        for phrase in self.data.get(name, {}).get(key, ()):
            try:
                found.append(self._phrase(phrase))
            except ValueError as error:
                raise ValueError(f"{self.path}: [{name}] {key}: {phrase!r}: {error}") from None
        return found

    def forget(self) -> None:
        """Free what only the reading of phrases needs."""
        self._items.clear()

    def _phrase(self, phrase: str) -> Phrase:
        items = tuple([self._item(part) for part in _split(phrase, " ") if part])
        if not items or not items[0] or not items[-1]:
            raise ValueError("a phrase neither begins nor ends with a gap")
        if all("" in item for item in items if item):
            raise ValueError("every word of it may be missing")
        return items

    def _item(self, part: str) -> Item:
        """One part of a phrase; most of them stand in many phrases."""
        if (known := self._items.get(part)) is None:
            known = self._items[part] = self._read(part)
        return known

    def _read(self, part: str) -> Item:
        if part == "*":
            return ()
        core = part.removesuffix("?")
        if core[:1] + core[-1:] == "()":
            found = [text for choice in _split(core[1:-1], "|") for text in self._texts(choice)]
        elif core[:1] + core[-1:] == "{}":
            found = [text for choice in self._group(core[1:-1]) for text in self._texts(choice)]
        elif core in ("", "*") or not _MARKS.isdisjoint(core):
            raise ValueError(f"{part!r} is out of place")
        elif not (core.isalpha() or core in "^$" or plain(core)):
            raise ValueError(f"{part!r} has no letter")
        else:
            spellings = self.data.get("spellings", {}).get(core, ())
            found = [form for word in (core, *spellings) for form in _forms(word)]
        return tuple(dict.fromkeys(found + [""] * part.endswith("?")))

    def _texts(self, choice: str) -> list[str]:
        """Every text that one alternative of a choice stands for."""
        if choice.isalpha() and choice.isascii() and choice not in self.data.get("spellings", ()):
            return [choice]  # as most are
        items = [self._item(part) for part in _split(choice, " ") if part]
        if () in items:
            raise ValueError("no gap inside a choice")
        if len(items) == 1:
            texts = list(items[0])
        else:
            texts = [" ".join(filter(None, words)) for words in product(*items)]
        if "" in texts:
            raise ValueError("nothing but an optional word in a choice")
        return texts

    def _group(self, name: str) -> list[str]:
        try:
            return list(self.data["groups"][name])
        except KeyError:
            raise ValueError(f"there is no group {name!r}") from None


_MARKS: Final = frozenset("(){}|?")


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators that stand outside parentheses."""
    if "(" not in text:
        return text.split(separator)
    parts: list[str] = []
    depth = 0
    for piece in text.split(separator):
        if depth:
            parts[-1] += separator + piece
        else:
            parts.append(piece)
        depth += piece.count("(") - piece.count(")")
    return parts


def _forms(word: str) -> tuple[str, ...]:
    """A word with and without its apostrophe, and with its umlauts as those write them who have none."""
    forms = (word.replace("'", " "), word.replace("'", "")) if "'" in word else (word,)
    return (*forms, *(other for form in forms if (other := form.translate(_WITHOUT_UMLAUTS)) != form))


def _letters(words: str) -> tuple[str, ...]:
    """The words as atoms of an expression, each with the space before it."""
    atoms: list[str] = []
    for word in words.split():
        if word in ("^", "$"):
            atoms += (" ", re.escape(word))
        else:
            atoms += (" ", *squeeze(plain(word)), *["[^ ]*"] * word.endswith("*"))
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


def _expression(phrases: Iterable[Phrase]) -> str:
    """One expression for all phrases; those that begin with the same item share it."""
    following: dict[Item, list[Phrase]] = {}
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


class Pattern:
    """Finds any of the phrases as whole words in a framed and squeezed text.

    It is compiled at its first use: all of them together would take half a second of every start.
    """

    def __init__(self, phrases: Sequence[Phrase], before: str = "", after: str = "(?= )") -> None:
        self.phrases = phrases
        self._around = before, after

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        before, after = self._around
        return re.compile(before + _expression(self.phrases) + after if self.phrases else "(?!)")


def frame(text: str) -> str:
    """Mark start and end as words of their own, which patterns call `^` and `$`."""
    return f" ^ {text} $ "
