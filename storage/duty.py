"""Who is on duty now: coordinators who said so by hand."""

from __future__ import annotations

from datetime import datetime

from storage import people
from storage.database import Transaction
from storage.tables import Person


def on_duty(tx: Transaction, now: datetime) -> list[Person]:
    """The reachable coordinators who are on duty at this moment, the longest-serving first."""
    return [person for person in people.coordinators(tx) if is_on_duty(person, now)]


def is_on_duty(person: Person, now: datetime) -> bool:
    return person.on_duty and (person.on_duty_until is None or now < person.on_duty_until)
