"""A union's own texts and crisis phrases, laid over those of the bot; and what is said of broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.doctor import examine
from bot.settings import Settings, SettingsError, read_settings
from bot.setup import load_core
from handlers import first_words
from handlers.intents import Intent
from handlers.lexicon import Lexicons
from handlers.messages import Text
from tests import words
from tests.catalogs import LOCALES

LISTEN = 'msgid "You can also call {number}. People there listen."\n'


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "en").mkdir()
    return tmp_path


def settings_with(own: Path, **more: str) -> Settings:
    return read_settings(None, locales_folder=own, **more)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def refused(own: Path) -> str:
    with pytest.raises(SettingsError) as error:
        load_core(settings_with(own))
    said = str(error.value)
    assert said.startswith("ONECLOAK_LOCALES_FOLDER has a file that can't be used: ")
    assert "\n" not in said
    return said


def test_a_text_of_the_unions_own_goes_before_ours_and_the_others_stay(own: Path) -> None:
    write(own / "en" / "crisis.po", f'{LISTEN}msgstr "Our own line is {{number}}."\n')
    write(own / "es" / "messages.po", 'msgid "I can"\nmsgstr "Yo puedo"\n')
    catalogs = load_core(settings_with(own)).catalogs
    assert catalogs.render(first_words.crisis_line("123"), "en") == "Our own line is 123."
    assert (
        catalogs.render(first_words.crisis_line("123"), "es")
        == "También puedes llamar al 123. Allí hay personas que escuchan."
    )
    assert catalogs.render(Text("I can"), "es") == "Yo puedo"
    assert catalogs.render(Text("I take it"), "es") == "Me encargo"
    assert catalogs.languages == words.catalogs().languages


def test_crisis_phrases_of_the_unions_own_replace_ours_of_that_language_only(own: Path) -> None:
    write(
        own / "en" / "crisis.toml",
        '[crisis]\nsure = ["the dyke sings"]\nmaybe = ["the wolf"]\n[hide]\nphrases = ["^ umbrella $"]\n',
    )
    lexicons = load_core(settings_with(own)).lexicons
    assert lexicons.crisis("listen, the dyke sings") is Intent.SOS
    assert lexicons.crisis("the wolf again") is Intent.MAYBE_SOS
    assert lexicons.crisis("my house is on fire") is None
    assert lexicons.crisis("mi casa se está quemando") is Intent.SOS
    assert lexicons.crisis_words.is_hide("Umbrella")


def test_a_language_that_we_do_not_have_is_a_new_folder(own: Path) -> None:
    write(
        own / "ca" / "crisis.toml",
        '[crisis]\nsure = ["ajuda (si us plau|ara)"]\n[yes]\nphrases = ["si"]\n[no]\nphrases = ["no pas"]\n',
    )
    write(own / "ca" / "crisis.po", f'{LISTEN}msgstr "També pots trucar al {{number}}."\n')
    core = load_core(settings_with(own, language="es"))
    assert core.lexicons.crisis("ajuda ara") is Intent.SOS
    assert core.lexicons.answer("no pas", "ca") is False
    assert core.lexicons.answer("no pas", "en") is None
    assert core.catalogs.closest(["ca-ES"], "es") == "ca"
    assert core.catalogs.render(first_words.crisis_line("123"), "ca") == "També pots trucar al 123."
    assert core.catalogs.render(first_words.YES, "ca") == "Sí"  # the union's language says the rest
    assert "ca" not in core.catalogs.languages


@pytest.mark.parametrize(
    ("text", "said"),
    {
        '[crisis]\nsure = ["a (b"]\n': "[crisis] sure: 'a (b': ",
        '[crisis]\nnot = ["{nobody} sings"]\n': "[crisis] not: '{nobody} sings': there is no group 'nobody'",
        '[danger]\nfire = ["hot?"]\n': "[danger] fire: 'hot?': every word of it may be missing",
        '[minor]\nphrases = ["* young"]\n': "[minor] phrases: '* young': ",
        '[danger]\ndragons = ["dragon"]\n': "[danger] has no 'dragons', but ",
        '[crises]\nsure = ["help"]\n': "there is no section [crises]",
        '[crisis]\nsure = "help"\n': "[crisis] sure must be a list of texts in quotes",
        '[crisis]\nsure = ["help]\n': "line 2",
    }.items(),
)  # fmt: skip
def test_a_broken_phrase_is_named_with_its_file_and_place(own: Path, text: str, said: str) -> None:
    write(own / "en" / "crisis.toml", text)
    assert f"{own}/en/crisis.toml" in refused(own)
    assert said in refused(own)


@pytest.mark.parametrize(
    ("text", "said"),
    {
        f'{LISTEN}msgstr "Call {{nummer}}."\n': "line 1: nothing stands for {'nummer'} in 'Call {nummer}.'",
        f'{LISTEN}msgstr "Call {{number."\n': "line 1: nothing stands for {'Call {number.'}",
        f'{LISTEN}Call us\n': "line 2: ",
    }.items(),
)  # fmt: skip
def test_a_broken_text_is_named_with_its_file_and_line(own: Path, text: str, said: str) -> None:
    write(own / "en" / "crisis.po", text)
    assert f"{own}/en/crisis.po" in refused(own)
    assert said in refused(own)


async def test_the_doctor_says_the_same_without_starting(own: Path) -> None:
    assert "ok Words: the union's own texts and phrases can be read." in [
        line async for line in examine(settings_with(own))
    ]
    write(own / "en" / "crisis.toml", "[crises]\n")
    found = [line async for line in examine(settings_with(own)) if line.startswith("! Words: ")]
    assert len(found) == 1
    assert "there is no section [crises]" in found[0]


def test_every_phrase_of_ours_can_be_read() -> None:
    assert Lexicons.load(LOCALES, own=LOCALES).languages
