"""The groups in which the Telegram bot is: those where it has no business are left.

Telegram never lists them: a group is known by what happens in it, and those with a purpose by the core.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from telegram import Bot
from telegram.error import BadRequest, Forbidden, TelegramError

from bot.adapters import RawEvent
from bot.adapters.telegram_events import group
from bot.adapters.telegram_wire import UNREADABLE
from bot.doorkeeper import Doorkeeper

UNDECIDED = timedelta(minutes=2)  # the core needs a moment to say if the bot may stay
LOOK_EVERY = timedelta(seconds=10)

log = logging.getLogger(__name__)


class Groups:
    """Which groups were seen, since when, and leaving them."""

    def __init__(self, bot: Bot, doorkeeper: Doorkeeper) -> None:
        self._bot = bot
        self._doorkeeper = doorkeeper
        self._now = doorkeeper.now
        self._seen: dict[str, datetime] = {}
        self._looked_at: datetime | None = None

    def see(self, events: Sequence[RawEvent]) -> None:
        """Note in which groups something has happened."""
        for room in filter(None, map(group, events)):
            self._seen.setdefault(room, self._now())

    async def tend(self) -> None:
        """Leave where nobody has decided in time, where it has ended, and where no coordinator asked."""
        now = self._now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        for room, since in list(self._seen.items()):
            if now - since >= UNDECIDED:
                del self._seen[room]
                if not await self._doorkeeper.may_stay(room):
                    await self._leave(room)
        for room in await self._doorkeeper.to_leave():
            await self._leave(room)

    async def _leave(self, room: str) -> None:
        try:
            await self._bot.leave_chat(room)
        except (Forbidden, BadRequest):
            pass  # it is not there any more
        except (TelegramError, *UNREADABLE) as error:
            self._seen.setdefault(room, self._now())  # to be tried again
            log.warning("a group could not be left (%s)", type(error).__name__)
            return
        await self._doorkeeper.left(room)
