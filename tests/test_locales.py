"""The catalogs: every language complete, kind and fitting, and a language is only a folder."""

from __future__ import annotations

import ast
import gettext
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.core import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError

from handlers.contents import COMMANDS
from handlers.lexicon import Lexicons
from handlers.messages import Clock, Text, _, _n
from handlers.skills import FAMILIES, SKILLS
from handlers.texts import Catalogs, own_name
from tests import catalogs, words
from tests.catalogs import CRISIS, LOCALES, MESSAGES, ROOT, SOURCE

CATALOGS, LEXICONS = words.catalogs(), words.lexicons()
COUNTS, COUNTED = (0, 1, 2, 5, 21), range(1, 205)
LONGEST_LABEL = 40
LENGTH_OF_REFERENCE = len(" · N-7K3Q")
IN_A_CRISIS = [path.name for path in sorted(LOCALES.iterdir()) if path.is_dir() and path.name[0] not in "._"]
LANGUAGES = catalogs.languages()
each_language = pytest.mark.parametrize("language", LANGUAGES)
each_catalog = pytest.mark.parametrize(
    ("language", "domain"),
    [*((language, MESSAGES) for language in LANGUAGES), *((language, CRISIS) for language in IN_A_CRISIS)],
)

extracted = cache(catalogs.extracted)


def written(language: str, domain: str = MESSAGES) -> Catalog:
    return _written(language, domain)


@cache
def _written(language: str, domain: str) -> Catalog:
    return catalogs.read(language, domain=domain)


def texts(catalog: Catalog) -> list[Message]:
    return [message for message in catalog if message.id]


