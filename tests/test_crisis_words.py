"""What the bot hears of danger, held for each language against `sentences_of_crises/<language>.toml`.

Each file has in [crisis] what people write in danger, by kind; in [soft] words that are to be asked about; in
[harmless] words of any day; and in [false_alarms] just those of them that alarm nonetheless.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from handlers.crisis_words import DANGERS
from handlers.first_words import HIDE_WORD, KINDS, RETURN_WORD
from handlers.intents import Intent
from tests.catalogs import CRISIS, languages
from tests.words import catalogs, lexicons

SENTENCES = Path(__file__).parent / "sentences_of_crises"
LEXICONS, CATALOGS = lexicons(), catalogs()
FEWEST_CRISES, FEWEST_HARMLESS = 60, 120
RECALL, KINDS_RIGHT = 0.98, 0.9
LANGUAGES = languages(domain=CRISIS)
each_language = pytest.mark.parametrize("language", LANGUAGES)


@cache
def sentences(language: str) -> dict[str, Any]:
    return tomllib.loads((SENTENCES / f"{language}.toml").read_text(encoding="utf-8"))


def cries(language: str) -> list[str]:
    return [text for texts in sentences(language)["crisis"].values() for text in texts]


def all_of(language: str) -> list[str]:
    known = sentences(language)
    return [*cries(language), *known["soft"]["words"], *known["harmless"]["words"]]


def share(missed: Iterable[object], of: int) -> float:
    return 1 - len(list(missed)) / of


# --- what is heard ---------------------------------------------------------------------------------


@each_language
def test_there_are_enough_sentences_of_each_kind(language: str) -> None:
    known = sentences(language)
    assert set(known) == {"crisis", "soft", "harmless", "false_alarms"}
    assert set(known["crisis"]) == set(KINDS)
    assert len(set(cries(language))) >= FEWEST_CRISES
    assert len(set(known["harmless"]["words"])) >= FEWEST_HARMLESS


@each_language
def test_an_unmistakable_cry_is_an_sos(language: str) -> None:
    missed = [text for text in cries(language) if LEXICONS.crisis(text) is not Intent.SOS]
    assert share(missed, len(cries(language))) >= RECALL, missed
    assert not [text for text in missed if LEXICONS.crisis(text) is None], missed


@each_language
def test_what_is_denied_told_or_past_is_asked_about(language: str) -> None:
    heard = {text: LEXICONS.crisis(text) for text in sentences(language)["soft"]["words"]}
    assert not {text: intent for text, intent in heard.items() if intent is not Intent.MAYBE_SOS}


@each_language
def test_the_false_alarms_are_just_those_listed(language: str) -> None:
    known = sentences(language)
    alarms = [text for text in known["harmless"]["words"] if LEXICONS.crisis(text) is not None]
    assert sorted(alarms) == sorted(known["false_alarms"]["words"])


@each_language
def test_the_kind_of_danger_is_told(language: str) -> None:
    wrong = [
        (text, kind, heard)
        for kind, texts in sentences(language)["crisis"].items()
        for text in texts
        if (heard := LEXICONS.cry(text).danger or "other") != kind
    ]
    assert share(wrong, len(cries(language))) >= KINDS_RIGHT, wrong


# --- however it is written -------------------------------------------------------------------------


def without_accents(text: str) -> str:
    """Accents left out; vowels that are marks, and the sign for "no vowel", are no accents."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(part for part in parts if unicodedata.combining(part) in (0, 9))


def between_letters(text: str) -> str:
    return "\u200b".join(text)


def stretched(text: str) -> str:
    """The last vowel four times."""
    vowels = [
        at for at, char in enumerate(text) if unicodedata.normalize("NFD", char)[0].casefold() in VOWELS
    ]
    return text if not vowels else text[: vowels[-1]] + text[vowels[-1]] * 4 + text[vowels[-1] + 1 :]


VOWELS = frozenset("aeiouyаеиоуюяіاويािीुूेैोौ")
LOOKALIKES = dict(zip("aecopxаесорх", "аесорхaecopx", strict=True))


def in_other_letters(text: str) -> str:
    """One letter of each longer word as the letter of another alphabet that looks like it."""
    words = text.split(" ")
    for at, word in enumerate(words):
        found = next((char for char in word if char in LOOKALIKES), None)
        if found is not None and sum(char.isalpha() for char in word) > 2:
            words[at] = word.replace(found, LOOKALIKES[found], 1)
    return " ".join(words)


@each_language
@pytest.mark.parametrize(
    "disguise", [without_accents, str.upper, between_letters, stretched, in_other_letters]
)
def test_no_way_of_writing_hides_a_cry(language: str, disguise: Callable[[str], str]) -> None:
    lost = {
        disguise(text): (LEXICONS.crisis(text), heard)
        for text in all_of(language)
        if (heard := LEXICONS.crisis(disguise(text))) is not LEXICONS.crisis(text)
    }
    assert not lost


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def with_pictures(text: str) -> str:
    return f"🙏😭{text}😭😭"


def with_digits(text: str) -> str:
    return re.sub(r"(?<=\w)[aeo](?=\w)", lambda letter: {"a": "4", "e": "3", "o": "0"}[letter[0]], text)


