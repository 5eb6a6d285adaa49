"""Slow work and its results, codes, leases and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage.adding import add_all
from storage.database import Transaction
from storage.tables import Account, Attachment, Audit, Code, Inbox, Job, Key, Lease, Outbox, Person

# --- jobs and attachments -------------------------------------------------------------------------


def add_job(tx: Transaction, now: datetime, account: Account, key_id: UUID, kind: str,
            payload: dict[str, Any]) -> None:  # fmt: skip
    tx.session.add(
        Job(gateway=account.platform, kind=kind, account_id=account.id, key_id=key_id, due_at=now,
            sealed_payload=tx.seal(key_id, "job", payload), attempts=0, created_at=now)
    )  # fmt: skip
    tx.news.add("jobs")


_NOW: sa.BindParameter[Any] = sa.bindparam("now")
_DUE = (
    sa.select(Job)
    .where(Job.gateway == sa.bindparam("gateway"), Job.due_at <= _NOW)
    .where(sa.or_(Job.claimed_until.is_(None), Job.claimed_until < _NOW))
    .order_by(Job.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)


def claim_jobs(tx: Transaction, now: datetime, gateway: str, limit: int, hold: timedelta) -> list[Job]:
    jobs = list(tx.session.scalars(_DUE, {"gateway": gateway, "now": now, "most": limit}))
    for job in jobs:
        job.claimed_until = now + hold
        job.attempts += 1
    tx.load_keys(job.key_id for job in jobs)
    return jobs


def release_jobs(tx: Transaction, gateway: str) -> None:
    tx.session.execute(sa.update(Job).where(Job.gateway == gateway).values(claimed_until=None))


def finish_job(tx: Transaction, job_id: int) -> None:
    tx.session.execute(sa.delete(Job).where(Job.id == job_id))


def postpone_job(tx: Transaction, job_id: int, until: datetime) -> None:
    tx.session.execute(sa.update(Job).where(Job.id == job_id).values(due_at=until, claimed_until=None))


def drop_jobs(tx: Transaction, account_id: UUID, key_id: UUID, message_id: str) -> bool:
    """Forget what was still to be fetched of a message; whether there was anything."""
    jobs = tx.session.scalars(sa.select(Job).where(Job.account_id == account_id))
    found = [job for job in jobs if tx.open(key_id, "job", job.sealed_payload)["message_id"] == message_id]
    for job in found:
        tx.session.delete(job)
    return bool(found)


def drop_attachment(tx: Transaction, attachment_id: UUID) -> None:
    tx.session.execute(sa.delete(Attachment).where(Attachment.id == attachment_id))


def add_attachment(tx: Transaction, now: datetime, key_id: UUID, media: str, mime: str, body: bytes,
                   keep: timedelta) -> UUID:  # fmt: skip
    attachment_id = tx.new_id()
    tx.session.add(
        Attachment(id=attachment_id, key_id=key_id, media=media, mime=mime, created_at=now,
                   sealed_body=tx.seal_bytes(key_id, "attachment", body), purge_at=now + keep)
    )  # fmt: skip
    return attachment_id


def attachment(tx: Transaction, attachment_id: UUID) -> tuple[str, str, bytes] | None:
    """Media, MIME type and bytes of a kept attachment; None once it has been purged."""
    row = tx.session.get(Attachment, attachment_id)
    if row is None:
        return None
    return row.media, row.mime, tx.open_bytes(row.key_id, "attachment", row.sealed_body)


def purge(tx: Transaction, now: datetime) -> None:
    """Destroy what was to be kept only for a time: attachments, intake keys, codes that have run out.

    The key of a day stays while something that it sealed still waits to be handled or sent.
    """
    tx.session.execute(sa.delete(Attachment).where(Attachment.purge_at < now))
    tx.session.execute(sa.delete(Code).where(Code.expires_at < now))
    unhandled = sa.exists().where(Inbox.key_id == Key.id, Inbox.outcome.is_(None))
    unsent = sa.exists().where(Outbox.key_id == Key.id, Outbox.finished_at.is_(None))
    gone = tx.session.scalars(sa.delete(Key).where(Key.purge_at < now, ~unhandled, ~unsent).returning(Key.id))
    for key_id in gone:
        tx.forget_key(key_id)


# --- codes ----------------------------------------------------------------------------------------


def add_code(tx: Transaction, now: datetime, code: str, role: str, uses: int, lasts: timedelta,
             person_id: UUID | None = None) -> None:  # fmt: skip
    tx.session.add(
        Code(fingerprint=tx.vault.index("code", code), role=role, person_id=person_id, uses_left=uses,
             created_at=now, expires_at=now + lasts)
    )  # fmt: skip


def use_code(tx: Transaction, now: datetime, code: str) -> str | None:
    """Spend one use of a code and return the role that it gives; None if it gives none any more."""
    used = tx.session.execute(
        sa.update(Code)
        .where(Code.fingerprint == tx.vault.index("code", code), Code.uses_left > 0, Code.expires_at > now)
        .values(uses_left=Code.uses_left - 1)
        .returning(Code.role)
    ).first()
    return used.role if used else None


# --- leases ---------------------------------------------------------------------------------------

LONGEST_LEASE = timedelta(seconds=10)  # of any version, which may run beside this one


def lease(tx: Transaction, name: str, holder: str, lasts: timedelta, *, alone: bool) -> int | None:
    """Take or renew a lease by the database's clock; the fencing number, or None while another holds it.

    alone: no other process can be running (SQLite), so what a dead one held is free at once.
    """
    _do_not_idle(tx)
    now = database_now(tx)
    seen = tx.session.execute(sa.select(Lease.holder, Lease.expires_at).where(Lease.name == name)).first()
    if seen is None:
        new = {"name": name, "holder": holder, "fence": 1, "expires_at": now + lasts}
        add_all(tx.session.connection(), Lease, [new], unless_known=("name",))
    elif seen.holder != holder and _lasts(seen.expires_at, now) and not alone:
        return None  # asked without its lock: those who wait for a lease don't hold up its holder
    row = tx.session.get_one(Lease, name, with_for_update=True)
    now = database_now(tx)  # the lock may have been waited for
    if row.holder != holder:
        if _lasts(row.expires_at, now) and not alone:
            return None
        row.holder = holder
        row.fence += 1
    row.expires_at = now + lasts
    return row.fence


def _lasts(expires_at: datetime, now: datetime) -> bool:
    """Whether a lease has not run out; one that is longer than any was made before the clock was set back."""
    return now < expires_at <= now + LONGEST_LEASE


def holds_lease(tx: Transaction, name: str, holder: str, fence: int) -> bool:
    """Whether a lease is still held under this number; if so, nobody takes it over before the commit."""
    _do_not_idle(tx)
    held = sa.select(Lease.holder, Lease.fence).where(Lease.name == name).with_for_update(read=True)
    row = tx.session.execute(held).first()
    return row is not None and (row.holder, row.fence) == (holder, fence)


def end_lease(tx: Transaction, name: str, holder: str) -> None:
    """Give a lease up. Its row stays, so that the next holder gets a higher number."""
    tx.session.execute(
        sa.update(Lease)
        .where(Lease.name == name, Lease.holder == holder)
        .values(holder="", expires_at=database_now(tx))
    )


def _do_not_idle(tx: Transaction) -> None:
    """A process that freezes in the middle of this transaction must not keep the lease's row locked."""
    if not tx.is_sqlite:
        tx.session.execute(_IDLE)


