"""Languages in which only danger is understood: a cry is heard, an everyday word is not.

Those that have a file of sentences are held by test_crisis_words.py instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.first_words import HIDE_WORD, RETURN_WORD
from handlers.intents import Intent
from handlers.lexicon import Lexicons
from handlers.texts import Catalogs
from tests.catalogs import CRISIS, LOCALES, languages

SENTENCES = Path(__file__).parent / "sentences_of_crises"
LEXICONS, CATALOGS = Lexicons.load(LOCALES), Catalogs.load(LOCALES)

CRIES = {
    "fr": """au secours | mon père ne respire plus | ma mère est inconsciente
        il y a le feu dans l'immeuble | mon mari me frappe | il a un couteau | je veux mourir
        mon fils a disparu | on est coincés sous les décombres | appelez une ambulance vite
        ça sent le gaz | elle fait une crise cardiaque""",
    "pt": """socorro | meu pai não está respirando | minha mãe está inconsciente
        a casa está pegando fogo | meu marido me bateu | ele tem uma faca | quero me matar
        minha filha desapareceu | estamos presos debaixo dos escombros | chama uma ambulância
        cheiro de gás | acho que é um infarto""",
    "it": """aiuto mio padre non respira | mia madre è svenuta | c'è un incendio nel palazzo
        mio marito mi ha picchiata | ha un coltello | voglio morire | mio figlio è scomparso
        siamo bloccati sotto le macerie | chiamate un'ambulanza | odore di gas
        credo che sia un infarto""",
    "ht": """anmwe sekou | papa m pa ka respire | manman m pèdi konesans | kay la ap boule
        mari m ap bat mwen | li gen yon kouto | m vle mouri | pitit mwen disparèt
        rele yon anbilans | li ap senyen""",
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
    "fr": """bonjour ça va | je cherche une baby-sitter pour samedi | merci beaucoup pour le repas
        j'ai besoin d'aide pour mon déménagement | mon vélo est cassé | le chat dort
        je meurs de faim | feu vert""",
    "pt": """bom dia tudo bem | preciso de ajuda para carregar um sofá | obrigado pela comida
        meu carro não pega | quem pode cuidar do meu gato | estou morrendo de fome | vou ao mercado""",
    "it": """buongiorno come va | cerco qualcuno che porti la spesa | grazie mille per tutto
        la mia bici è rotta | muoio di fame | domani piove | posso aiutare con i compiti""",
    "ht": """bonjou kijan ou ye | mwen bezwen yon moun pote manje | mèsi anpil | m grangou
        demen gen lapli""",
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
    assert {*CRIES, *(path.stem for path in SENTENCES.glob("*.toml"))} == set(languages(domain=CRISIS))
