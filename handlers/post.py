"""From what a handler said to the outbox: find the reader, render in their language, seal, queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from handlers import places
from handlers.context import Context, Moment
from handlers.messages import Outbound
from storage import conversations, outbox, people
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
        known = _reader(moment, message, speaker, reached)
        if known is not None:
            _queue(moment, message, known.account, known.person)


def _reader(
    moment: Moment, message: Outbound, speaker: Known | None, reached: dict[UUID, Known]
) -> Known | None:
    if speaker is not None and (message.account == speaker.account.id or message.to == speaker.person.id):
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
    outbox.add(
        moment.tx,
        moment.now,
        account,
        person.key_id,
        _body(moment, message, account, person),
        int(message.lane),
        card=message.card or None,
        edits_id=before.id if before is not None else None,
        talk_id=message.talk,
        source_account_id=message.relay_of[0] if message.relay_of else None,
        source_message_id=message.relay_of[1] if message.relay_of else None,
        alert_id=message.alert,
        invitation_id=message.invitation,
        attachment_id=message.attachment,
    )


def _queue_edits(moment: Moment, message: Outbound, account: Account, person: Person) -> None:
    """Change the copy that was passed on before; an edit of an edit changes the same message."""
    assert message.relay_of is not None
    copies = outbox.relayed_from(moment.tx, *message.relay_of)
    before: Outbox | None = next((copy for copy in reversed(copies) if copy.account_id == account.id), None)
    if before is None:
        return
    body = _body(moment, message, account, person)
    outbox.add(
        moment.tx, moment.now, account, person.key_id, body, before.lane, edits_id=before.id,
        talk_id=before.talk_id, source_account_id=message.relay_of[0], source_message_id=message.relay_of[1],
    )  # fmt: skip


def _body(moment: Moment, message: Outbound, account: Account, person: Person) -> dict[str, Any]:
    render = moment.core.catalogs.render
    text = render(message.text, person.language)
    body: dict[str, Any] = {"text": text}
    if message.title is not None:
        body["title"] = render(message.title, person.language)
    if message.place is not None:
        body["place"] = places.to_json(message.place)
    if message.buttons:
        options = [
            {"says": button.says, "label": render(button.label, person.language), "means": button.means}
            for button in message.buttons
        ]
        summary = (body.get("title") or text).split("\n", 1)[0][:SUMMARY_LENGTH]
        choice = conversations.add_choice(
            moment.tx, moment.now, account, person, message.scope, summary, options
        )
        body["buttons"] = [
            [option["label"], f"{choice.token}{number}", button.asks_place]
            for number, (option, button) in enumerate(zip(options, message.buttons, strict=True), 1)
        ]
    return body