@pytest.mark.parametrize("disguise", [full_width, with_pictures, with_digits])
def test_nor_do_wide_letters_digits_and_pictures(disguise: Callable[[str], str]) -> None:
    for text in (
        "my house is on fire",
        "the building is burning",
        "help my father fell",
        "mi padre no respira",
    ):
        assert LEXICONS.crisis(text) is LEXICONS.crisis(disguise(text)) is Intent.SOS


# --- who writes, and the words that hide a chat ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "minor"),
    {
        "I'm 14 and my dad hits me": True, "im 15": True, "I am sixteen years old": True, "i'm a minor": True,
        "I'm in year 9 and need help": True, "tengo 12 años": True, "soy menor de edad": True,
        "tengo trece años": True, "I'm 14 minutes away": False, "i'm 45": False, "my son is 14": False,
        "I am 12 km from you": False, "we are 14 people": False, "tengo 14 cajas": False,
        "mi hija tiene 12 años": False, "tengo 45 años": False, "": False,
        "14 yaşındayım babam beni dövüyor": True, "on beş yaşındayım": True, "yasim 13": True,
        "reşit değilim": True, "14 yaşında oğlum var": False, "45 yaşındayım": False, "14 kişiyiz": False,
        "عمري ١٤ سنة": True, "انا عمري 13": True, "عندي ١٥ سنة وبابا بيضربني": True, "عمري خمستاشر سنة": True,
        "أنا قاصر": True, "3omri 14 sana": True, "عمري ٤٥ سنة": False, "ابني عمره ١٤ سنة": False,
        "عندي ١٤ كرسي": False, "عندي ١٢ سنة خبرة": False,
        "मैं 14 साल का हूँ": True, "मैं १४ साल की हूँ": True, "मेरी उम्र पंद्रह साल है": True, "main 15 saal ki hu": True,
        "meri umar 13 hai": True, "मैं नाबालिग हूँ": True, "मेरा बेटा 14 साल का है": False, "मैं 45 साल का हूँ": False,
        "main 12 saal se yahan rehta hu": False, "मैं १४ साल से नर्स हूँ": False,
        "j'ai 14 ans": True, "g 15 ans et mon père me frappe": True, "14 ans, seule": True,
        "je suis mineure": True, "j'ai 45 ans": False, "ma fille a 12 ans": False,
        "j'ai 10 ans de mariage": False, "dans 14 minutes": False, "tenho 14 anos": True,
        "tenho só 13 aninhos": True, "14 anos, sozinha em casa": True, "sou menor de idade": True,
        "tenho 45 anos": False, "meu filho tem 12 anos": False, "tenho 10 anos de experiência": False,
        "ho 14 anni": True, "ho solo dodici anni": True, "14 anni, da sola": True, "sono minorenne": True,
        "ho 45 anni": False, "mia figlia ha 12 anni": False, "lavoro da 10 anni": False,
        "mwen gen 14 an": True, "m gen katòz an": True, "14 an, pou kont mwen": True,
        "mwen se yon minè": True, "m gen 45 an": False, "pitit mwen gen 12 an": False,
        "w14": True, "ich bin fast 15 jahre": True, "mam prawie 16 lat": True, "мені 14р": True,
        "mam 14 zł": False,
        "ich bin 14": True, "bin erst vierzehn bitte": True, "m 14": True, "w 15 brauche hilfe": True,
        "bin in der 8. klasse": True, "ich bin 14 tage weg": False, "meine tochter ist 14": False,
        "bin 45": False, "mam 14 lat": True, "mam czternaście lat i boję się": True, "mam 14": True,
        "jestem piętnastolatką": True, "mam 14 pudeł": False, "syn ma 14 lat": False,
        "pracuję tu od 14 lat": False, "mam 41 lat": False, "мені 14": True, "мені чотирнадцять років": True,
        "14 років мені": True, "я в 8 класі": True, "meni 14 rokiv": True, "доньці 14 років": False,
        "мені 14 хвилин їхати": False, "мені 45 років": False,
    }.items(),
)  # fmt: skip
def test_who_says_that_they_are_under_18(text: str, minor: bool) -> None:
    assert LEXICONS.cry(text).minor is minor


@each_language
def test_the_words_that_hide_and_return_are_those_that_people_are_told(language: str) -> None:
    hide, back = (CATALOGS.render(word, language) for word in (HIDE_WORD, RETURN_WORD))
    assert LEXICONS.crisis_words.is_hide(f" {hide.upper()}. ")
    assert LEXICONS.crisis_words.is_return(back)
    assert not LEXICONS.crisis_words.is_hide(back)
    assert not LEXICONS.crisis_words.is_hide(f"{hide} {back}")
    assert not LEXICONS.crisis_words.is_return(f"{back} {hide}")
    assert LEXICONS.crisis(hide) is LEXICONS.crisis(back) is None


def test_what_a_message_is_about_is_told_only_where_someone_may_be_in_danger() -> None:
    assert LEXICONS.cry("fire drill tomorrow").danger is None
    assert LEXICONS.cry("fire in the kitchen").danger == "fire"
    assert LEXICONS.cry("sos").danger is None
    assert set(DANGERS) == set(KINDS) - {"other"}


def test_every_language_has_its_sentences() -> None:
    assert sorted(path.stem for path in SENTENCES.glob("*.toml")) == LANGUAGES
