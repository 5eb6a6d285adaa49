"""Emergency numbers: our table, what it falls back on, and where two sources disagree."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest
from phonenumbers import shortnumberinfo

from handlers.emergency import EmergencyNumbers, load_table, numbers_for

EU_EFTA = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "CH", "IS", "LI", "NO",
]  # fmt: skip

# Numbers of ours that `phonenumbers` doesn't list as reaching an emergency service, and why we keep them.
DISAGREEMENTS = {
    ("ES", "091"),  # the Policía Nacional's own number; theirs lists 085, 088 and 112
    ("GF", "112"),  # required by EU law in the outermost regions; theirs lists 15, 17 and 18
    ("GH", "112"),  # for all services since 2019; theirs lists the older 191 to 193 and 999
    ("GP", "112"),  # as GF
    ("HN", "911"),  # replaced 199, which theirs lists
    ("HT", "115"),  # firefighters; theirs lists 114 and 118
    ("HT", "116"),  # Centre Ambulancier National
    ("LK", "1990"),  # Suwa Seriya, the free ambulance since 2016
    ("NG", "112"),  # for all services; theirs lists the older 199
    ("PY", "132"),  # Bomberos Voluntarios; theirs lists 128 and 911
    ("PY", "141"),  # SEME, the public ambulance
    ("RS", "192"),  # theirs lists 92 to 94, the forms before the 1 was put in front
    ("RS", "193"),
    ("RS", "194"),
    ("RW", "912"),  # SAMU; theirs lists 111 and 112
    ("SA", "998"),  # Civil Defence; theirs lists 997 and 999 beside it
    ("SN", "1515"),  # SAMU national; theirs lists 17 and 18
    ("SV", "132"),  # Sistema de Emergencias Médicas; theirs lists 911 and 913
    ("TT", "811"),  # the ambulance; theirs lists 990 and 999
    ("UY", "104"),  # Bomberos; theirs lists 128 and 911
    ("UY", "105"),  # ambulance
    ("YT", "17"),  # as in France; theirs lists 15 and 112
    ("YT", "18"),
}
# Numbers that they know to connect without calling them an emergency number.
CONNECTS_ONLY = {("MA", "150")}


def services(row: EmergencyNumbers) -> set[str]:
    return {row.general, row.ambulance, row.police, row.fire} - {""}


def test_the_table_is_large_sorted_and_complete() -> None:
    table = load_table()
    assert len(table) >= 80
    assert list(table) == sorted(table)
    assert not set(EU_EFTA) - set(table)
    for country, row in table.items():
        assert country in shortnumberinfo.SUPPORTED_SHORT_REGIONS
        assert row.source
        assert row.checked_on is not None
        assert row.checked_on >= date(2026, 1, 1)
        assert row.general or (row.ambulance and row.police and row.fire), country


def test_numbers_are_digits_that_a_phone_can_dial() -> None:
    for row in load_table().values():
        assert all(number.isdecimal() and len(number) <= 5 for number in services(row)), row
        assert row.crisis_line == "" or row.crisis_line.isdecimal()


@pytest.mark.parametrize("country", EU_EFTA)
def test_112_works_in_all_of_the_eu_and_efta(country: str) -> None:
    assert load_table()[country].general == "112"


def test_disagreements_with_the_other_source_are_exactly_these() -> None:
    numbers = [(row.country, number) for row in load_table().values() for number in services(row)]
    unconnected = {
        (country, number)
        for country, number in numbers
        if not shortnumberinfo.connects_to_emergency_number(number, country)
    }
    unlisted = {
        (country, number)
        for country, number in numbers
        if not shortnumberinfo.is_emergency_number(number, country)
    }
    assert unconnected == DISAGREEMENTS
    assert unlisted - unconnected == CONNECTS_ONLY


@pytest.mark.parametrize(
    ("country", "general"),
    [("ES", "112"), ("es", "112"), (" us ", "911"), ("AU", "000"), ("NZ", "111"), ("GB", "999"), ("JP", "")],
)
def test_our_table_comes_first(country: str, general: str) -> None:
    known = numbers_for(country, load_table())
    assert known is not None
    assert known.general == general


def test_a_country_of_many_numbers_has_one_for_each_service() -> None:
    known = numbers_for("JP", load_table())
    assert known is not None
    assert (known.ambulance, known.police, known.fire) == ("119", "110", "119")


@pytest.mark.parametrize(("country", "general"), [("VU", "112"), ("PA", "911"), ("ES", "112"), ("US", "911")])
def test_without_a_row_the_offline_data_answer(country: str, general: str) -> None:
    known = numbers_for(country, {})
    assert known == EmergencyNumbers(country, general, "", "", "", "", "phonenumbers", None)


@pytest.mark.parametrize("country", ["", "  ", "XX", "ZZ", "Spain", "🇪🇸", "\ud800", "PE", "NA"])
def test_what_is_not_certain_is_not_answered(country: str) -> None:
    assert numbers_for(country, {}) is None


def test_the_large_data_are_not_loaded_at_start_up() -> None:
    code = "import sys, handlers.emergency as e; e.load_table(); sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
