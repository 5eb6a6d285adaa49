"""The gateway: takes events from a platform and commits them with the cursor before it confirms them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.adapters import Adapter, RawEvent
from bot.holding import Holding
from bot.quota import MOST_A_MINUTE, OFTEN, Quota
from handlers.context import Core
from storage import inbox
from storage.database import Database
from storage.inbox import Arrival


class Gateway:
    """Receives for one account. Only the holder of the account's lease may receive and send."""

    def __init__(
        self,
        database: Database,
        adapter: Adapter,
        core: Core,
        holding: Holding,
        now: Callable[[], datetime],
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.database = database
        self.adapter = adapter
        self.core = core
        self.holding = holding
        self.now = now
        self.step = step
        self._quota = Quota()
        if adapter.keychain is not None:
            # A process that slept through its lease must not write over the keys of the one that took over.
            adapter.keychain.guard = holding.check

    async def run_once(self) -> int:
        """Wait for events, commit them, then confirm; returns how many came. Raises GatewayFault."""
        platform = self.adapter.platform
        # Under the lease: one that thaws must not ask the platform, which would turn its heir away.
        cursor = await self.holding.run(lambda tx: inbox.cursor(tx, platform))
        events, next_cursor = await self.adapter.receive(cursor)
        learnt = self.adapter.keychain is not None and self.adapter.keychain.has_staged
        if not events and next_cursor == cursor and not learnt:
            return 0
        self.step("1 received")
        await self.accept(events, next_cursor)
        self.step("2 committed")
        await self.adapter.accepted(events)
        self.step("3 confirmed")
        return len(events)

    async def accept(self, events: Sequence[RawEvent], cursor: str | None) -> None:
        """Commit events and cursor in one transaction; a cheap screen marks a crisis."""
        now = self.now()
        platform, keep = self.adapter.platform, self.core.union.keep_events
        arrivals = [self._arrival(event, self._quota.count(event.chat, now)) for event in events]
        # What comes with a cursor was asked for by the lease's holder; a platform may bring the rest to any.
        store = self.adapter.keychain or (self.holding if cursor is not None else self.database)
        await store.run(lambda tx: inbox.accept(tx, now, platform, arrivals, cursor, keep))

    def _arrival(self, event: RawEvent, said: int) -> Arrival:
        """said: how many the chat has said in this minute."""
        return Arrival(
            event.key,
            event.chat,
            event.payload,
            crisis=_is_crisis(self.core, event.text),
            slowed=said > MOST_A_MINUTE,
            often=said > OFTEN,
        )


def _is_crisis(core: Core, text: str) -> bool:
    """The screen: an SOS, and everything that may be one, is handled first; /help is a command as any."""
    words = text.strip()
    if words.startswith("/"):
        command, _, words = words.partition(" ")
        if command.lower().startswith("/sos"):
            return True
    return bool(words) and core.lexicons.crisis(words) is not None