def ids(message: Message) -> tuple[str, ...]:
    """The text in the code; for a plural both forms."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def said(language: str, domain: str = MESSAGES) -> Iterator[tuple[Message, str]]:
    """Each text with everything that a language says for it; what is left empty is said as in the code."""
    for message in texts(written(language, domain)):
        forms = catalogs.forms(message)
        yield from ((message, form) for form in (forms if any(forms) else ids(message)))


def placeholders(pattern: str) -> set[str]:
    return {name for _literal, name, _spec, _conversion in Formatter().parse(pattern) if name is not None}


def rendered(message: Message, language: str, count: int | None = None, known: Catalogs = CATALOGS) -> str:
    singular, plural = ids(message)[0], ids(message)[-1]
    values = {name: f"<{name}>" for form in ids(message) for name in placeholders(form)}
    if count is None:
        return known.render(Text(singular, values=dict(values)), language)
    return known.render(Text(singular, plural, count, {**values, "count": count}), language)


def filled(form: str, count: int) -> str:
    """A text as `rendered` fills it."""
    return form.replace("{count}", str(count)).replace("{", "<").replace("}", ">")


# --- complete and current -------------------------------------------------------------------------


def test_there_are_languages_and_english_is_among_them() -> None:
    assert {SOURCE, "es"} <= set(LANGUAGES) <= set(IN_A_CRISIS)
    assert list(CATALOGS.languages) == list(LEXICONS.languages) == LANGUAGES
    assert catalogs.languages(domain=CRISIS) == IN_A_CRISIS


@each_catalog
def test_a_catalog_is_up_to_date_with_the_code(language: str, domain: str) -> None:
    in_code, in_catalog = (
        {ids(each) for each in texts(of)} for of in (extracted(domain), written(language, domain))
    )
    assert in_code - in_catalog == set(), "new texts: `make messages`, then translate them"
    assert in_catalog - in_code == set(), "removed texts: `make messages`"


@each_catalog
def test_a_catalog_is_complete(language: str, domain: str) -> None:
    catalog = written(language, domain)
    assert not [ids(each) for each in texts(catalog) if each.fuzzy]
    assert not catalog.obsolete
    assert not list(catalog.check())
    if language != SOURCE:
        assert not [ids(each) for each in texts(catalog) if not all(catalogs.forms(each))]


@each_catalog
def test_a_catalog_names_no_person_and_no_date(language: str, domain: str) -> None:
    head = (LOCALES / language / f"{domain}.po").read_text(encoding="utf-8").partition("\n#: ")[0]
    assert not re.search(r"FIRST AUTHOR|FULL NAME|ORGANIZATION|VERSION|@|Date|\d{4}", head)
    assert f'"Language: {language}\\n"' in head
    assert '"Language-Team: One Cloak\\n"' in head


@each_catalog
def test_writing_a_catalog_again_changes_no_byte(language: str, domain: str, tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path, dirs_exist_ok=True)
    path = tmp_path / language / f"{domain}.po"
    path.write_text(f"# A word of the translator.\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    states = []
    for _attempt in range(2):
        catalogs.update(language, extracted(domain), tmp_path, domain)
        states.append(path.read_bytes())
    assert states[0] == states[1]
    assert states[0].startswith(b"# A word of the translator.\n")
    before, after = (
        {ids(each): catalogs.forms(each) for each in texts(of) if all(catalogs.forms(each))}
        for of in (written(language, domain), catalogs.read(language, tmp_path, domain))
    )
    assert after.items() >= {each: before[each] for each in before.keys() & known(domain)}.items()


@cache
def known(domain: str = MESSAGES) -> frozenset[tuple[str, ...]]:
    return frozenset(ids(each) for each in texts(extracted(domain)))


# --- each text ------------------------------------------------------------------------------------


@each_catalog
def test_placeholders_and_commands_stay(language: str, domain: str) -> None:
    for message, form in said(language, domain):
        for of in ids(message):
            assert placeholders(form) == placeholders(of), form
            assert commands(form) == commands(of), form
        assert commands(form) <= set(COMMANDS), form


def commands(text: str) -> set[str]:
    return set(re.findall(r"(?:^|(?<=\s))/([a-z]+)", text))


@each_catalog
def test_every_text_renders(language: str, domain: str) -> None:
    for message in texts(written(language, domain)):
        if message.pluralizable:
            continue
        (form,) = (form for of, form in said(language, domain) if of is message)
        assert rendered(message, language) == form.replace("{", "<").replace("}", ">")


@each_catalog
def test_every_plural_has_its_forms_and_renders_for_every_count(language: str, domain: str) -> None:
    catalog = written(language, domain)
    for message in texts(catalog):
        if not message.pluralizable:
            continue
        assert len(catalogs.forms(message)) == catalog.num_plurals
        possible = {form for of, form in said(language, domain) if of is message}
        for count in COUNTS:
            shown = rendered(message, language, count)
            assert shown in {filled(form, count) for form in possible}
            assert str(count) in shown


@each_language
def test_a_text_that_both_catalogs_have_is_the_same_in_them(language: str) -> None:
    ours, theirs = (
        {ids(each): catalogs.forms(each) for each in texts(written(language, domain))}
        for domain in (MESSAGES, CRISIS)
    )
    assert {each: ours[each] for each in ours.keys() & theirs.keys()}.items() <= theirs.items()


@pytest.mark.parametrize("language", IN_A_CRISIS)
def test_each_count_has_the_form_of_its_language(language: str) -> None:
    """Numbers that CLDR puts in one class have one form."""
    rule = Locale.parse(language).plural_form
    forms = gettext.c2py(written(language, CRISIS).plural_expr)
    assert all(forms(one) == forms(other) for one in COUNTED for other in COUNTED if rule(one) == rule(other))


@pytest.mark.parametrize("language", IN_A_CRISIS)
def test_a_day_and_an_hour_can_be_said(language: str) -> None:
    said = CATALOGS.render(_("{time}", time=Clock(datetime(2030, 5, 6, 7, 8, tzinfo=UTC), "UTC")), language)
    assert "07:08 UTC" in said
    assert re.search(r"\b6\b", said)


@pytest.mark.parametrize("language", [SOURCE, "es"])
def test_only_one_is_singular(language: str) -> None:
    for message in texts(written(language)):
        if message.pluralizable:
            singular, plural = (form for of, form in said(language) if of is message)
            forms = [rendered(message, language, n).replace(str(n), "{count}") for n in COUNTS]
            forms = [form.replace("<", "{").replace(">", "}") for form in forms]
            assert forms == [plural, singular, plural, plural, plural]


@each_catalog
def test_no_text_shouts_or_is_left_open(language: str, domain: str) -> None:
    for _message, form in said(language, domain):
        assert not set(form) & set("!¡！"), form
        assert not re.search(r"TODO|FIXME|XXX", form), form
        assert form == form.strip(), form


@each_catalog
def test_a_question_stays_a_question(language: str, domain: str) -> None:
    for message, form in said(language, domain):
        asks = [text.rstrip().endswith(("?", "؟", "？", ";")) for text in (ids(message)[0], form)]
        assert asks[0] == asks[1], form


# --- buttons --------------------------------------------------------------------------------------


def label_calls() -> Iterator[tuple[ast.expr, str]]:
    """The label of every `Button(label, says)` and `Option(value, label)` in the code, and what it says."""
    for path in [*ROOT.glob("handlers/*.py"), *ROOT.glob("bot/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                position = {"Button": 0, "Option": 1}.get(node.func.id)
                if position is not None and len(node.args) > 1:
                    says = node.args[1 - position]
                    yield node.args[position], ast.unparse(says).strip("'\"")


@cache
def labels() -> dict[str, str]:
    """What stands on buttons, in English, with what pressing it says."""
    found = {skill.label.message: name for name, skill in SKILLS.items()}
    found |= {label.message: family for family, label in FAMILIES.items()}
    for expression, says in label_calls():
        for node in ast.walk(expression):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant)
                assert isinstance(node.args[0].value, str)
                found[node.args[0].value] = says
    return found


@cache
def labels_with_reference() -> frozenset[str]:
    """Labels behind which a case's reference stands."""
    return frozenset(
        node.args[0].value
        for expression, _says in label_calls()
        if isinstance(expression, ast.Call) and ast.unparse(expression.func) == "joined"
        for node in expression.args
        if isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant)
        if isinstance(node.args[0].value, str)
    )


