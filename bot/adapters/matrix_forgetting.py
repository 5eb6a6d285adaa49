"""What the account still knows of those whom the core has forgotten, or never met, is forgotten too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.adapters.matrix_client import Client
from bot.adapters.matrix_keys import DEVICE, ENCRYPTED, ROOM_KEY, SESSION
from bot.adapters.matrix_reading import LOCKED
from bot.adapters.matrix_rooms import CHAT, GONE, Rooms
from bot.adapters.matrix_set_back import HEARD
from bot.doorkeeper import Doorkeeper

STRANGER = "stranger/"
LOOK_EVERY = timedelta(hours=1)
PATIENCE = timedelta(days=1)  # someone who has opened a chat may still write in it


class Forgetting:
    """Leaves the chats of strangers after a day and drops the keys of their devices."""

    def __init__(
        self, client: Client, rooms: Rooms, doorkeeper: Doorkeeper, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._keychain = client.keychain
        self._rooms = rooms
        self._doorkeeper = doorkeeper
        self._now = now
        self._looked_at: datetime | None = None

    async def tend(self) -> None:
        """Look once an hour who is unknown; raises MatrixError where a chat can't be left now."""
        now = self._now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        chats = dict(self._keychain.items(CHAT))
        gone = {user for user, _yes in self._keychain.items(GONE)}
        strangers = await self._doorkeeper.strangers({*chats, *gone})
        for user, _since in self._keychain.items(STRANGER):
            if user not in strangers:
                self._keychain.drop(STRANGER + user)
        for user in strangers:
            since = self._keychain.get(STRANGER + user)
            if user in chats and since is None:
                self._keychain.put(STRANGER + user, now.isoformat())
            elif since is None or now - datetime.fromisoformat(since) >= PATIENCE:
                await self._forget(user, chats.get(user))

    async def _forget(self, user: str, room: str | None) -> None:
        if room is not None and room in self._client.rooms:
            await self._rooms.leave(room)
        for name in (CHAT + user, GONE + user, STRANGER + user, f"{ENCRYPTED}{room}"):
            self._keychain.drop(name)
        self._keychain.drop_all(f"{ROOM_KEY}{room}/")
        if (self._keychain.get(HEARD) or {}).get("room") == room:
            self._keychain.drop(HEARD)
        for event_id, kept in self._keychain.items(LOCKED):
            if kept["event"]["sender"] == user:
                self._keychain.drop(LOCKED + event_id)
        if any(user in each.users for each in self._client.rooms.values()):
            return  # they are in a group with the bot, whose words they must be able to read
        for device, kept in self._keychain.items(f"{DEVICE}{user}/"):
            self._keychain.drop_all(f"{SESSION}{kept['keys']['curve25519']}/")
            self._keychain.drop(f"{DEVICE}{user}/{device}")
