"""A frightened writer on a cracked phone misses a key: what is still heard, and what it may cost.

Bounds leave room to what was measured; they are held for each language that has a file of sentences.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from copy import copy

import pytest
from rapidfuzz import process

from handlers import mending
from handlers.intents import Intent
from handlers.mending import Mender
from handlers.phrases import plain
from tests.test_crisis_words import LEXICONS, cries, each_language, sentences

HEARD = 0.9  # of cries with one wrong letter; measured: 0.96 in English, 0.95 in Spanish
ASKED_MORE = 0.03  # of harmless sentences with one wrong letter; measured: less than 0.01
TIMES, SEED = 3, 20
BOOKS = {"en": {"crisis": {"sure": ["not breathing"]}}}
SHORTEST = {True: 5, False: 4}  # letters of a word that is mistyped: in Latin letters, in others
PRECISE = copy(LEXICONS)  # hears just what is written: no word to mend towards
PRECISE.crisis_words = copy(LEXICONS.crisis_words)
PRECISE.crisis_words._mender = Mender({}, ())


def is_letter(char: str) -> bool:
    return char.isalpha() or unicodedata.category(char)[0] == "M"


def spots(text: str) -> list[tuple[int, int]]:
    """Where the words stand that are long enough to be mistyped."""
    found, start = [], 0
    for end in range(len(text) + 1):
        if end == len(text) or not is_letter(text[end]):
            word = text[start:end]
            if len(word) >= SHORTEST[bool(re.match("[a-z]", word, re.IGNORECASE))]:
                found.append((start, end))
            start = end + 1
    return found


def mistyped(word: str, chance: random.Random, alphabet: str) -> str:
    """A word with one letter that is another, missing, doubled, too many, or in its neighbour's place."""
    at = chance.randrange(len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    wrong = chance.choice(
        [
            before + chance.choice(alphabet) + after,
            before + after,
            before + letter + letter + after,
            before + chance.choice(alphabet) + letter + after,
            before + after[0] + letter + after[1:],
            word[:-1],
            word[:-1] + chance.choice(alphabet),
        ]
    )
    return wrong if wrong != word else mistyped(word, chance, alphabet)


def with_a_typo(texts: list[str]) -> Iterator[str]:
    """Each text a few times, with a typo in one of its words, of the same alphabet as that word."""
    chance = random.Random(SEED)
    letters = sorted({char for text in texts for char in text.lower() if char.isalpha()})
    latin, other = ["".join(char for char in letters if char.isascii() is ascii) for ascii in (True, False)]
    for text in texts * TIMES:
        if found := spots(text):
            start, end = chance.choice(found)
            alphabet = latin if re.search("[a-z]", text[start:end], re.IGNORECASE) else other
            yield text[:start] + mistyped(text[start:end], chance, alphabet) + text[end:]


@each_language
def test_one_wrong_letter_hides_hardly_any_cry(language: str) -> None:
    written = list(with_a_typo([text for text in cries(language) if LEXICONS.crisis(text) is Intent.SOS]))
    lost = [text for text in written if LEXICONS.crisis(text) is None]
    assert 1 - len(lost) / len(written) >= HEARD, lost


@each_language
def test_a_mended_word_asks_and_never_alarms_by_itself(language: str) -> None:
    known = sentences(language)
    written = [*with_a_typo([*cries(language), *known["soft"]["words"], *known["harmless"]["words"]])]
    heard = {text: (PRECISE.crisis(text), LEXICONS.crisis(text)) for text in written}
    changed = {text: intents for text, intents in heard.items() if intents[0] is not intents[1]}
    assert changed
    assert set(changed.values()) == {(None, Intent.MAYBE_SOS)}


@each_language
def test_harmless_words_with_one_wrong_letter_are_hardly_asked_about_more(language: str) -> None:
    harmless = [text for text in sentences(language)["harmless"]["words"] if PRECISE.crisis(text) is None]
    written = list(with_a_typo(harmless))
    more = [text for text in written if PRECISE.crisis(text) is None is not LEXICONS.crisis(text)]
    assert len(more) <= ASKED_MORE * len(written), more


@pytest.mark.parametrize(
    ("text", "danger"),
    {
        "he is not braething": "medical", "he is not breahting": "medical", "mi padre no respria": "medical",
        "tere is a fier in the kichen": "fire", "my father is uncosncious": "medical",
        "the building has colklapsed": "disaster", "llamen a los bomverso hay un incenido": "fire",
        "mein vater ist bewusltos": "medical", "папа не диахє": "medical",
    }.items(),
)  # fmt: skip
def test_people_in_fear_are_heard(text: str, danger: str) -> None:
    cry = LEXICONS.cry(text)
    assert cry.intent is not None
    assert cry.danger == danger


@pytest.mark.parametrize(
    "text",
    ["I am fine", "mis gafas nuevas", "we had a great meeting", "me llamo Pedro", "can you fix my heating"],
)
def test_words_of_any_day_that_are_like_telling_ones_are_left_alone(text: str) -> None:
    assert LEXICONS.crisis(text) is None


class Counting:
    """How often words were looked for among the telling ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.searches, self.words = 0, list[str]()
        self._extract = process.extract
        monkeypatch.setattr(process, "extract", self.extract)
        looked_up = mending._Tables.meant

        def meant(tables: mending._Tables, word: str) -> object:
            self.words.append(word)
            return looked_up(tables, word)

        monkeypatch.setattr(mending._Tables, "meant", meant)

    def extract(self, *words: object, **how: object) -> object:
        self.searches += 1
        return self._extract(*words, **how)  # type: ignore[call-overload]


def unknown_words(count: int) -> list[str]:
    chance = random.Random(SEED)
    return ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=9)) for _word in range(count)]


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("x" * 10_000, 0), ("xy" * 5_000, 0), ("breahtnig" * 1_000, 0), ("a " * 10_000, 0),
        (" ".join(unknown_words(5_000)), 0), (" ".join(unknown_words(200)), mending.MOST_LOOKED_UP),
    ],
)  # fmt: skip
def test_nobody_makes_the_bot_search_for_long(text: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, mender = Counting(monkeypatch), Mender(BOOKS, ())
    list(mender.readings(plain(text).split()))
    assert len(counting.words) <= most
    assert counting.searches <= most * mending.LONGEST


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "MOST_KNOWN", 100)
    mender = Mender(BOOKS, ())
    for word in unknown_words(1_000):
        mender.readings([word, "breahting"])
        assert len(mender._right) + len(mender._mistyped) <= 100
    assert [words for _language, words in mender.readings(["not", "breahting"])] == [["not", "breathing"]]


def test_few_readings_are_made_of_however_many_mistyped_words() -> None:
    readings = list(LEXICONS.crisis_words._mender.readings(["breahting"] * mending.MOST_WORDS))
    assert 0 < len(readings) <= mending.MOST_MEANT * len(LEXICONS.crisis_words.languages)


def test_a_word_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counting, mender = Counting(monkeypatch), Mender(BOOKS, ())
    for _time in range(2):
        assert list(mender.readings(["zrbgtxlk", "not", "braething"]))
        assert counting.words == ["zrbgtxlk", "braething"]
