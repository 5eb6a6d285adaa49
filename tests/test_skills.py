"""The vocabulary, the words that speak of it, and the union's own file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.own_skills import MOST_IN_FAMILY, read_own_skills
from bot.settings import SettingsError
from bot.setup import LOCALES
from handlers.lexicon import Lexicons
from handlers.skills import COMMON, FAMILIES, OTHER, SKILLS, label
from tests.sentences import ENGLISH, MORE_ENGLISH, MORE_SPANISH, SMALL_TALK, SPANISH
from tests.words import catalogs, lexicons

LEXICONS = lexicons()
DOCUMENT = Path(__file__).parents[1] / "docs" / "skills.md"

# Ids that stand in the databases of unions since the first release.
FIRST_IDS = """
medicine food transport carrying company childcare pets repair papers interpreting shelter first_aid goods
digital other
""".split()  # noqa: SIM905


def rows(table: str) -> list[tuple[str, frozenset[str]]]:
    parted = (line.rpartition(" = ") for line in table.strip().splitlines())
    return [(words, frozenset(expected.split())) for words, _, expected in parted]


# --- the vocabulary -------------------------------------------------------------------------------


def test_ids_of_the_first_release_are_kept() -> None:
    assert set(FIRST_IDS) <= set(SKILLS)
    assert all(re.fullmatch(r"[a-z_]+", each) for each in SKILLS)


def test_every_kind_of_help_has_a_family_that_fits_on_one_screen() -> None:
    for family in FAMILIES:
        assert 3 <= sum(each.family == family for each in SKILLS.values()) <= MOST_IN_FAMILY
    assert [each.id for each in SKILLS.values() if each.family not in FAMILIES] == [OTHER]
    assert set(COMMON) < set(SKILLS)


def test_what_could_do_instead_is_known_and_as_trusted() -> None:
    for skill in SKILLS.values():
        assert set(skill.instead) <= set(SKILLS) - {skill.id, OTHER}
        if skill.verified_only:
            assert all(SKILLS[other].verified_only for other in skill.instead)


def test_what_no_one_knows_any_more_is_something_else() -> None:
    assert catalogs().render(label("taken_out_long_ago"), "en") == "Something else"


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_kind_of_help_has_words_of_its_own(language: str) -> None:
    (lexicon,) = (each for name, each in LEXICONS._lexicons.items() if name == language)
    assert {each.skill for each in lexicon._skills if not each.vague} == {*SKILLS, "not"} - {OTHER}


@pytest.mark.parametrize(
    ("table", "language", "least"),
    [(ENGLISH, "en", 1.0), (SPANISH, "es", 1.0), (MORE_ENGLISH, "en", 0.95), (MORE_SPANISH, "es", 0.95)],
)
def test_what_people_write_is_understood(table: str, language: str, least: float) -> None:
    heard = [(words, said, set(LEXICONS.skills(words, language))) for words, said in rows(table)]
    missed = [words for words, said, found in heard if not said <= found]
    assert 1 - len(missed) / len(heard) >= least, missed
    beside = {words: found - said for words, said, found in heard if found - said}
    assert len(beside) <= len(heard) / 4, beside


@pytest.mark.parametrize("language", ["en", "es"])
def test_small_talk_speaks_of_no_help(language: str) -> None:
    said = [part.strip() for part in SMALL_TALK.strip().replace("\n", "|").split("|")]
    assert {words: found for words in said if (found := LEXICONS.skills(words, language))} == {}


def test_a_vague_word_counts_only_where_nothing_finer_is_said() -> None:
    assert LEXICONS.skills("please fix it", "en") == ("repair",)
    assert LEXICONS.skills("please fix the tap", "en") == ("plumbing",)
    assert LEXICONS.skills("fix the tap and lend me a coat", "en") == ("plumbing", "clothes")
    assert LEXICONS.skills("donate a wardrobe and a coat", "en") == ("goods", "clothes")


@pytest.mark.parametrize(
    ("words", "skill"),
    [
        ("insuliine", "medicine"),
        ("blanckets", "bedding"),
        ("electritian", "electrics"),
        ("eletricista", "electrics"),
    ],
)
def test_a_misspelled_word_is_guessed(words: str, skill: str) -> None:
    assert LEXICONS.similar(words, "en")[0] == skill


def test_what_looks_like_nothing_is_not_guessed() -> None:
    assert LEXICONS.similar("qwertyuiop of xyzzy", "en") == ()


# --- the union's own ------------------------------------------------------------------------------


def example() -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def written(folder: Path, text: str) -> Path:
    path = folder / "skills.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_document_is_understood_and_named_in_the_language_of_the_reader(
    tmp_path: Path,
) -> None:
    own = read_own_skills(written(tmp_path, example()))
    assert own.of("mountain_medic").verified_only
    assert own.of("goat_milking").instead == ("pets",)
    assert "goat_milking" in [each.id for each in own.family("animals")]
    assert list(own.skills)[-1] == OTHER
    named = catalogs().with_names(own.names)
    assert named.render(label("goat_milking"), "es") == "Ordeñar las cabras"
    assert named.render(label("goat_milking"), "fr") == "Milk the goats"
    understood = Lexicons.load(LOCALES, own.synonyms)
    assert understood.skills("who can milk my three goats", "en") == ("goat_milking",)
    assert understood.skills("necesito un sanitario de montaña", "es") == ("mountain_medic",)
    assert understood.skills("Milk the goats", "en") == ("goat_milking",)


def test_a_language_that_we_do_not_speak_yet_may_have_words() -> None:
    understood = Lexicons.load(LOCALES, {"ca": {"goat_milking": ("munyir",)}})
    assert understood.skills("cal munyir", "ca") == ("goat_milking",)
    assert understood.skills("I need insulin", "ca") == ("medicine",)


HEAD = "[[skill]]\n"
GOOD = HEAD + 'id = "a_b"\nfamily = "food"\nlabels = {en = "A"}\n'
WRONG = {
    "no TOML": ("[[skill]\n", "line 1"),
    "another table": ("[skills]\n", "[[skill]]"),
    "no text": (HEAD + "id = 3\n", "entry 3, id"),
    "an unknown word": (GOOD + "colour = 1\n", "'a_b', colour"),
    "twice": (GOOD + GOOD, "'a_b', the id is taken"),
    "one of ours": (GOOD.replace("a_b", "food"), "'food', the id is taken"),
    "no family": (GOOD.replace('"food"', '"foods"'), "family must be one of"),
    "no label": (GOOD.replace('{en = "A"}', "{}"), "'a_b', labels"),
    "instead of nothing": (GOOD + 'instead = ["nothing"]\n', "'nothing'"),
    "instead of trust": (GOOD + 'verified_only = true\ninstead = ["food"]\n', "'food' is none"),
    "an open phrase": (GOOD + 'synonyms = {en = ["a (b"]}\n', "synonyms.en"),
    "a short stem": (GOOD + 'synonyms = {en = ["ab*"]}\n', "3 letters"),
    "a crowd": ("".join(GOOD.replace("a_b", f"a{each}") for each in range(12)), "more than 13"),
}


@pytest.mark.parametrize(("text", "names"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_sentence_that_names_the_entry(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        read_own_skills(written(tmp_path, text))
    said = str(wrong.value)
    assert said.startswith("ONECLOAK_SKILLS_FILE is wrong: ")
    assert names in said
    assert "\n" not in said


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="leads to no file"):
        read_own_skills(tmp_path / "none.toml")
