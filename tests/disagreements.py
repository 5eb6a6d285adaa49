"""Where `phonenumbers` disagrees with our emergency numbers.

Each is named here with the reason why we keep ours; `python -m tests.disagreements` writes the tables of
docs/emergency.md, where the names of data sets are explained. The test fails when a new one appears or one
of these is gone, and when the page doesn't say the same.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from phonenumbers import shortnumberinfo
from phonenumbers.phonemetadata import PhoneMetadata

from handlers.emergency import EmergencyNumbers, load_table

PAGE = Path(__file__).parent.parent / "docs" / "emergency.md"
BEGIN, END = "<!-- begin: {} -->", "<!-- end: {} -->"
_LONGEST = 4  # digits of the numbers of theirs that are looked at
_MOST = 9  # numbers written out; more are given as a range

_FRANCE = "as in France; EU law for the outermost regions"
# Numbers of ours that theirs lists as no emergency number of the country, and why we keep them.
OURS_ONLY: dict[str, tuple[tuple[str, ...], str]] = {
    "AM": (("911",), "the rescue service; leads to the new centre of 112 (December 2025)"),
    "AO": (("111",), "the integrated centres (CISP); the police's 113, which theirs lists, is switched off"),
    "BI": (("118",), "fire; two data sets agree"),
    "BL": (("112", "15", "17"), "as in France; theirs lists 18 alone"),
    "CD": (("112",), "the police in Kinshasa; no number is known to work everywhere"),
    "CI": (("185",), "SAMU; two data sets agree"),
    "CM": (("118", "119"), "fire and ambulance; AOSP and Teams agree"),
    "CW": (("912",), "ambulance; one data set"),
    "ES": (("091",), "the Policía Nacional's own number"),
    "ET": (("907",), "Red Cross ambulance"),
    "GF": (("112",), _FRANCE),
    "GH": (("112",), "for all services since 2019"),
    "GN": (("117", "18"), "theirs knows nothing of this country, and the others disagree: not sure"),
    "GP": (("112",), _FRANCE),
    "GQ": (("114", "115"), "theirs knows nothing of this country, and the others disagree: not sure"),
    "GT": (("122",), "Bomberos Voluntarios; Teams agrees"),
    "HN": (("911",), "replaced 199, which theirs lists"),
    "HT": (("115", "116"), "firefighters and Centre Ambulancier National"),
    "IO": (("112",), "theirs knows nothing of this territory: not sure"),
    "IQ": (("911",), "for everything, nationwide, since January 2025"),
    "LA": (("1190", "1191", "1195"), "with a 1 in front, as the Chinese embassy gives them; AOSP agrees"),
    "LK": (("1990",), "Suwa Seriya, the free ambulance of the whole island"),
    "LS": (("121", "122", "123"), "two data sets agree, theirs lists 112, 115, 117: not sure"),
    "LY": (("1515",), "two data sets agree, theirs lists 190, 191, 193: not sure"),
    "MF": (("112",), _FRANCE),
    "MM": (("191", "192"), "fire and ambulance; two data sets agree"),
    "MR": (("117", "118"), "two data sets agree, theirs lists 17 and 18: not sure"),
    "NF": (("000",), "as the island's newspaper gives it (2022, 2025); theirs lists 911, 955, 977"),
    "NG": (("112",), "for all services; theirs lists the older 199"),
    "PA": (("103", "104"), "fire and police; Teams agrees"),
    "PE": (("106",), "SAMU"),
    "PG": (("112",), "police; two data sets agree, theirs lists 000"),
    "PY": (("132", "141"), "Bomberos Voluntarios, and SEME, the public ambulance"),
    "RS": (("192", "193", "194"), "theirs lists 92 to 94, the forms before the 1 was put in front"),
    "RW": (("912",), "SAMU"),
    "SA": (("998",), "Civil Defence"),
    "SB": (("911", "988"), "ambulance and fire; two data sets agree"),
    "SN": (("1515",), "SAMU national, as the ministry gives it"),
    "SV": (("132",), "Sistema de Emergencias Médicas"),
    "SX": (("911", "912"), "police and ambulance; Teams agrees, theirs lists 919 alone"),
    "SZ": (("933", "977"), "fire and ambulance; Teams agrees"),
    "TK": (("111",), "theirs knows nothing of this territory: not sure"),
    "TL": (("110",), "ambulance; AOSP agrees: not sure"),
    "TM": (("001", "002", "003"), "the forms for mobile phones, as AOSP has them: not sure"),
    "TT": (("811",), "the ambulance"),
    "UM": (("911",), "theirs knows nothing of these islands; Teams does: not sure"),
    "UY": (("104", "105"), "Bomberos and ambulance"),
    "UZ": (("101", "102", "103", "112"), "theirs lists 01 to 03, the older forms; 112 since 2024"),
    "VU": (("111", "113"), "police and fire; two data sets agree"),
    "YT": (("17", "18"), "as in France"),
}
# Numbers that theirs knows to connect without calling them an emergency number.
CONNECTS_ONLY = {("MA", "150")}


def services(row: EmergencyNumbers) -> set[str]:
    return {row.general, row.ambulance, row.police, row.fire} - {""}


def ours_only(row: EmergencyNumbers) -> set[str]:
    """Numbers of ours that lead to no emergency service, says the other source."""
    return {
        number
        for number in services(row)
        if not shortnumberinfo.connects_to_emergency_number(number, row.country)
    }


def connects_only(row: EmergencyNumbers) -> set[str]:
    return {
        number
        for number in services(row) - ours_only(row)
        if not shortnumberinfo.is_emergency_number(number, row.country)
    }


def theirs_only(row: EmergencyNumbers) -> list[str]:
    """Emergency numbers of theirs, of up to four digits, that our row doesn't give."""
    described = PhoneMetadata.short_metadata_for_region(row.country)
    pattern = described and described.emergency and described.emergency.national_number_pattern
    if not pattern:
        return []
    fits = re.compile(pattern).fullmatch
    return [number for number in _all_numbers() if number not in services(row) and fits(number)]


@cache
def _all_numbers() -> list[str]:
    return [f"{number:0{width}}" for width in range(1, _LONGEST + 1) for number in range(10**width)]


def tables() -> dict[str, str]:
    """The tables of docs/emergency.md, by name."""
    lines = ["| country | our numbers | why we keep them |", "|---|---|---|"]
    lines += [
        f"| {country} | {', '.join(numbers)} | {why} |" for country, (numbers, why) in OURS_ONLY.items()
    ]
    table = load_table()
    unsure = [row.country for row in table.values() if not row.sure and services(row)]
    none = [row.country for row in table.values() if not services(row)]
    theirs = [f"{row.country} {_shown(numbers)}" for row in table.values() if (numbers := theirs_only(row))]
    return {
        "ours": "\n".join(lines),
        "theirs": _filled("; ".join(theirs) + "."),
        "unsure": _filled(", ".join(unsure) + "."),
        "none": _filled(", ".join(none) + "."),
    }


def _shown(numbers: list[str]) -> str:
    if len(numbers) > _MOST:
        return f"{len(numbers)} numbers from {numbers[0]} to {numbers[-1]}"
    return ", ".join(numbers)


def _filled(text: str, width: int = 110) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its tables brought up to date."""
    for name, table in tables().items():
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
