"""The courier: takes messages from the outbox by lane, sends them with no transaction open, records fates.

What certainly was not sent is tried again. What may have been sent is sent again only where a repeat does
no harm (it bears the same reference); a relayed message is not, and its writer is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters import Adapter, ChatMoved, File, NotSent, Outgoing, Press, Refused, Uncertain
from bot.adapters.core_events import event
from bot.counts import Spread
from bot.holding import Holding
from bot.pacing import Pacer
from bot.parcels import Fate, Parcel
from handlers.messages import Kind, Lane, Place
from storage import fates, inbox, outbox, retention, work
from storage.database import Transaction
from storage.sealing import WrongMasterKey
from storage.tables import Account, Outbox

log = logging.getLogger(__name__)

AT_ONCE = 32  # messages on their way at the same time
SPARED = 8  # of these, only for the crisis lane
HOLD = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=2)
AT_ONCE_AGAIN = timedelta(0)
LONGEST_RETRY = timedelta(minutes=5)
LONGEST_CRISIS_RETRY = timedelta(seconds=5)  # of what was certainly not sent
GIVE_UP_AFTER = {Lane.CRISIS: timedelta(days=7), Lane.REPLY: timedelta(days=2),
                 Lane.INVITATION: timedelta(hours=2), Lane.BROADCAST: timedelta(days=1)}  # fmt: skip
PARTING = 5.0  # seconds that a process which stops waits for what it was sending
LOOK_UP = 0.1  # seconds after which the queue is looked at again, though nothing has arrived
MOST_REPEATS = 10  # sendings of which nobody knows if they arrived, over a quarter of an hour


class Courier:
    """Delivers one gateway's messages."""

    def __init__(
        self,
        holding: Holding,
        adapter: Adapter,
        now: Callable[[], datetime],
        keep_events: timedelta,
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.adapter = adapter
        self.holding = holding
        self.now = now
        self.keep_events = keep_events
        self.step = step
        self.pacer = Pacer(adapter.pace)
        # What may have been sent is simply sent again where the platform knows a repeat by its key.
        self._unknown = "waiting" if adapter.repeats_safely else "uncertain"
        self._on_the_way: set[asyncio.Task[Fate]] = set()
        self._fates: list[Fate] = []  # not recorded yet
        self._unsure = False  # whether a claim failed, which may have been committed all the same
        self.outcomes: Counter[str] = Counter()  # of sendings, by the state that each left
        self.pauses = 0  # that the platform asked for
        self.failures = 0
        self.deliveries: defaultdict[int, Spread] = defaultdict(Spread)  # from queued to sent, by lane

    async def recover(self) -> None:
        """Decide about what a process that ended was just sending."""
        now = self.now()
        await self.holding.run(lambda tx: self._recover(tx, now))

    def _recover(self, tx: Transaction, now: datetime) -> None:
        rows = outbox.interrupted(tx, self.adapter.platform, self._in_hand())
        tx.load_keys(row.key_id for row in rows)
        for row in rows:
            parcel = self._opened(tx, now, row)
            if parcel is not None:
                fate = Fate(parcel, self._unknown, reason="the process ended while sending")
                self._not_sent(tx, now, row, fate)

    async def hasten(self) -> None:
        """The platform is back: what was put off while it was away need not wait any longer."""
        now = self.now()
        await self.holding.run(lambda tx: outbox.hasten(tx, now, self.adapter.platform))

    async def run_once(self) -> int:
        """Send what may leave now and wait for all of it; returns how many fates were recorded."""
        await self._dispatch()
        recorded = 0
        while self._on_the_way or self._fates:
            recorded += await self._collect()
        return recorded

    async def run_some(self) -> int:
        """Start what may leave now and record what has arrived meanwhile; a slow chat delays no other."""
        started = await self._dispatch()
        return started + (await self._collect(LOOK_UP) if self._on_the_way or self._fates else 0)

    async def finish(self) -> None:
        """Before an orderly end: wait a moment for what is on its way, so that its fate is known."""
        if self._on_the_way:
            await asyncio.wait(self._on_the_way, timeout=PARTING)
        while self._fates or any(task.done() for task in self._on_the_way):
            await self._collect(0)
        for task in self._on_the_way:
            task.cancel()
        await asyncio.gather(*self._on_the_way, return_exceptions=True)

    def abandon(self) -> None:
        """Another process has the account: what is on its way is now for that one to decide."""
        for task in self._on_the_way:
            task.cancel()
        self._on_the_way, self._fates, self._unsure = set(), [], False

    def _in_hand(self) -> list[int]:
        on_the_way = [int(task.get_name()) for task in self._on_the_way]
        return on_the_way + [fate.parcel.row_id for fate in self._fates]

    async def _dispatch(self) -> int:
        now = self.now()
        if self._unsure:
            mine = self._in_hand()
            await self.holding.run(lambda tx: outbox.unclaim(tx, self.holding.name, mine))
            self._unsure = False
        ordinary = max(
            0, min(AT_ONCE - SPARED - len(self._on_the_way), self.pacer.room_for(now, crisis=False))
        )
        urgent = max(0, min(AT_ONCE - len(self._on_the_way), self.pacer.room_for(now, crisis=True)))
        limit, most_lane = (ordinary, int(Lane.BROADCAST)) if ordinary else (urgent, int(Lane.CRISIS))
        if not limit:
            return 0
        held = self.pacer.held(now)
        self._unsure = True
        parcels = await self.holding.run(lambda tx: self._claim(tx, now, limit, held, most_lane))
        self._unsure = False
        if parcels:
            self.step("7 claimed to send")
        for parcel in parcels:
            self.pacer.sent(now, parcel.recipient, is_room=parcel.message.is_room)
            self._on_the_way.add(asyncio.create_task(self._send(parcel), name=str(parcel.row_id)))
        return len(parcels)

    def _claim(
        self, tx: Transaction, now: datetime, limit: int, held: list[bytes], most_lane: int
    ) -> list[Parcel]:
        rows = outbox.claim(tx, now, self.adapter.platform, self.holding.name, limit, HOLD, held, most_lane)
        opened = [self._opened(tx, now, row) for row in rows]
        return [parcel for parcel in opened if parcel is not None]

    def _opened(self, tx: Transaction, now: datetime, row: Outbox) -> Parcel | None:
        """Open a message; one whose key was destroyed meanwhile must not hold up the others."""
        try:
            return self._parcel(tx, row)
        except (KeyError, WrongMasterKey):
            log.warning("message %d cannot be opened any more and is given up", row.id)
            outbox.give_up(tx, now, row.id, "refused", "it cannot be opened any more")
            return None

    def _parcel(self, tx: Transaction, row: Outbox) -> Parcel:
        body: dict[str, Any] = tx.open(row.key_id, "message", row.sealed_body) if row.sealed_body else {}
        file = work.attachment(tx, row.attachment_id) if row.attachment_id else None
        original = outbox.original(tx, row) if row.edits_id else ()
        retract = body.get("retract", "")
        message = Outgoing(
            chat=str(tx.open(row.key_id, "address", row.sealed_address)),
            text=body.get("text", ""),
            title=body.get("title", ""),
            buttons=tuple(Press(*each) for each in body.get("buttons", ())),
            place=Place(**body["place"]) if "place" in body else None,
            file=File(*file) if file else None,
            edits=original[0] if original and retract != "all" else "",
            thread=body.get("thread", ""),
            retracts=(
                *(original[0 if retract == "all" else 1 :] if retract else ()),
                *body.get("retract_ids", ()),
            ),
            withdraws=retract == "extras",
            is_room=row.room_id is not None,
            key=str(row.id),
        )
        return Parcel(row.id, row.lane, row.attempts, row.recipient, row.created_at,
                      row.source_account_id is not None, message)  # fmt: skip

    async def _send(self, parcel: Parcel) -> Fate:
        if self.holding.may_have_run_out():
            return Fate(parcel, "waiting", reason="the account may be another process's now")
        try:
            message_ids = await self.adapter.send(parcel.message)
        except NotSent as fault:
            return Fate(parcel, "waiting", reason=fault.reason, retry_after=fault.retry_after)
        except Uncertain as fault:
            return Fate(parcel, "uncertain", reason=fault.reason)
        except Refused as fault:
            return Fate(parcel, "refused", reason=fault.reason, unreachable=fault.unreachable)
        except ChatMoved as moved:
            at_once = timedelta(0)
            return Fate(
                parcel, "waiting", reason="the chat has moved", retry_after=at_once, moved_to=moved.chat
            )
        except Exception as error:  # a wall: one message must not stop the others
            self.failures += 1
            log.exception("message %d could not be sent", parcel.row_id)
            return Fate(parcel, self._unknown, reason=type(error).__name__)
        self.step("8 sent")
        return Fate(parcel, "sent", message_ids=message_ids)

    async def _collect(self, patience: float | None = None) -> int:
        """Wait for the first to arrive and record all that have, in one commit; if it fails, again later."""
        if not self._fates:
            done, self._on_the_way = await asyncio.wait(
                self._on_the_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            self._fates = [task.result() for task in done]
        if not self._fates:
            return 0
        fates, now = self._fates, self.now()
        await self.holding.run(lambda tx: self._record_all(tx, now, fates))
        self._fates = []
        self._count(now, fates)
        self.step("9 recorded")
        return len(fates)

    def _count(self, now: datetime, fates: list[Fate]) -> None:
        for fate in fates:
            self.outcomes[fate.state] += 1
            self.pauses += fate.retry_after is not None and fate.moved_to is None
            if fate.state == "sent":
                self.deliveries[fate.parcel.lane].add(now - fate.parcel.created_at)

    def _record_all(self, tx: Transaction, now: datetime, fates: list[Fate]) -> None:
        outbox.sent(tx, now, {fate.parcel.row_id: fate.message_ids for fate in fates if fate.state == "sent"})
        for fate in fates:
            if fate.state != "sent":
                row = tx.session.get(Outbox, fate.parcel.row_id)
                if row is not None:  # else its reader was forgotten meanwhile
                    self._not_sent(tx, now, row, fate)

    def _not_sent(self, tx: Transaction, now: datetime, row: Outbox, fate: Fate) -> None:
        if fate.moved_to is not None and fates.move(tx, row, fate.moved_to):
            self._tell_core(tx, now, row, Kind.MOVED, row.recipient, room_id=str(row.room_id))
        if fate.state == "refused" and fate.parcel.message.edits and not fate.unreachable:
            fates.send_anew(row, now)
        elif fate.state == "refused" or self._gives_up(now, fate):
            fate = replace(fate, state="refused" if fate.state == "waiting" else fate.state)
            self._give_up(tx, now, row, fate)
        elif fates.is_over(tx, row):
            outbox.give_up(tx, now, row.id, "dropped", "it was no longer true")
        else:
            again = now + _pause(now, fate)
            if fate.retry_after is not None:
                self.pacer.hold(row.recipient, again)
            if fate.state == "waiting":
                row.attempts -= 1  # what certainly was not sent is no repeat
            outbox.postpone(tx, row.id, again, fate.reason or "")

    def _gives_up(self, now: datetime, fate: Fate) -> bool:
        parcel = fate.parcel
        if fate.state == "uncertain":
            return parcel.is_relay or parcel.attempts >= MOST_REPEATS
        if retention.is_surely_wrong(parcel.created_at):
            return False  # nobody knows how old it is
        return now - parcel.created_at > GIVE_UP_AFTER[Lane(parcel.lane)]

    def _give_up(self, tx: Transaction, now: datetime, row: Outbox, fate: Fate) -> None:
        """Another account of the reader gets it, unless it may have arrived and a repeat would do harm."""
        may_repeat = fate.state == "refused" or not fate.parcel.is_relay
        passed_on = may_repeat and fates.pass_on(tx, now, row)
        outbox.give_up(tx, now, row.id, fate.state, fate.reason)
        if not passed_on or fate.unreachable:
            self._report(tx, now, row, fate, passed_on=passed_on)

    def _report(self, tx: Transaction, now: datetime, row: Outbox, fate: Fate, *, passed_on: bool) -> None:
        """What cannot be delivered is a fact that the core hears about, in the crisis lane if it was one.

        passed_on: only the account is lost, the message goes to another.
        """
        detail = {"fate": "refused" if fate.state == "refused" else "uncertain"}
        if row.account_id is not None:
            detail["account"] = str(row.account_id)
        if row.room_id is not None:
            detail["room_id"] = str(row.room_id)
        if fate.unreachable:
            detail["unreachable"] = "yes"
        if row.invitation_id is not None and not passed_on:
            detail["invitation"] = str(row.invitation_id)
        sender = row.recipient
        if row.source_account_id is not None and not passed_on:
            source = tx.session.get(Account, row.source_account_id)
            if source is not None:
                detail |= {"source_account": str(source.id), "source_person": str(source.person_id)}
                sender = source.address_index
        self._tell_core(tx, now, row, Kind.UNDELIVERED, sender, **detail)

    def _tell_core(
        self, tx: Transaction, now: datetime, row: Outbox, kind: Kind, sender: bytes, **detail: str
    ) -> None:
        key = f"{kind}:{row.id}:{row.attempts}"
        crisis = row.lane == Lane.CRISIS
        inbox.report(tx, now, sender, key, event(kind, **detail), crisis=crisis, keep=self.keep_events)


def _pause(now: datetime, fate: Fate) -> timedelta:
    """How long until the next try: as the platform says, else twice as long each time."""
    if fate.retry_after is not None:
        return fate.retry_after
    if fate.state == "uncertain":
        doublings: int = min(fate.parcel.attempts - 1, 10)
        return min(LONGEST_RETRY, FIRST_RETRY * (1 << doublings))
    longest = LONGEST_CRISIS_RETRY if fate.parcel.lane == Lane.CRISIS else LONGEST_RETRY
    return min(longest, max(FIRST_RETRY, now - fate.parcel.created_at))