_IDLE = sa.select(sa.func.set_config("idle_in_transaction_session_timeout", "3s", True))


def database_now(tx: Transaction) -> datetime:
    if tx.is_sqlite:
        text = tx.session.scalar(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
        return datetime.fromisoformat(f"{text}+00:00")
    moment = tx.session.scalar(sa.select(sa.func.clock_timestamp()))
    assert isinstance(moment, datetime)
    return moment


# --- audit ----------------------------------------------------------------------------------------


def audit(tx: Transaction, now: datetime, actor_id: UUID | None, action: str, *,
          subject: Person | None = None, case_id: UUID | None = None, detail: str = "") -> None:  # fmt: skip
    """Write down who did what with whose case."""
    sealed = tx.seal(subject.key_id, "audit", detail) if subject is not None and detail else None
    tx.session.add(
        Audit(
            at=now,
            actor_id=actor_id,
            subject_id=subject.id if subject else None,
            case_id=case_id,
            action=action,
            key_id=subject.key_id if subject else None,
            sealed_detail=sealed,
        )
    )


def audit_of(tx: Transaction, case_ids: Sequence[UUID]) -> list[Audit]:
    return list(tx.session.scalars(sa.select(Audit).where(Audit.case_id.in_(case_ids)).order_by(Audit.id)))
