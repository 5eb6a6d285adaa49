"""Courtesies that nothing depends on: a name and a face, read receipts, typing notices, reactions to tap.

They happen in the background, once, and are left out where the homeserver is busy or gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.adapters import GatewayFault, Press, RawEvent
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_events import REACTION
from bot.adapters.matrix_pace import Allowance
from bot.adapters.matrix_text import keycaps, reaction
from bot.adapters.matrix_wire import MatrixError, quoted

log = logging.getLogger(__name__)

TYPING_MILLISECONDS = 10_000


@dataclass(frozen=True, slots=True)
class Profile:
    """What people see of the account."""

    name: str = "One Cloak"
    avatar: bytes = b""  # PNG


class Manners:
    """What a polite account does beside its work."""

    def __init__(self, client: Client, allowance: Allowance, now: Callable[[], datetime]) -> None:
        self._client = client
        self._allowance = allowance
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()

    def introduce(self, profile: Profile) -> None:
        """Show a name and a face, where the account has none or another one."""
        self.politely(self._introduce(profile))

    def read(self, events: Iterable[RawEvent]) -> None:
        """Show that messages were read, and in private chats that an answer is being written."""
        last = {event.payload["room"]: event for event in events if "event" in event.payload}
        for room, event in last.items():
            self.politely(self._acknowledge(room, event.key, typing=not event.payload["group"]))

    def said(self, room: str) -> None:
        """The answer is there: nobody is typing any more."""
        self.politely(self._type(room, typing=False))

    def offer(self, room: str, event_id: str, buttons: Sequence[Press], key: str) -> None:
        """Put a reaction to tap below a message for each of its buttons."""
        self.politely(self._offer(room, event_id, keycaps(buttons), key))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def politely(self, courtesy: Coroutine[Any, Any, None]) -> None:
        """Do something in the background; where it can't be done it is left out."""

        async def do() -> None:
            try:
                await courtesy
            except (MatrixError, GatewayFault) as error:
                log.debug("a courtesy was left out: %s", error.reason)

        task = asyncio.create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: courtesy.close())  # it may have been ended before it began

    async def _introduce(self, profile: Profile) -> None:
        path = f"/profile/{quoted(self._client.user_id)}"
        try:
            shown = await self._client.call("GET", path)
        except MatrixError:  # it has no profile yet
            shown = {}
        if shown.get("displayname") != profile.name:
            await self._client.call("PUT", f"{path}/displayname", {"displayname": profile.name})
        if profile.avatar and not shown.get("avatar_url"):
            address = await self._client.upload(profile.avatar, "image/png")
            await self._client.call("PUT", f"{path}/avatar_url", {"avatar_url": address})

    async def _acknowledge(self, room: str, event_id: str, *, typing: bool) -> None:
        await self._client.call("POST", f"/rooms/{quoted(room)}/receipt/m.read/{quoted(event_id)}", {})
        if typing:
            await self._type(room, typing=True)

    async def _type(self, room: str, *, typing: bool) -> None:
        body = {"typing": True, "timeout": TYPING_MILLISECONDS} if typing else {"typing": False}
        await self._client.call("PUT", f"/rooms/{quoted(room)}/typing/{quoted(self._client.user_id)}", body)

    async def _offer(self, room: str, event_id: str, keys: Sequence[str], key: str) -> None:
        for number, emoji in enumerate(keys):
            now = self._now()
            if not self._allowance.has_room_for(now, len(keys) - number):
                return
            self._allowance.sends(now)
            path = f"/rooms/{quoted(room)}/send/{REACTION}/{quoted(f'{key}.k{number}')}"
            try:
                await self._client.call("PUT", path, reaction(event_id, emoji))
            except MatrixError as error:
                if error.wait is not None:
                    self._allowance.refused(now, error.wait)
                raise
