"""Emergency numbers: our table, whom to call for each danger, and where two sources disagree."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources

import pytest

from handlers.emergency import SERVICES, ToCall, load_table, numbers_for, to_call
from tests import disagreements
from tests.disagreements import CONNECTS_ONLY, OURS_ONLY, PAGE, connects_only, ours_only, services

TABLE = load_table()
EU_EFTA = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "CH", "IS", "LI", "NO",
]  # fmt: skip
UNINHABITED = {"AQ", "BV", "GS", "HM", "TF"}
DANGERS = [
    "medical", "fire", "violence", "self_harm", "missing", "trapped", "shelter", "child", "disaster", "other",
]  # fmt: skip


def iso_3166() -> set[str]:
    """The countries and territories as the time zone data list them."""
    text = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    return {line[:2] for line in text.splitlines() if not line.startswith("#")}


def test_every_country_and_territory_has_a_row_and_no_other() -> None:
    assert len(iso_3166()) == 249
    assert set(TABLE) == iso_3166() | {"XK"}
    assert list(TABLE) == sorted(TABLE)


def test_only_where_hardly_anybody_lives_no_number_is_known() -> None:
    assert {row.country for row in TABLE.values() if not services(row)} == UNINHABITED | {"PN"}


def test_each_row_says_what_was_read_and_when() -> None:
    for row in TABLE.values():
        assert row.source, row
        assert row.checked_on >= date(2026, 11, 22), row
        assert bool(row.crisis_line) == bool(row.crisis_source) == (row.crisis_checked_on is not None), row
        assert services(row) or not row.sure, row


def test_numbers_are_digits_that_a_phone_can_dial() -> None:
    for row in TABLE.values():
        assert all(re.fullmatch(r"\d{2,5}", number) for number in services(row)), row
        assert re.fullmatch(r"|[*+]?\d{3,14}", row.crisis_line), row


@pytest.mark.parametrize("country", EU_EFTA)
def test_112_works_in_all_of_the_eu_and_efta(country: str) -> None:
    assert TABLE[country].general == "112"
    assert TABLE[country].sure


def test_disagreements_with_the_other_source_are_exactly_these() -> None:
    found = {row.country: ours_only(row) for row in TABLE.values()}
    named = {country: set(numbers) for country, (numbers, _why) in OURS_ONLY.items()}
    assert {country: numbers for country, numbers in found.items() if numbers} == named
    assert all(why for _numbers, why in OURS_ONLY.values())
    assert {(row.country, each) for row in TABLE.values() for each in connects_only(row)} == CONNECTS_ONLY


def test_what_is_not_sure_says_so_where_it_disagrees() -> None:
    """A number that the other source doesn't know stands on at least two others, or is called not sure."""
    for country, (_numbers, why) in OURS_ONLY.items():
        if "not sure" in why:
            assert not TABLE[country].sure, country


def test_the_page_tells_every_disagreement() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert disagreements.page(text) == text, "run python -m tests.disagreements"


# --- whom to call ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "general"),
    [("ES", "112"), ("es", "112"), (" us ", "911"), ("AU", "000"), ("NZ", "111"), ("GB", "999"), ("JP", "")],
)
def test_a_country_is_found_however_it_is_written(country: str, general: str) -> None:
    known = numbers_for(country, TABLE)
    assert known is not None
    assert known.general == general


@pytest.mark.parametrize("country", ["", "  ", "XX", "ZZ", "Spain", "🇪🇸", "\ud800"])
def test_what_is_no_country_has_no_numbers(country: str) -> None:
    assert numbers_for(country, TABLE) is None
    assert to_call(numbers_for(country, TABLE), "medical") is None


@pytest.mark.parametrize("danger", DANGERS)
def test_one_number_for_all_is_given_for_every_danger(danger: str) -> None:
    told = to_call(TABLE["ES"], danger)
    assert told == ToCall("112", "general", True, "024" if danger == "self_harm" else "")


@pytest.mark.parametrize(
    ("danger", "number", "service"),
    [
        ("medical", "192", "ambulance"), ("self_harm", "192", "ambulance"), ("other", "192", "ambulance"),
        ("fire", "193", "fire"), ("trapped", "193", "fire"), ("disaster", "193", "fire"),
        ("violence", "190", "police"), ("missing", "190", "police"), ("child", "190", "police"),
        ("shelter", "190", "police"),
    ],
)  # fmt: skip
def test_in_brazil_each_danger_has_its_service(danger: str, number: str, service: str) -> None:
    told = to_call(TABLE["BR"], danger)
    assert told is not None
    assert (told.number, told.service) == (number, service)
    assert told.crisis_line == ("188" if danger == "self_harm" else "")


def test_where_no_ambulance_is_known_the_police_are_called() -> None:
    assert to_call(TABLE["NA"], "medical") == ToCall("10111", "police", True, "")
    assert to_call(TABLE["NA"], "fire") == ToCall("10111", "police", True, "")


def test_what_is_not_sure_is_told_as_such() -> None:
    told = to_call(TABLE["SD"], "medical")
    assert told is not None
    assert not told.sure


@pytest.mark.parametrize("danger", DANGERS)
def test_wherever_any_number_is_known_one_is_told_for_what_it_is(danger: str) -> None:
    for row in TABLE.values():
        told = to_call(row, danger)
        assert (told is None) == (not services(row)), row
        if told is not None:
            assert told.service in ("general", *SERVICES)
            assert told.number == getattr(row, told.service), row


def test_the_operators_own_number_goes_first() -> None:
    assert to_call(TABLE["BR"], "fire", "0800 1234") == ToCall("0800 1234", "general", True, "")
    assert to_call(TABLE["SD"], "fire", "112") == ToCall("112", "general", True, "")
    assert to_call(None, "fire", "112") == ToCall("112", "general", True, "")
    assert to_call(TABLE["BR"], "self_harm", "911") == ToCall("911", "general", True, "188")
