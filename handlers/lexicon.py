"""Understanding plain words, driven by the phrase files `locales/<language>/lexicon.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from handlers import crisis_words, when
from handlers.crisis_words import CrisisWords, Cry
from handlers.intents import Intent as Intent
from handlers.phrase_keys import PhraseKeys
from handlers.phrases import Pattern, Phrase, Phrasebook, frame, plain, squeeze
from handlers.skills import SKILLS, covered
from handlers.when import Calendar

EVERYDAY = ("lexicon.toml", "whose.toml", "when.toml", "*.po")  # files of words that are no misspelled cries
SIMILAR = 84  # percent of letters in common from which a word may be a misspelled other
SHORTEST_SIMILAR = 5  # letters; shorter words are like too many others
LONGEST_ANSWER = 500  # characters
MOST_WORDS_OF_AN_ANSWER = 10
_REPEATED = re.compile(r"(?<!\S)(\S+ )\1{2,}")


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the words of one message say."""

    intent: Intent
    skills: tuple[str, ...]
    urgent: bool


@dataclass(frozen=True, slots=True)
class _Section:
    """Phrases that count unless they stand inside a phrase that takes their meaning away."""

    phrases: Pattern
    calm: Pattern

    @classmethod
    def of(cls, name: str, *books: Phrasebook) -> _Section:
        phrases, calm = ([p for book in books for p in book.section(name, key)] for key in ("phrases", "not"))
        return cls(Pattern(phrases), Pattern(calm))

    def heard(self, framed: str) -> bool:
        if not self.phrases.compiled.search(framed):
            return False
        return bool(self.phrases.compiled.search(self.calm.compiled.sub(" ~", framed)))


@dataclass(frozen=True, slots=True)
class _Synonyms:
    """What speaks of one skill; vague words count only where nothing finer is named."""

    skill: str
    vague: bool
    pattern: Pattern

    @classmethod
    def of(cls, skill: str, phrases: Sequence[Phrase], *, vague: bool = False) -> _Synonyms:
        return cls(skill, vague, Pattern(phrases))


def _synonyms(book: Phrasebook, own: Mapping[str, Sequence[str]]) -> tuple[_Synonyms, ...]:
    found = []
    for section, vague in (("skills", False), ("vague", True)):
        known = book.data.get(section, {})
        if strange := set(known) - {*SKILLS, "not"}:
            raise ValueError(f"{book.path}: unknown skills {sorted(strange)}")
        found += [_Synonyms.of(skill, book.section(section, skill), vague=vague) for skill in known]
    its_own = Phrasebook(book.path, {"skills": own})
    return (*found, *(_Synonyms.of(skill, its_own.section("skills", skill)) for skill in own))


