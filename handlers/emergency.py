"""Whom to call in an emergency, country by country, without asking any network.

The table is ours, row by row with its source; "checked" means compared with the offline data of
`phonenumbers`, not called. What it doesn't know comes from those data, and only if the number is one
that leads to every service; otherwise the answer is that we don't know.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_name("emergency_numbers.csv")
# Numbers that, where they work at all, lead to a control room for everything; where 911 is listed,
# 112 is often only what mobile networks forward to it.
_GENERAL: Final = ("911", "112", "999")


@dataclass(frozen=True, slots=True)
class EmergencyNumbers:
    """The numbers of one country; one that doesn't exist or isn't certain is empty."""

    country: str  # ISO 3166-1 alpha-2
    general: str  # reaches every service
    ambulance: str
    police: str
    fire: str
    crisis_line: str  # for thoughts of suicide
    source: str
    checked_on: date | None  # None: never checked by us


def load_table(path: Path = TABLE) -> dict[str, EmergencyNumbers]:
    """Read our own table, by country."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [_read(row) for row in csv.DictReader(file)]
    return {row.country: row for row in rows}


def _read(row: Mapping[str, str]) -> EmergencyNumbers:
    return EmergencyNumbers(
        country=row["country"],
        general=row["general"],
        ambulance=row["ambulance"],
        police=row["police"],
        fire=row["fire"],
        crisis_line=row["crisis_line"],
        source=row["source"],
        checked_on=date.fromisoformat(row["checked_on"]),
    )


def numbers_for(country: str, table: Mapping[str, EmergencyNumbers]) -> EmergencyNumbers | None:
    """The numbers of a country, or None if we don't know them for certain."""
    country = country.strip().upper()
    return table.get(country) or _from_phonenumbers(country)


def _from_phonenumbers(country: str) -> EmergencyNumbers | None:
    # Imported here because its data are large and most unions never need them.
    from phonenumbers import shortnumberinfo

    if country not in shortnumberinfo.SUPPORTED_SHORT_REGIONS:
        return None
    for number in _GENERAL:
        if shortnumberinfo.is_emergency_number(number, country):
            return EmergencyNumbers(country, number, "", "", "", "", "phonenumbers", None)
    return None
