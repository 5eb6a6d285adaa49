"""Languages of which few sentences are at hand yet: a cry is heard, an everyday word is not.

The others have a file of their own, and are held by test_crisis_words.py.
"""

from __future__ import annotations


import pytest

from handlers.first_words import HIDE_WORD, RETURN_WORD
from handlers.intents import Intent
from handlers.lexicon import Lexicons
from handlers.texts import Catalogs
from tests.catalogs import CRISIS, LOCALES, languages
from tests.test_crisis_words import LANGUAGES

LEXICONS, CATALOGS = Lexicons.load(LOCALES), Catalogs.load(LOCALES)

CRIES = {
    "de": """hilfe mein vater atmet nicht | meine mutter ist bewusstlos | es brennt in der küche
        mein mann schlägt mich | er hat ein messer | ich will sterben | mein sohn ist verschwunden
        wir sind unter den trümmern eingeklemmt | ruft einen krankenwagen | hier riecht es nach gas
        ich glaube er hat einen herzinfarkt""",
    "pl": """ratunku | mój tata nie oddycha | mama jest nieprzytomna | pali się dom | mąż mnie bije
        on ma nóż | chcę się zabić | mój syn zaginął | jesteśmy uwięzieni pod gruzami
        wezwijcie karetkę | czuć gaz""",
    "uk": """рятуйте | мій тато не дихає | мама непритомна | горить будинок | чоловік мене б'є
        у нього ніж | я хочу померти | мій син зник | ми під завалами | викличте швидку
        пахне газом""",
}  # fmt: skip

EVERYDAY = {
    "de": """guten morgen | ich brauche jemanden der meine medikamente holt | danke für das essen
        mein fahrrad ist kaputt | ich sterbe vor hunger | morgen regnet es
        wer kann auf den hund aufpassen""",
    "pl": """dzień dobry | potrzebuję kogoś do zakupów | dziękuję za obiad | mój rower jest zepsuty
        umieram z głodu | jutro pada deszcz | mogę pomóc w lekcjach""",
    "uk": """добрий день | потрібна людина щоб купити ліки | дякую за обід | велосипед зламався
        завтра дощ | можу допомогти з уроками""",
}  # fmt: skip


def told(table: dict[str, str]) -> list[tuple[str, str]]:
    rows = ((language, text.split("|")) for language, lines in table.items() for text in lines.splitlines())
    return [(language, each.strip()) for language, texts in rows for each in texts if each.strip()]


@pytest.mark.parametrize(("language", "text"), told(CRIES))
def test_a_cry_is_heard(language: str, text: str) -> None:
    assert LEXICONS.crisis(text) is Intent.SOS


@pytest.mark.parametrize(("language", "text"), told(EVERYDAY))
def test_an_everyday_word_is_none_in_any_language(language: str, text: str) -> None:
    assert LEXICONS.crisis(text) is None


@pytest.mark.parametrize("language", languages(domain=CRISIS))
def test_the_words_that_hide_and_bring_back_are_those_that_are_told(language: str) -> None:
    assert LEXICONS.crisis_words.is_hide(CATALOGS.render(HIDE_WORD, language))
    assert LEXICONS.crisis_words.is_return(CATALOGS.render(RETURN_WORD, language))


def test_twelve_languages_cry_for_help() -> None:
    assert {*CRIES, *LANGUAGES} == set(languages(domain=CRISIS))