def test_the_labels_are_found() -> None:
    assert {"I can", "SOS", "Skip", "It is urgent", "A ride", "I take it"} <= set(labels())
    assert labels_with_reference() >= {"I take it", "It is done"}
    assert set(labels()) <= {each[0] for each in known() | known(CRISIS)}


@each_language
def test_labels_are_short(language: str) -> None:
    for label in labels():
        shown = CATALOGS.render(Text(label), language)
        room = LONGEST_LABEL - (LENGTH_OF_REFERENCE if label in labels_with_reference() else 0)
        assert 0 < len(shown) <= room, shown
        assert "\n" not in shown


@each_language
def test_no_two_labels_read_the_same_so_that_they_can_be_typed(language: str) -> None:
    shown = [CATALOGS.render(Text(label), language).casefold() for label in labels()]
    assert sorted(shown) == sorted(set(shown))


@each_language
def test_typing_a_label_calls_nobody_by_accident(language: str) -> None:
    for label, says in labels().items():
        if "/sos" not in says:
            assert LEXICONS.crisis(CATALOGS.render(Text(label), language)) is None, label


@each_language
def test_a_label_that_a_text_quotes_is_quoted_as_it_stands_on_the_button(language: str) -> None:
    quoting = 0
    for message, form in said(language):
        for quoted in re.findall(r'"([^"]+)"', ids(message)[0]):
            assert quoted in labels()
            assert CATALOGS.render(Text(quoted), language) in form
            quoting += 1
    assert quoting


# --- a language of the first words only -------------------------------------------------------------


