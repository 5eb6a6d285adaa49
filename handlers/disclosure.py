"""The one place where sealed words and places are opened for someone else than their owner.

Given viewer and case it decides, and writes the audit row either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from handlers import places
from handlers.context import Moment
from handlers.messages import Place
from storage import alerts, in_charge, needs, open_needs, people, work
from storage.tables import Account, Alert, AlertNote, Commitment, Need, Person


@dataclass(frozen=True, slots=True)
class Note:
    """What a coordinator noted of an alert."""

    author_id: UUID
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """What a viewer may read of a case."""

    words: tuple[str, ...]
    place: Place | None
    door: str = ""  # how to find the door, in the requester's words
    notes: tuple[Note, ...] = ()


def open_need(moment: Moment, viewer_id: UUID, need: Need) -> Opened | None:
    """Words, place and door of a need: all for its requester and for who took charge of an alert on it;
    for a volunteer who is meeting it what the requester chose to show this one."""
    subject = people.get(moment.tx, need.person_id)
    commitment = _meets(moment, viewer_id, need)
    sees_all = viewer_id == need.person_id or _leads(moment, viewer_id, need)
    allowed = sees_all or commitment is not None
    _write(moment, viewer_id, subject, need.id, "need", allowed)
    if not allowed:
        return None
    shown = ["place", "door"] if sees_all or commitment is None else commitment.shows.split()
    place = need_place(moment, need, subject) if "place" in shown else None
    door = needs.said(moment.tx, need).get("door", "") if "door" in shown else ""
    words = (needs.words_of(moment.tx, need), *needs.added_to(moment.tx, need))
    return Opened(words, place, door)


def open_alert(moment: Moment, viewer_id: UUID, alert: Alert) -> Opened | None:
    """What a person said, where they are and what was noted: for the coordinator in charge and those who help
    them, until it is resolved."""
    allowed = alert.resolved_at is None and (alert.owner_id == viewer_id or _helps(moment, viewer_id, alert))
    subject = people.get(moment.tx, alert.person_id) if alert.person_id is not None else None
    if subject is not None:
        _write(moment, viewer_id, subject, alert.id, "alert", allowed)
    if not allowed:
        return None
    readable = [(note, words) for note in alerts.notes(moment.tx, alert.id)
                if (words := _words(moment, note)) is not None]  # fmt: skip
    said = tuple(words for note, words in readable if note.author_id is None)
    noted = tuple(Note(note.author_id, words, note.said_at) for note, words in readable if note.author_id)
    place = None
    if alert.sealed_place is not None and subject is not None:
        place = moment.tx.open(subject.key_id, "alert place", alert.sealed_place)
    return Opened(said, places.shown(place), notes=noted)


def _helps(moment: Moment, viewer_id: UUID, alert: Alert) -> bool:
    return alert.state == "taken" and in_charge.helps(moment.tx, alert.id, viewer_id)


def _words(moment: Moment, note: AlertNote) -> str | None:
    """None where a coordinator noted it who was forgotten since: their key is gone."""
    moment.tx.load_keys((note.key_id,))
    if not moment.tx.vault.knows(note.key_id):
        return None
    return str(moment.tx.open(note.key_id, "alert note", note.sealed_words))


def contact_of(moment: Moment, viewer_id: UUID, subject: Person, case_id: UUID, account: Account) -> str:
    """How to reach a person outside the bot; only called once they have agreed to share it."""
    _write(moment, viewer_id, subject, case_id, "contact", True)
    if account.sealed_contact is None:
        return ""
    return str(moment.tx.open(subject.key_id, "contact", account.sealed_contact))


def area(moment: Moment, alert: Alert) -> tuple[float, float] | None:
    """The middle of the coarse cell that an alert is about: all that a room of coordinators may see of it."""
    if alert.sealed_place is not None and alert.person_id is not None:
        subject = people.get(moment.tx, alert.person_id)
        place = moment.tx.open(subject.key_id, "alert place", alert.sealed_place)
        cell = places.coarse(places.from_json(place))
        if cell is not None:
            return cell
    if alert.latitude is not None and alert.longitude is not None:
        return alert.latitude, alert.longitude
    need = needs.get(moment.tx, alert.need_id) if alert.need_id is not None else None
    if need is None or need.latitude is None or need.longitude is None:
        return None
    return need.latitude, need.longitude


def need_place(moment: Moment, need: Need, subject: Person) -> Place | None:
    if need.sealed_place is None:
        return None
    return places.shown(moment.tx.open(subject.key_id, "need place", need.sealed_place))


def _meets(moment: Moment, viewer_id: UUID, need: Need) -> Commitment | None:
    """The commitment by which someone is meeting a need now."""
    if need.state not in open_needs.STATES:
        return None
    return needs.commitment(moment.tx, need.id, viewer_id)


def _leads(moment: Moment, viewer_id: UUID, need: Need) -> bool:
    """Whether someone is in charge of an alert about a need, or helps the one who is."""
    return any(
        alert.owner_id == viewer_id or _helps(moment, viewer_id, alert)
        for alert in alerts.of_need(moment.tx, need)
    )


def _write(moment: Moment, viewer_id: UUID, subject: Person, case_id: UUID, what: str, allowed: bool) -> None:
    if viewer_id != subject.id:
        action = f"opened {what}" if allowed else f"refused {what}"
        work.audit(moment.tx, moment.now, viewer_id, action, subject=subject, case_id=case_id)
