"""The fetcher: does the slow work that left a turn, and brings its result back as an inbox event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from bot.adapters import Adapter, NotSent, Refused, Uncertain
from bot.adapters.core_events import event
from bot.cleaning import NotCleanable, clean
from bot.holding import Holding
from handlers.context import Union
from handlers.messages import Kind
from storage import inbox, work
from storage.database import Transaction
from storage.tables import Account, Job

log = logging.getLogger(__name__)

AT_ONCE = 4
HOLD = timedelta(minutes=2)
AGAIN = timedelta(seconds=20)
MOST_ATTEMPTS = 5


class Fetcher:
    """Fetches attachments from one gateway's platform, cleans and keeps them."""

    def __init__(self, holding: Holding, adapter: Adapter, union: Union, now: Callable[[], datetime]) -> None:
        self.holding = holding
        self.adapter = adapter
        self.union = union
        self.now = now
        self.failures = 0

    async def recover(self) -> None:
        """Take up again what a process that ended had begun."""
        await self.holding.run(lambda tx: work.release_jobs(tx, self.adapter.platform))

    async def run_once(self) -> int:
        """Do the jobs that are due; returns how many were taken up."""
        now = self.now()
        jobs = await self.holding.run(partial(self._claim, now=now))
        await asyncio.gather(*(self._fetch(job, payload) for job, payload in jobs))
        return len(jobs)

    def _claim(self, tx: Transaction, now: datetime) -> list[tuple[Job, dict[str, str]]]:
        jobs = work.claim_jobs(tx, now, self.adapter.platform, AT_ONCE, HOLD)
        return [(job, tx.open(job.key_id, "job", job.sealed_payload)) for job in jobs]

    async def _fetch(self, job: Job, payload: dict[str, str]) -> None:
        try:
            body = await self.adapter.fetch(payload["reference"])
            if len(body) > self.union.largest_attachment:
                raise Refused("larger than allowed")
            mime, cleaned = await asyncio.to_thread(clean, payload["media"], payload["mime"], body)
        except (NotSent, Uncertain) as fault:
            if job.attempts < MOST_ATTEMPTS:
                await self.holding.run(
                    lambda tx: work.postpone_job(tx, job.id, self.now() + AGAIN * job.attempts)
                )
                return
            await self._finish(job, payload, None, "", fault.reason)
        except (Refused, NotCleanable) as fault:
            await self._finish(job, payload, None, "", str(fault))
        except Exception as error:  # a wall: one file must not stop the others
            self.failures += 1
            log.exception("job %d failed", job.id)
            await self._finish(job, payload, None, "", type(error).__name__)
        else:
            await self._finish(job, payload, cleaned, mime, "")

    async def _finish(
        self, job: Job, payload: dict[str, str], body: bytes | None, mime: str, why: str
    ) -> None:
        if why:
            log.info("an attachment was not fetched: %s", why)
        now = self.now()
        await self.holding.run(lambda tx: self._bring_back(tx, now, job, payload, body, mime))

    def _bring_back(
        self, tx: Transaction, now: datetime, job: Job, payload: dict[str, Any], body: bytes | None, mime: str
    ) -> None:
        account = tx.session.get(Account, job.account_id)
        if account is None or tx.session.get(Job, job.id) is None:
            return  # forgotten meanwhile
        kind, detail = (
            Kind.UNFETCHED,
            {each: payload[each] for each in ("talk", "message_id", "text", "media")},
        )
        if body is not None:
            kept: UUID = work.add_attachment(
                tx, now, job.key_id, payload["media"], mime, body, self.union.keep_attachments
            )
            kind, detail = Kind.FETCHED, {**detail, "attachment": str(kept)}
        inbox.report(
            tx, now, account.address_index, f"job:{job.id}", event(kind, **detail), crisis=False,
            keep=self.union.keep_events,
        )  # fmt: skip
        work.finish_job(tx, job.id)
