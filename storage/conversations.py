"""Open forms, and talks between two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage.among import among
from storage.database import Transaction
from storage.tables import Account, Conversation, OpenForm, Person, Talk

_OPEN_FORMS = sa.select(*(getattr(Conversation, name) for name in OpenForm._fields)).where(
    among(Conversation.account_id, "accounts")
)


def open_forms(tx: Transaction, account_ids: Sequence[UUID]) -> dict[UUID, OpenForm]:
    """The open forms of many chats with one statement."""
    if tx.pending.forms:
        tx.write()
    forms = (OpenForm(*row) for row in tx.rows(_OPEN_FORMS, accounts=account_ids).all())
    return {form.account_id: form for form in forms}


def save_form(tx: Transaction, now: datetime, account: Account, person: Person,
              current: OpenForm | None, form: str, answers: dict[str, Any]) -> OpenForm:  # fmt: skip
    """Keep what was answered so far; a chat has one open form."""
    sealed = tx.seal(person.key_id, "answers", answers)
    if current is None:
        saved = OpenForm(tx.new_id(), person.id, account.id, form, sealed, now, now)
    else:
        saved = current._replace(form=form, sealed_answers=sealed, updated_at=now)
    tx.pending.forms[account.id] = saved
    return saved


def answers(tx: Transaction, person: Person, conversation: OpenForm) -> dict[str, Any]:
    return dict(tx.open(person.key_id, "answers", conversation.sealed_answers))


def close_form(tx: Transaction, conversation: OpenForm) -> None:
    tx.pending.forms[conversation.account_id] = None


def purge(tx: Transaction, now: datetime, keep: timedelta) -> None:
    """Drop forms that nobody finished."""
    tx.session.execute(sa.delete(Conversation).where(Conversation.updated_at < now - keep))


# --- talks ----------------------------------------------------------------------------------------


def open_talk(tx: Transaction, now: datetime, requester_id: UUID, helper_id: UUID, *,
              need_id: UUID | None = None, alert_id: UUID | None = None) -> Talk:  # fmt: skip
    talk = Talk(id=tx.new_id(), need_id=need_id, alert_id=alert_id, requester_id=requester_id,
                helper_id=helper_id, opened_at=now, closed_at=None, requester_shares=False,
                helper_shares=False)  # fmt: skip
    tx.session.add(talk)
    for person_id in (requester_id, helper_id):
        if person_id in tx.loaded.talks:
            tx.loaded.talks[person_id].insert(0, talk)
    return talk


_OPEN_TALKS = (
    sa.select(Talk)
    .where(sa.or_(among(Talk.requester_id, "people"), among(Talk.helper_id, "people")))
    .where(Talk.closed_at.is_(None))
    .order_by(Talk.opened_at.desc(), Talk.id)
)


def load_talks(tx: Transaction, person_ids: Sequence[UUID]) -> None:
    """Load the open talks of many people with one statement."""
    tx.loaded.talks = {person_id: [] for person_id in person_ids}
    for talk in tx.session.scalars(_OPEN_TALKS, {"people": person_ids}):
        for person_id in (talk.requester_id, talk.helper_id):
            if person_id in tx.loaded.talks:
                tx.loaded.talks[person_id].append(talk)


def talk(tx: Transaction, talk_id: UUID) -> Talk | None:
    return tx.session.get(Talk, talk_id)


def talks_of(tx: Transaction, person_id: UUID) -> list[Talk]:
    """The open talks of a person, the newest first."""
    if person_id not in tx.loaded.talks:
        before = tx.loaded.talks
        load_talks(tx, [person_id])
        tx.loaded.talks |= before
    return [talk for talk in tx.loaded.talks[person_id] if talk.closed_at is None]


def last_talk_of(tx: Transaction, person_id: UUID, *, opened_after: datetime) -> list[Talk]:
    """The talks of a person, open or lately closed, the newest first."""
    return list(
        tx.session.scalars(
            sa.select(Talk)
            .where(sa.or_(Talk.requester_id == person_id, Talk.helper_id == person_id))
            .where(Talk.opened_at > opened_after)
            .order_by(Talk.opened_at.desc(), Talk.id)
        )
    )


def close_talks(tx: Transaction, now: datetime, *, need_id: UUID | None = None,
                alert_id: UUID | None = None, helper_id: UUID | None = None) -> None:  # fmt: skip
    """Close the talks about a need or an alert: all, or those with one helper."""
    if need_id is None and alert_id is None:  # it would match every talk that is about no alert
        raise ValueError("name a need or an alert")
    about = [Talk.need_id == need_id if need_id else Talk.alert_id == alert_id]
    if helper_id is not None:
        about.append(Talk.helper_id == helper_id)
    tx.session.execute(sa.update(Talk).where(*about, Talk.closed_at.is_(None)).values(closed_at=now))
