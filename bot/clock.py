"""The clock: asks what is due and runs it, each second; and cleans up what was kept long enough.

Time is a column, never a timer in memory: a process that was away finds the same things due.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.counts import Spread
from handlers import alarms, set_back
from handlers.contents import DUTIES, Duty
from handlers.context import Core, Moment
from handlers.post import post
from storage import choices, conversations, due, fates, inbox, outbox, outside, retention, work
from storage.database import Database, Transaction
from storage.outages import is_outage, remedy

log = logging.getLogger(__name__)

AT_ONCE = 50
AFTER_FAILURE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(minutes=5)  # of a message that a platform did not take
LONGEST_PAUSE_ASKED = timedelta(hours=1)  # of one that is no crisis; a platform itself may ask for so much
CLEAN_EVERY = timedelta(hours=1)
KEEP_SENT = timedelta(days=30)  # for replies, edits and cards that refer to a message
REMEMBER_EVENTS = timedelta(days=14)  # a platform repeats an event for a day at most
FORGET_FORMS = timedelta(days=2)
FORGET_CHOICES = timedelta(days=30)


class Clock:
    """Runs what is due."""

    def __init__(self, database: Database, core: Core, now: Callable[[], datetime]) -> None:
        self.database = database
        self.core = core
        self.now = now
        self.failures = 0
        self.lateness: defaultdict[str, Spread] = defaultdict(Spread)  # of what was due, by the duty's name
        self._cleaned_at: datetime | None = None
        self._last: datetime | None = None  # when it was last asked what is due

    async def run_once(self) -> int:
        """Run everything that is due now; returns how many things were."""
        now = self.now()
        if self._last is None or now < self._last:
            await self.database.run(partial(self._look_ahead, now=now))
        self._last = now
        done = 0
        duties, is_held_up = await self._what_is_due(now)
        for duty in duties:
            done += await self._run(duty, now)
        if self._cleaned_at is None or abs(now - self._cleaned_at) >= CLEAN_EVERY:
            self._cleaned_at = now
            await self._clean(now)
        # A crisis message that its platform holds up goes through another; no courier need run for that.
        if is_held_up:
            done += await self.database.run(lambda tx: fates.pass_on_crisis(tx, now, AT_ONCE))
        return done

    def _look_ahead(self, tx: Transaction, now: datetime) -> None:
        """At the start, and when the clock went back: in a crisis nothing waits for an hour that it lost."""
        set_back.clock_went_back(Moment(self.core, tx, now), seen=self._last is not None)
        outbox.hasten_late(tx, now, LONGEST_PAUSE_ASKED, LONGEST_PAUSE)
        outside.hasten(tx, now)

    async def _what_is_due(self, now: datetime) -> tuple[Sequence[Duty], bool]:
        """Ask once for all: mostly nothing is due, and each transaction holds up the others.

        Which duties are, and whether crisis messages have waited too long for their platform.

        Asked without a lock, so that the clocks of several workers don't hide from each other what is due.
        """

        try:
            first = await self.database.run(due.earliest)
        except Exception as error:  # a wall: what can be asked by itself must still happen
            if remedy(error) or isinstance(error, OSError):  # nothing at all can be asked
                raise
            log.warning("asking what is due failed (%s); each kind is asked by itself", type(error).__name__)
            return DUTIES, True
        kinds = {kind for kind, at in first.items() if at is not None and at <= now}
        return [duty for duty in DUTIES if duty.name in kinds], due.HELD_UP in kinds

    async def _run(self, duty: Duty, now: datetime) -> int:
        try:
            return await self._try(duty, now, AT_ONCE)
        except Exception as error:  # noqa: BLE001 (a wall: what is due beside it must still happen)
            if self.database.is_sqlite and is_outage(error):  # which has one lock for all
                return _stays_due(error)
            log.warning("a batch of due %s failed (%s); they run one by one", duty.name, type(error).__name__)
        done = 0
        for _ in range(AT_ONCE):
            try:
                count = await self._try(duty, now, 1)
            except Exception as error:  # a wall, as above
                if is_outage(error):
                    return done + _stays_due(error)
                self.failures += 1
                log.exception("one of the due %s failed; it is tried again in five minutes", duty.name)
                count = await self.database.run(partial(self._put_off, duty=duty, now=now))
            if not count:
                break
            done += count
        return done

    async def _try(self, duty: Duty, now: datetime, limit: int) -> int:
        late = await self.database.run(partial(self._run_batch, duty=duty, now=now, limit=limit))
        for each in late:
            self.lateness[duty.name].add(each)
        return len(late)

    def _run_batch(self, tx: Transaction, duty: Duty, now: datetime, limit: int) -> list[timedelta]:
        """Run what is due, and say how late each was."""
        if limit == 1:  # alone: what waits for rows that somebody keeps locked gives way soon
            due.wait_for_locks_a_moment(tx)
        moment = Moment(self.core, tx, now)
        found = duty.find(tx, now, limit)
        late = [now - getattr(each, duty.column) for each in found]
        if found:
            post(moment, duty.run(moment, found))
        return late

    def _put_off(self, tx: Transaction, duty: Duty, now: datetime) -> int:
        moment = Moment(self.core, tx, now)
        found: list[Any] = list(duty.find(tx, now, 1))
        for each in found:
            setattr(each, duty.column, now + AFTER_FAILURE)
        post(moment, alarms.fault(moment))
        return len(found)

    async def _clean(self, now: datetime) -> None:
        """Destroy what was kept long enough; a clock that has leapt is doubted (`storage.retention`)."""
        until = await self.database.run(partial(self._clean_until, now=now))
        if until is None:
            log.warning("the clock of this machine is surely wrong: set it right (timedatectl set-ntp true)")
        elif now - until > retention.OFF:
            log.warning(
                "the clock has gone %d days ahead while the bot did not run; what was kept long enough is "
                "destroyed little by little: look if the clock is right (timedatectl)",
                (now - until).days,
            )

    def _clean_until(self, tx: Transaction, now: datetime) -> datetime | None:
        until = retention.until(tx, now)
        if until is not None:
            self._purge(tx, until)
        return until

    def _purge(self, tx: Transaction, now: datetime) -> None:
        inbox.purge(tx, now, self.core.union.keep_events, REMEMBER_EVENTS)
        outbox.purge(tx, now, KEEP_SENT)
        conversations.purge(tx, now, FORGET_FORMS)
        choices.purge(tx, now, FORGET_CHOICES)
        work.purge(tx, now)

    async def next_due(self) -> datetime | None:
        """When the next thing is due; None if nothing is."""

        def earliest(tx: Transaction) -> datetime | None:
            moments = [*due.earliest(tx).values(), outbox.next_due(tx)]
            return min((each for each in moments if each is not None), default=None)

        return await self.database.run(earliest)


def _stays_due(error: Exception) -> int:
    """Nothing was done: the database fails, and what is due is tried again as it is."""
    log.warning("the database fails (%s); what is due stays due", type(error).__name__)
    return 0