class _Lexicon:
    """One language: what its speakers say for each thing that we listen for."""

    def __init__(self, book: Phrasebook, own: Mapping[str, Sequence[str]]) -> None:
        self.need = _Section.of("need", book)
        self.offer = _Section.of("offer", book)
        self.thanks = _Section.of("thanks", book)
        self.greeting = _Section.of("greeting", book)
        self._answers = tuple(
            (value, Pattern(book.section(name, "phrases")), self._only(book, name))
            for value, name in ((True, "yes"), (False, "no"))
        )
        self._skills = _synonyms(book, own)
        self._keys = PhraseKeys([each.pattern.phrases for each in self._skills])
        self.words = tuple(
            (squeeze(plain(words.rstrip("*"))), each.skill)
            for each in self._skills
            for phrase in each.pattern.phrases
            if each.skill != "not" and len(phrase) == 1
            for words in phrase[0]
        )

    @staticmethod
    def _only(book: Phrasebook, name: str) -> Pattern:
        """A whole text of nothing but such answers and courtesy."""
        words = [*book.section(name, "phrases"), *book.section("thanks", "phrases")]
        return Pattern(words, r" \^(?:", r"(?= ))+ \$ ")

    def answer(self, framed: str) -> bool | None:
        found = {
            value
            for value, word, only in self._answers
            if only.compiled.match(framed) and word.compiled.search(framed)
        }
        return found.pop() if len(found) == 1 else None

    def skills(self, framed: str) -> tuple[str, ...]:
        """Skills in order of appearance; of overlapping phrases the longest counts."""
        spans = [
            (m.start(), m.end(), each.skill, each.vague)
            for each in (self._skills[number] for number in self._keys.candidates(framed))
            for m in each.pattern.compiled.finditer(framed)
        ]
        if not spans:
            return ()
        taken: list[tuple[int, int, str, bool]] = []
        for span in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
            if all(span[1] <= start or span[0] >= end for start, end, *_ in taken):
                taken.append(span)
        surely = {skill for *_, skill, vague in taken if not vague}
        unsaid = covered(surely) - surely | {"not"}
        return tuple(dict.fromkeys(skill for *_, skill, _vague in sorted(taken) if skill not in unsaid))

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

    def __init__(
        self, books: Mapping[str, Phrasebook], own: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        calendars: Mapping[str, Calendar] | None = None, crisis: Mapping[str, Phrasebook] | None = None,
        everyday: Sequence[Path] = (),
    ) -> None:  # fmt: skip
        """own: phrases of the union's own skills, by language and skill. crisis: of more languages.

        everyday: files whose words are never taken for a mistyped cry.
        """
        own, crisis = own or {}, crisis or {}
        self.calendars = calendars or {}
        self.languages = tuple(books)
        self.crisis_words = CrisisWords(crisis, everyday)
        self._urgent = _Section.of("urgent", *books.values())
        self._lexicons = {
            language: _Lexicon(books.get(language, Phrasebook(Path(), {})), own.get(language, {}))
            for language in (*books, *(set(own) - set(books)))
        }
        # Where only crisis phrases are known of a language, its short answers count for its own speakers.
        self._answers = {
            language: _Lexicon(book, {}) for language, book in crisis.items() if language not in books
        }
        self._orders: dict[str, tuple[_Lexicon, ...]] = {}
        self._others = _Section.of("others", *books.values())
        self._home = _Section.of("home", *books.values())

    @classmethod
    def load(
        cls, folder: Path, synonyms: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        own: Path | None = None,
    ) -> Lexicons:  # fmt: skip
        """Read each `<language>/lexicon.toml`, `whose.toml`, `when.toml` and `crisis.toml`.

        synonyms: phrases of the union's own skills. own: a folder of the union's own, where a `crisis.toml`
        replaces ours of that language. Raises ValueError that says where in which file something is wrong.
        """
        paths = sorted(folder.glob("*/lexicon.toml"))
        read = {path: _read(path) | _read(path.with_name("whose.toml")) for path in paths}
        books = {path.parent.name: Phrasebook(path, data) for path, data in read.items()}
        everyday = [path for pattern in EVERYDAY for path in sorted(folder.glob(f"*/{pattern}"))]
        return cls(books, synonyms, when.load(folder), crisis_words.load(folder, own), everyday)

    def make_ready(self) -> None:
        """Read what is else read with the first message that needs it: about half a second, in any thread."""
        self.crisis_words.make_ready()
        for language in self._lexicons:
            self.understand("", language)
            self.answer("", language)

    def crisis(self, text: str) -> Intent | None:
        """Whether the words are an SOS, may be one, or neither, in any language."""
        return self.crisis_words.intent(text)

    def cry(self, text: str) -> Cry:
        """All that the words say of danger: intent, kind, and whether the writer is under 18."""
        return self.crisis_words.cry(text)

    def understand(self, text: str, language: str) -> Understanding:
        """What a message is for; the given language is tried first, then all others."""
        framed, order = frame(squeeze(plain(text))), self._order(language)
        crisis = self.crisis(text)
        intent: Intent | None = Intent.SOS if crisis is Intent.SOS else None
        for lexicon in order:
            if intent is None and (intent := lexicon.intent(framed)):
                order = (lexicon, *(other for other in order if other is not lexicon))
        skills = _first_skills(order, framed)
        if crisis is not None and (intent is None or not skills):
            intent = crisis  # who may be in danger may also have said what they need, if they name it
        for lexicon in order:
            intent = intent or lexicon.courtesy(framed)
        urgent = intent is Intent.SOS or self._urgent.heard(framed)
        return Understanding(intent or Intent.NONE, skills, urgent)

    def for_other(self, text: str) -> bool:
        """Whether words say that they are about someone else than their writer."""
        return self._others.heard(frame(squeeze(plain(text))))

    def is_home(self, text: str) -> bool:
        """Whether a text names the writer's home and nothing else."""
        return self._home.heard(frame(squeeze(plain(text))))

    def skills(self, text: str, language: str) -> tuple[str, ...]:
        """The skills that a text speaks of, in order of appearance."""
        return _first_skills(self._order(language), frame(squeeze(plain(text))))

    def similar(self, text: str, language: str) -> tuple[str, ...]:
        """Skills whose words look like those of a text, the most alike first: for misspelled ones."""
        said = [word for word in squeeze(plain(text)).split() if len(word) >= SHORTEST_SIMILAR]
        alike: dict[str, float] = {}
        for lexicon in self._order(language):
            names = [words for words, _skill in lexicon.words]
            for word in said:
                for _found, score, index in process.extract(
                    word, names, scorer=fuzz.ratio, score_cutoff=SIMILAR, limit=5
                ):
                    skill = lexicon.words[index][1]
                    alike[skill] = max(alike.get(skill, 0), score)
        return tuple(sorted(alike, key=lambda skill: -alike[skill]))

    def answer(self, text: str, language: str) -> bool | None:
        """Whether a text says only yes or only no.

        What is said again and again is heard twice, and a long text is none: there are as many ways to read
        "no no no …" as phrases of "no" and of "no no" as no lifetime suffices to try.
        """
        words = _REPEATED.sub(r"\1\1", f"{squeeze(plain(text[:LONGEST_ANSWER]))} ").split()
        if len(text) > LONGEST_ANSWER or len(words) > MOST_WORDS_OF_AN_ANSWER:
            return None
        framed = frame(" ".join(words))
        order = self._order(language)
        if (theirs := self._answers.get(_short(language))) is not None:
            order = (theirs, *order)
        answers = (lexicon.answer(framed) for lexicon in order)
        return next((answer for answer in answers if answer is not None), None)

    def _order(self, language: str) -> tuple[_Lexicon, ...]:
        if (known := self._orders.get(language)) is None:
            preferred = (language, _short(language))
            names = sorted(self._lexicons, key=lambda name: name not in preferred)
            known = self._orders[language] = tuple(self._lexicons[name] for name in names)
        return known


def _short(language: str) -> str:
    return re.split("[-_]", language)[0]


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _first_skills(order: Iterable[_Lexicon], framed: str) -> tuple[str, ...]:
    return next((found for lexicon in order if (found := lexicon.skills(framed))), ())
