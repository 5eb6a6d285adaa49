"""Whom to call in an emergency, country by country, without asking any network.

The table is ours, a row for every country and territory, each with what was read for it and when; none of
the numbers was called. Where it comes from, how a union checks it and where other data disagree stands in
docs/emergency.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_name("emergency_numbers.csv")
# The service that comes first for each kind of danger, where a country has no number for all.
SERVICES: Final = ("ambulance", "police", "fire")
_FIRST: Final = {
    "medical": "ambulance", "self_harm": "ambulance", "fire": "fire", "trapped": "fire", "disaster": "fire",
    "violence": "police", "missing": "police", "child": "police", "shelter": "police",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EmergencyNumbers:
    """The numbers of one country; one that doesn't exist or isn't known is empty."""

    country: str  # ISO 3166-1 alpha-2, or XK for Kosovo as in GeoNames
    general: str  # reaches every service
    ambulance: str
    police: str
    fire: str
    sure: bool  # whether two sources agree; otherwise it must be said that the number may differ
    source: str
    checked_on: date  # when the source was read
    compared: str  # what other data sets say
    crisis_line: str  # for thoughts of suicide; may begin with * or +
    crisis_source: str
    crisis_checked_on: date | None  # None where no crisis line is known


@dataclass(frozen=True, slots=True)
class ToCall:
    """Whom someone in danger should call now."""

    number: str
    service: str  # "general", or which of SERVICES answers
    sure: bool  # False: say that the number may differ and that 112 works on most mobile phones
    crisis_line: str  # "" unless it is about self-harm and one is known


def load_table(path: Path = TABLE) -> dict[str, EmergencyNumbers]:
    """Read our own table, by country."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [_read(row) for row in csv.DictReader(file)]
    return {row.country: row for row in rows}


def _read(row: Mapping[str, str]) -> EmergencyNumbers:
    crisis_checked_on = row["crisis_checked_on"]
    return EmergencyNumbers(
        country=row["country"],
        general=row["general"],
        ambulance=row["ambulance"],
        police=row["police"],
        fire=row["fire"],
        sure=row["sure"] == "yes",
        source=row["source"],
        checked_on=date.fromisoformat(row["checked_on"]),
        compared=row["compared"],
        crisis_line=row["crisis_line"],
        crisis_source=row["crisis_source"],
        crisis_checked_on=date.fromisoformat(crisis_checked_on) if crisis_checked_on else None,
    )


def numbers_for(country: str, table: Mapping[str, EmergencyNumbers]) -> EmergencyNumbers | None:
    """The row of a country, or None for a code that isn't one."""
    return table.get(country.strip().upper())


def to_call(known: EmergencyNumbers | None, danger: str, own: str = "") -> ToCall | None:
    """Whom to call: the operator's own number, the general one, or the service for this kind of danger.

    danger: a kind of danger, such as "medical"; own: what the operator set, to be given only for places in
    the union's own country. Where the service has no number, another service's is given: any control room is
    better than none. None if no number is known.
    """
    crisis_line = known.crisis_line if known and danger == "self_harm" else ""
    if own:
        return ToCall(own, "general", True, crisis_line)
    if known is None:
        return None
    if known.general:
        return ToCall(known.general, "general", known.sure, crisis_line)
    by_service = {"ambulance": known.ambulance, "police": known.police, "fire": known.fire}
    for service in (_FIRST.get(danger, SERVICES[0]), *SERVICES):
        if by_service[service]:
            return ToCall(by_service[service], service, known.sure, crisis_line)
    return None
