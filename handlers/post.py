"""From what a handler said to the outbox: find the reader, render in their language, seal, queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from handlers import places
from handlers.context import Context, Moment
from handlers.messages import Outbound
from storage import choices, outbox, people, rooms
from storage.people import Known
from storage.tables import Account, Outbox, Person

SUMMARY_LENGTH = 60


def post(moment: Moment, messages: Sequence[Outbound]) -> None:
    """Queue messages; one to a person who has no account any more is left out."""
    speaker = Known(moment.account, moment.person) if isinstance(moment, Context) else None
    mine = {speaker.person.id} if speaker else set()
    others = {m.to for m in messages if m.to is not None and m.account is None} - mine
    reached = people.reach(moment.tx, list(others)) if others else {}
    for message in messages:
        if message.room is not None:
            _queue_in_room(moment, message, message.room)
            continue
        known = _reader(moment, message, speaker, reached)
        if known is not None:
            _queue(moment, message, known.account, known.person)


def _reader(
    moment: Moment, message: Outbound, speaker: Known | None, reached: dict[UUID, Known]
) -> Known | None:
    to_them = speaker is not None and message.to == speaker.person.id
    if speaker is not None and (message.account == speaker.account.id or (to_them and not message.account)):
        return speaker
    if message.account is not None:
        account = moment.tx.session.get(Account, message.account)
        return Known(account, people.get(moment.tx, account.person_id)) if account else None
    return reached.get(message.to) if message.to is not None else None


def _queue(moment: Moment, message: Outbound, account: Account, person: Person) -> None:
    if message.edits_relay:
        _queue_edits(moment, message, account, person)
        return
    before = outbox.card(moment.tx, account.id, message.card) if message.in_place else None
    body, choice_id = _body(moment, message, account, person)
    outbox.add(
        moment.tx,
        moment.now,
        account,
        person.key_id,
        body,
        int(message.lane),
        card=message.card or None,
        edits_id=before.id if before is not None else None,
        talk_id=message.talk,
        source_account_id=message.relay_of[0] if message.relay_of else None,
        source_message_id=message.relay_of[1] if message.relay_of else None,
        alert_id=message.alert,
        invitation_id=message.invitation,
        attachment_id=message.attachment,
        choice_id=choice_id,
        discloses_id=message.discloses,
        **_waits(message, person),
    )


def _waits(message: Outbound, person: Person) -> dict[str, Any]:
    """Nothing is shown in a hidden chat, nor what waits for its reader to write."""
    return {"due_at": outbox.HELD} if message.waits or person.hidden_since is not None else {}


def _queue_in_room(moment: Moment, message: Outbound, room_id: UUID) -> None:
    """A group reads the union's language, and its buttons are only words: who presses is asked each time."""
    room = rooms.get(moment.tx, room_id)
    if room is None:
        return
    before = rooms.card(moment.tx, room.id, message.card) if message.in_place else None
    language = moment.union.language
    body = _words(moment, message, language)
    if message.buttons:
        labels = [moment.core.catalogs.render(button.label, language) for button in message.buttons]
        body["buttons"] = [[label, "", False] for label in labels]
    outbox.add(
        moment.tx, moment.now, room, room.key_id, body, int(message.lane), card=message.card or None,
        edits_id=before.id if before is not None else None, alert_id=message.alert,
    )  # fmt: skip


def _queue_edits(moment: Moment, message: Outbound, account: Account, person: Person) -> None:
    """Change the copy that was passed on before; an edit of an edit changes the same message."""
    assert message.relay_of is not None
    copies = outbox.relayed_from(moment.tx, *message.relay_of)
    before: Outbox | None = next((copy for copy in reversed(copies) if copy.account_id == account.id), None)
    if before is None:
        return
    body, _choice = _body(moment, message, account, person)
    outbox.add(
        moment.tx, moment.now, account, person.key_id, body, before.lane, edits_id=before.id,
        talk_id=before.talk_id, source_account_id=message.relay_of[0], source_message_id=message.relay_of[1],
    )  # fmt: skip


def _body(
    moment: Moment, message: Outbound, account: Account, person: Person
) -> tuple[dict[str, Any], UUID | None]:
    """The rendered message, and the row of its buttons."""
    render = moment.core.catalogs.render
    body = _words(moment, message, person.language)
    choice_id = None
    if message.buttons:
        options = [
            {"says": button.says, "label": render(button.label, person.language), "means": button.means}
            for button in message.buttons
        ]
        summary = (body.get("title") or body["text"]).split("\n", 1)[0][:SUMMARY_LENGTH]
        choice = choices.add(moment.tx, moment.now, account, person, message.scope, summary, options)
        choice_id = choice.id
        body["buttons"] = [
            [option["label"], f"{choice.token}{number}", button.asks_place]
            for number, (option, button) in enumerate(zip(options, message.buttons, strict=True), 1)
        ]
    return body, choice_id


def _words(moment: Moment, message: Outbound, language: str) -> dict[str, Any]:
    """The rendered message without its buttons."""
    render = moment.core.catalogs.render
    body: dict[str, Any] = {"text": render(message.text, language)}
    if message.thread:
        body["thread"] = message.thread
    if message.title is not None:
        body["title"] = render(message.title, language)
    if message.place is not None:
        body["place"] = places.to_json(message.place)
    return body
