"""The worker: claims events from the inbox, has the core handle them, commits all effects at once."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from bot.adapters import parse
from bot.counts import Spread
from handlers import alarms, calling, reports
from handlers.contents import OWN_REPORTS
from handlers.context import Context, Core, Moment
from handlers.messages import Inbound, Kind, Lane, Outbound, Words, _, lines
from handlers.post import post
from handlers.routing import may_be_choice, route
from storage import alerts, choices, conversations, hiding, inbox, people
from storage.choices import TOKEN_LENGTH
from storage.database import Database, Transaction
from storage.inbox import CRISIS, Claimed
from storage.outages import is_elsewhere, is_outage
from storage.people import Known
from storage.sealing import WrongMasterKey

log = logging.getLogger(__name__)

BATCH = 128
# Until another may take what a worker that froze has claimed. One that is merely slow loses nothing by it:
# while it handles, it holds the rows themselves.
HOLD = timedelta(seconds=15)
MOST_ATTEMPTS = 3
APOLOGY = _("I am sorry, that went wrong on my side. A person has been told. Please try it again.")
# What nobody can mean whom we do not know: they left, were forgotten, or are only being met.
OF_KNOWN_PEOPLE = (Kind.BLOCKED, Kind.UNBLOCKED, Kind.FETCHED, Kind.UNFETCHED, Kind.REACTION, Kind.REDACTED)
UNREADABLE = _("I could not read that message. Please write it in plain words.")


class Worker:
    """Handles the inbox. `step` is called at each numbered step; tests use it to break the process there."""

    def __init__(
        self,
        database: Database,
        core: Core,
        name: str,
        now: Callable[[], datetime],
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.database = database
        self.core = core
        self.name = name
        self.now = now
        self.step = step
        self.failures = 0
        self.outcomes: Counter[str] = Counter()  # of events
        self.turns: defaultdict[int, Spread] = defaultdict(Spread)  # from received to committed, by lane
        self._holds = False  # events that a turn could not finish, or claim, because the database failed
        self._uncounted = False  # it was full, locked or away, so no event is to blame

    async def run_once(self) -> int:
        """Handle the next batch; returns how many events were finished."""
        now = self.now()
        if self._holds:
            await self.database.run(lambda tx: inbox.release(tx, self.name, uncounted=self._uncounted))
        # Also where a claim was committed without our hearing of it.
        self._holds, self._uncounted = True, False
        ids = await self.database.run(lambda tx: inbox.claim(tx, now, self.name, BATCH, HOLD))
        if not ids:
            self._holds = False
            return 0
        self.step("4 claimed")
        try:
            finished = await self._batch(now, ids)
        except (DBAPIError, OSError) as error:
            self._uncounted = is_elsewhere(error)
            raise
        self._holds = False
        self.step("6 handled and committed")
        return finished

    async def _batch(self, now: datetime, ids: Sequence[int]) -> int:
        try:
            return self._counted(await self.database.run(lambda tx: self._handle(tx, now, ids)))
        except Exception as error:  # a wall: one bad event must not stop the others
            if is_outage(error):
                raise
            log.warning(
                "a batch of %d failed (%s); its events run one by one", len(ids), type(error).__name__
            )
        return await self._one_by_one(now, ids)

    async def _one_by_one(self, now: datetime, ids: Sequence[int]) -> int:
        finished = 0
        for row_id in ids:
            try:
                done = await self.database.run(partial(self._handle, now=now, ids=[row_id]))
                finished += self._counted(done)
            except Exception as error:  # a wall, as above: it is set aside, its sender gets an apology
                if is_outage(error):
                    raise
                self.failures += 1
                log.exception("event %d could not be handled and is set aside", row_id)
                done = await self.database.run(partial(self._set_aside, now=now, row_id=row_id))
                finished += self._counted(done)
        return finished

    def _counted(self, done: Sequence[_Done]) -> int:
        now = self.now()
        for each in done:
            self.outcomes[each.outcome] += 1
            self.turns[each.lane].add(now - each.received_at)
        return len(done)

    def _handle(self, tx: Transaction, now: datetime, ids: Sequence[int]) -> list[_Done]:
        """Load a batch together, handle it row by row, write it together."""
        rows = inbox.load(tx, self.name, ids)
        batch = _Batch(tx, now, self.core, rows)
        outcomes: dict[str, list[int]] = {}
        done = []
        for event in batch.events:
            row = event.row
            outcome = batch.give_up(event) if row.attempts > MOST_ATTEMPTS else batch.handle(event)
            outcomes.setdefault(outcome, []).append(row.id)
            done.append(_Done(outcome, row.lane, row.received_at))
        self.step("5 handled")
        for outcome, numbers in outcomes.items():
            inbox.finish(tx, now, numbers, outcome)
        return done

    def _set_aside(self, tx: Transaction, now: datetime, row_id: int) -> list[_Done]:
        batch = _Batch(tx, now, self.core, inbox.load(tx, self.name, [row_id]))
        done = []
        for event in batch.events:
            outcome = batch.give_up(event)
            inbox.finish(tx, now, [event.row.id], outcome)
            done.append(_Done(outcome, event.row.lane, event.row.received_at))
        return done


class _Done(NamedTuple):
    """What is counted of an event once its transaction is committed."""

    outcome: str
    lane: int
    received_at: datetime


class _Event(NamedTuple):
    """A claimed event, opened and read; without `inbound` it was unreadable, without `chat` it is our own."""

    row: Claimed
    chat: str
    inbound: Inbound | None


class _Batch:
    """The events of one transaction, with what they need loaded in a few statements."""

    def __init__(self, tx: Transaction, now: datetime, core: Core, rows: Sequence[Claimed]) -> None:
        self.tx = tx
        self.now = now
        self.core = core
        self.events = [self._open(row) for row in rows]
        self._load_people()
        person_ids = [each.person.id for each in self.known.values()]
        tx.loaded.speakers = person_ids
        alerts.load(tx, person_ids)
        conversations.load_talks(tx, person_ids)
        hiding.load(tx, [row.sender for row in rows])
        self._load_buttons()

    def _open(self, row: Claimed) -> _Event:
        if row.sealed_payload is None:
            return _Event(row, "", None)
        try:
            payload = self.tx.open(row.key_id, "event", row.sealed_payload)
        except (KeyError, WrongMasterKey):
            log.warning("event %d cannot be opened any more, a dead letter now", row.id)
            return _Event(row, "", None)
        try:
            return _Event(row, payload["chat"], parse(row.gateway, payload["event"]))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            log.warning("event %d is unreadable (%s), a dead letter now", row.id, type(error).__name__)
            return _Event(row, payload["chat"], None)

    def _load_people(self) -> None:
        """Who speaks in this batch, and their open forms."""
        self.known = people.load(self.tx, [event.row.sender for event in self.events])
        self.forms = conversations.open_forms(self.tx, [each.account.id for each in self.known.values()])

    def _load_buttons(self) -> None:
        """The buttons that were pressed, and those that a short text may mean."""
        read = [(event.row, event.inbound) for event in self.events if event.inbound is not None]
        tokens = [inbound.token[:TOKEN_LENGTH] for _row, inbound in read if inbound.token]
        if tokens:
            choices.load_pressed(self.tx, tokens)
        chats = [
            self.known[row.sender].account.id
            for row, inbound in read
            if row.sender in self.known and may_be_choice(inbound.text)
        ]
        if chats:
            choices.load_recent(self.tx, chats)

    def handle(self, event: _Event) -> str:
        """Handle one event; returns its outcome."""
        row, inbound = event.row, event.inbound
        if inbound is None:
            return self._unreadable(row, event.chat) if row.sealed_payload is not None else "handled"
        if inbound.kind in OWN_REPORTS:
            moment = Moment(self.core, self.tx, self.now)
            post(moment, OWN_REPORTS[inbound.kind](moment, inbound))
            return "handled"
        context = self._context(row, event.chat, inbound)
        if context is not None:
            self._answer(context, inbound, row)
        return "handled"

    def _answer(self, context: Context, inbound: Inbound, row: Claimed) -> None:
        said = route(context, inbound)
        if row.lane == CRISIS:
            said = [_hurried(context, each) for each in said]
        if context.person in self.tx.session:
            if not inbound.in_room:
                people.heard(self.tx, self.now, context.person)
            if context.conversation is None:
                self.forms.pop(context.account.id, None)
            else:
                self.forms[context.account.id] = context.conversation
            post(context, said)
        else:  # the person was just forgotten
            context.regrouped = True
            post(Moment(self.core, self.tx, self.now), said)
        if context.regrouped:  # another event of this batch may be of the same person
            self._load_people()

    def give_up(self, event: _Event) -> str:
        """Keep an event that cannot be handled, apologise to its sender, and tell the coordinators.

        Where it may have been a crisis, the apology names the number to call, and who takes charge of the
        fault can talk with its sender.
        """
        moment = Moment(self.core, self.tx, self.now)
        if event.row.lane != CRISIS:
            post(moment, alarms.fault(moment))
            self._tell_sender(event.row, event.chat, APOLOGY)
            return "failed"
        known = self._tell_sender(event.row, event.chat, lines(APOLOGY, calling.call(moment)), Lane.CRISIS)
        post(moment, alarms.fault(moment, known.person.id if known else None))
        return "failed"

    def _unreadable(self, row: Claimed, chat: str) -> str:
        self._tell_sender(row, chat, UNREADABLE)
        return "unreadable"

    def _tell_sender(self, row: Claimed, chat: str, text: Words, lane: Lane = Lane.REPLY) -> Known | None:
        known = self.known.get(row.sender)
        if known is None and chat:
            known = self._meet(row, chat, "")
        if known is not None:
            moment = Moment(self.core, self.tx, self.now)
            post(moment, [Outbound(known.person.id, text, account=known.account.id, lane=lane)])
        return known

    def _context(self, row: Claimed, chat: str, inbound: Inbound) -> Context | None:
        known = self.known.get(row.sender)
        if known is None:
            if not chat or inbound.kind in OF_KNOWN_PEOPLE:
                return None
            if inbound.kind is Kind.LOCKED and not inbound.detail.get("late"):
                return None  # it may still be read; only then is there something to answer
            if inbound.in_room and row.lane != CRISIS:
                return None  # who chats in a group has not asked us to know them
            known = self._meet(row, chat, inbound.language)
        self._learn(known, inbound)
        return Context(
            self.core,
            self.tx,
            self.now,
            known.person,
            known.account,
            self.forms.get(known.account.id),
            thread="" if inbound.in_room else inbound.thread,
        )

    def _meet(self, row: Claimed, chat: str, hint: str) -> Known:
        language = self.core.catalogs.closest([hint], self.core.union.language)
        known = people.meet(self.tx, self.now, row.gateway, chat, language)
        self.known[row.sender] = known
        return known

    def _learn(self, known: Known, inbound: Inbound) -> None:
        """Who speaks can be spoken to; their name and handle are kept sealed."""
        if inbound.kind in (Kind.MESSAGE, Kind.PRESS, Kind.REACTION):
            people.spoke(self.tx, self.now, known.account)
            if not known.account.reachable:
                reports.back(Moment(self.core, self.tx, self.now), known.account, known.person)
        key_id = known.person.key_id
        if inbound.name and known.person.sealed_name is None:
            known.person.sealed_name = self.tx.seal(key_id, "name", inbound.name[:100])
        if inbound.handle and known.account.sealed_contact is None:
            known.account.sealed_contact = self.tx.seal(key_id, "contact", inbound.handle)


def _hurried(context: Context, message: Outbound) -> Outbound:
    """What a coordinator does, or a person in a crisis says, is answered in the crisis lane."""
    mine = message.to == context.person.id and message.lane is Lane.REPLY
    return replace(message, lane=Lane.CRISIS) if mine else message