def test_who_speaks_a_language_of_the_first_words_reads_all_else_in_the_unions(tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "crisis.po").write_text('msgid "All right."\nmsgstr "D\'acord."\n', encoding="utf-8")
    there = Catalogs.load(tmp_path, "es")
    assert there.closest(["ca-ES"], "es") == "ca"
    assert "ca" not in there.languages
    assert there.render(Text("All right."), "ca") == "D'acord."
    assert there.render(Text("I can"), "ca") == CATALOGS.render(Text("I can"), "es")
    assert Catalogs.load(tmp_path, "xx").render(Text("I can"), "ca") == "I can"
    two = _n(
        "I have told {count} coordinator. No answer yet.",
        "I have told {count} coordinators. None has answered yet.",
        2,
    )
    assert there.render(two, "ca") == CATALOGS.render(two, "es")


# --- which language -------------------------------------------------------------------------------


def test_an_unknown_language_falls_back_to_the_code() -> None:
    for message in texts(extracted()):
        if message.pluralizable:
            for count in COUNTS:
                assert rendered(message, "xx", count) == rendered(message, SOURCE, count)
        else:
            assert rendered(message, "xx") == rendered(message, SOURCE)


@pytest.mark.parametrize(
    ("hints", "language"),
    [
        (["es-MX"], "es"), (["es_AR"], "es"), (["ES"], "es"), (["en-GB"], "en"), (["pt_BR"], "pt"),
        (["sv_SE"], "otherwise"), (["sv_SE", "es"], "es"), ([""], "otherwise"), ([], "otherwise"),
        (["est"], "otherwise"), (["zh-Hans-CN", "-", "es-419"], "es"),
    ],
)  # fmt: skip
def test_the_closest_language_to_a_hint(hints: list[str], language: str) -> None:
    assert CATALOGS.closest(hints, "otherwise") == language


def test_a_language_changes_to_itself() -> None:
    """The one text that must not be translated word for word."""
    announced = [CATALOGS.render(Text("From now on I write to you in English."), each) for each in LANGUAGES]
    assert len(set(announced)) == len(announced)
    for language, text in zip(LANGUAGES, announced, strict=True):
        assert own_name(language)[:3].casefold() in text.casefold()  # its end may be inflected


def test_a_language_is_only_a_folder(tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path, dirs_exist_ok=True)
    shutil.copytree(LOCALES / "es", tmp_path / "ca")
    there = Catalogs.load(tmp_path)
    assert "ca" in there.languages
    assert "ca" in Lexicons.load(tmp_path).languages
    assert there.render(Text("I can"), "ca") == CATALOGS.render(Text("I can"), "es")
    assert there.closest(["ca-ES"], SOURCE) == "ca"
    assert Lexicons.load(tmp_path).answer("sí", "ca") is True
    assert own_name("ca") == "Català"


@pytest.mark.parametrize(("language", "plurals"), [("ru", 3), ("ar", 6), ("ja", 1)])
def test_the_catalog_of_a_new_language_is_begun_and_speaks_english_until_translated(
    language: str, plurals: int, tmp_path: Path
) -> None:
    (tmp_path / language).mkdir()
    (tmp_path / language / "lexicon.toml").touch()
    assert catalogs.languages(tmp_path) == [language]
    begun = catalogs.update(language, extracted(), tmp_path)
    assert {ids(each) for each in texts(begun)} == known()
    assert catalogs.read(language, tmp_path).num_plurals == plurals
    there = Catalogs.load(tmp_path)
    for message in texts(begun):
        count = 5 if message.pluralizable else None
        shown = rendered(message, language, count, there)
        allowed = {filled(form, 5) for form in ids(message)}
        assert count is None or shown in allowed
        assert count is not None or shown == rendered(message, SOURCE)


def test_a_broken_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "messages.po").write_text('msgid "I can"\nPuedo\n', encoding="utf-8")
    with pytest.raises((ValueError, PoFileError), match="keyword"):
        Catalogs.load(tmp_path)
