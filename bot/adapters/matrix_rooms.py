"""The rooms of the account: whose private chat each one is, which invitations it takes, which it leaves.

A person's address is their Matrix id; the room in which they are spoken to may change. A private chat has
nobody in it but that person: where a third one is asked in, the bot goes, and speaks elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from nio import MatrixRoom

from bot.adapters import NotSent, RawEvent, Refused
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_events import report
from bot.adapters.matrix_wire import MatrixError, quoted
from bot.doorkeeper import Doorkeeper
from handlers.messages import Kind

# Of whom a room is the private chat; invitations not yet taken; groups, since when; groups that the core must
# hear of as left; and people who have left their chat.
CHAT, INVITE, GROUP, LEFT, GONE = "chat/", "invite/", "group/", "left/", "gone/"
EXAMINATION = "onecloak.examination"  # the type of a room in which the doctor tries the rate limit
MOST_JOINS, JOINS_PER = 10, timedelta(minutes=1)  # Synapse's own default is one join in ten seconds
UNDECIDED = timedelta(minutes=2)  # the core needs a moment to say if the bot may stay
AT_ONCE, SOON = timedelta(milliseconds=200), timedelta(seconds=1)
LONGEST_PAUSE = timedelta(hours=1)  # between two tries of an invitation that can't be taken


class Rooms:
    """What the account knows of its rooms; kept in the keychain with the events that taught it."""

    def __init__(self, client: Client, doorkeeper: Doorkeeper, now: Callable[[], datetime]) -> None:
        self._client = client
        self._keychain = client.keychain
        self._doorkeeper = doorkeeper
        self._now = now
        self._joins: deque[datetime] = deque()
        self._leave_again: dict[str, datetime] = {}
        self.known = False  # no room is known before the first sync

    def others(self, room_id: str) -> set[str]:
        """Who is in a room or invited to it, but for the bot."""
        room = self._client.rooms.get(room_id)
        return set(room.users) - {self._client.user_id} if room else set()

    def is_group(self, room_id: str) -> bool:
        """Also one in which a single coordinator is left: it never becomes their private chat."""
        return len(self.others(room_id)) > 1 or self._keychain.get(GROUP + room_id) is not None

    def is_chat(self, room_id: str, user: str) -> bool:
        return self.others(room_id) == {user} and not self.is_group(room_id)

    # --- where a person is spoken to --------------------------------------------------------------------

    async def chat_with(self, user: str) -> MatrixRoom:
        """The private chat of a person, opened if there is none; raises NotSent, Refused, MatrixError."""
        if self._keychain.get(GONE + user):
            raise Refused("the person has left the chat", unreachable=True)
        kept = self._keychain.get(CHAT + user)
        for room_id in filter(None, (kept, *self._client.rooms)):
            if self.is_chat(room_id, user):
                if room_id != kept:  # each change is a durable write before the next request
                    self._keychain.put(CHAT + user, room_id)
                return self._client.rooms[room_id]
        if not self.known:
            raise NotSent("the rooms are not known yet", AT_ONCE)
        if kept is None or kept in self._client.rooms:
            await self._open(user)
        raise NotSent("the chat is being opened", SOON)

    async def _open(self, user: str) -> None:
        body = {
            "invite": [user],
            "is_direct": True,
            "preset": "trusted_private_chat",
            "initial_state": [
                {
                    "type": "m.room.encryption",
                    "state_key": "",
                    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
                }
            ],
        }
        made = await self._client.call("POST", "/createRoom", body)
        self._keychain.put(CHAT + user, made["room_id"])
        await self._keychain.save()

    def chats_with(self, user: str) -> list[MatrixRoom]:
        """Every private chat of a person, that of now first: what is changed may stand in an older one."""
        kept = self._keychain.get(CHAT + user)
        found = [room for room_id, room in self._client.rooms.items() if self.is_chat(room_id, user)]
        return sorted(found, key=lambda room: room.room_id != kept)

    def room(self, room_id: str) -> MatrixRoom:
        """A group; raises Refused if the bot is not there."""
        if not self.known:
            raise NotSent("the rooms are not known yet", AT_ONCE)
        if room_id not in self._client.rooms:
            raise Refused("the bot is not in that room", unreachable=True)
        return self._client.rooms[room_id]

    def speaks_in(self, user: str, room_id: str) -> None:
        """Whoever writes in a private chat is answered there."""
        if self.is_chat(room_id, user) and self._keychain.get(CHAT + user) != room_id:
            self._keychain.stage(CHAT + user, room_id)
        self._keychain.stage(GONE + user, None)

    # --- what a sync tells --------------------------------------------------------------------------------

    def arrivals(self, rooms: dict[str, Any]) -> list[RawEvent]:
        """Take in who has invited the account and where it has come; gives what the core should know."""
        for room_id, invited in rooms.get("invite", {}).items():
            self._invited(room_id, invited)
        events: list[RawEvent] = []
        for room_id in rooms.get("join", {}):
            invite = self._keychain.get(INVITE + room_id)
            if invite is not None:
                self._keychain.stage(INVITE + room_id, None)
                events += self._arrived(room_id, invite)
        return events

    def departures(self, rooms: dict[str, Any]) -> list[RawEvent]:
        """Take in who has gone, after all that they said; gives what the core should know."""
        if not self.known:
            self.known = True
            self._forget_lost_chats()
        events: list[RawEvent] = []
        for room_id, joined in rooms.get("join", {}).items():
            events += self._goers(room_id, joined)
        for room_id, left in rooms.get("leave", {}).items():
            events += self._left(room_id, left)
        return events

    def _forget_lost_chats(self) -> None:
        """A chat in which the account is no longer, without having heard why, is opened anew when needed."""
        for user, room_id in list(self._keychain.items(CHAT)):
            if room_id not in self._client.rooms:
                self._keychain.stage(CHAT + user, None)

    def _invited(self, room_id: str, invited: dict[str, Any]) -> None:
        state = [each for each in invited.get("invite_state", {}).get("events", []) if isinstance(each, dict)]
        mine: dict[str, Any] = next(
            (each for each in state if each.get("state_key") == self._client.user_id), {}
        )
        if isinstance(mine.get("sender"), str):
            direct = bool(mine.get("content", {}).get("is_direct"))
            asked = {"by": mine["sender"], "at": self._now().isoformat(), "direct": direct, "group": False}
            self._keychain.stage(INVITE + room_id, asked)

    def _arrived(self, room_id: str, invite: dict[str, Any]) -> Iterator[RawEvent]:
        others = self.others(room_id)
        if invite["group"] or len(others) > 1:
            self._keychain.stage(GROUP + room_id, self._now().isoformat())
            yield report(Kind.JOINED, f"joined:{room_id}:{invite['at']}", invite["by"], room_id, group=True)
            return
        for user in others:
            self._keychain.stage(CHAT + user, room_id)
            if self._keychain.get(GONE + user):
                self._keychain.stage(GONE + user, None)
                yield report(Kind.UNBLOCKED, f"back:{room_id}:{invite['at']}", user, room_id)

    def _goers(self, room_id: str, joined: dict[str, Any]) -> Iterator[RawEvent]:
        """Who leaves their private chat has stopped the bot, as by blocking it."""
        for event in joined.get("timeline", {}).get("events", []):
            user, content = event.get("state_key"), event.get("content")
            if event.get("type") != "m.room.member" or not isinstance(content, dict):
                continue
            if (
                content.get("membership") in ("leave", "ban")
                and user not in self.others(room_id)  # else they came back
                and self._keychain.get(f"{CHAT}{user}") == room_id
            ):
                yield self._gone(user, str(event.get("event_id")), room_id)

    def _left(self, room_id: str, left: dict[str, Any]) -> Iterator[RawEvent]:
        """The account is out of a room: by itself, or because someone put it out."""
        self._client.rooms.pop(room_id, None)
        self._keychain.stage(INVITE + room_id, None)
        if self._keychain.get(GROUP + room_id) is not None:
            self._keychain.stage(GROUP + room_id, None)
            self._keychain.stage(LEFT + room_id, True)
        events = left.get("timeline", {}).get("events", [])
        mine: dict[str, Any] = next(
            (each for each in reversed(events) if each.get("state_key") == self._client.user_id), {}
        )
        for user in [user for user, room in self._keychain.items(CHAT) if room == room_id]:
            if mine.get("sender") == user:
                yield self._gone(user, str(mine.get("event_id")), room_id)
            else:
                self._keychain.stage(CHAT + user, None)

    def _gone(self, user: str, key: str, room_id: str) -> RawEvent:
        self._keychain.stage(CHAT + user, None)
        self._keychain.stage(GONE + user, True)
        return report(Kind.BLOCKED, f"gone:{key}", user, room_id)

    # --- coming and going -----------------------------------------------------------------------------------

    async def tend(self) -> None:
        """Take the invitations that are open, as many as are fit, and leave where the bot has no business."""
        for room_id, invite in list(self._keychain.items(INVITE)):
            waits = "again" in invite and self._now() < datetime.fromisoformat(invite["again"])
            if room_id in self._client.rooms or waits or not self._may_join():
                continue
            self._joins.append(self._now())
            if not invite["direct"] and await self._doorkeeper.is_coordinator(invite["by"]):
                # Theirs is a group, though nobody else may be in it yet.
                invite = {**invite, "group": True}
                self._keychain.put(INVITE + room_id, invite)
            try:
                await self._client.call("POST", f"/join/{quoted(room_id)}", {})
            except MatrixError as error:
                if error.token_is_gone:
                    raise
                self._keychain.drop(INVITE + room_id)
                if error.status not in (403, 404):  # else it was taken back meanwhile
                    self._keychain.put(INVITE + room_id, self._later(invite, error.wait))
        for room_id, _left in list(self._keychain.items(LEFT)):
            await self._doorkeeper.left(room_id)
            self._keychain.drop(LEFT + room_id)
        for room_id, room in list(self._client.rooms.items()):
            waits = room_id in self._leave_again and self._now() < self._leave_again[room_id]
            if room.room_type != EXAMINATION and not waits and not await self._belongs(room_id):
                await self.leave(room_id)

    def _later(self, invite: dict[str, Any], asked: timedelta | None) -> dict[str, Any]:
        """Another homeserver may be gone: it is asked again later and later, and keeps nobody waiting."""
        tries = int(invite.get("tries", 0)) + 1
        pause = asked or min(SOON * 2 ** min(tries, 20), LONGEST_PAUSE)
        return {**invite, "tries": tries, "again": (self._now() + pause).isoformat()}

    def _may_join(self) -> bool:
        while self._joins and self._joins[0] <= self._now() - JOINS_PER:
            self._joins.popleft()
        return len(self._joins) < MOST_JOINS

    async def _belongs(self, room_id: str) -> bool:
        others = self.others(room_id)
        if not others or not self.is_group(room_id):
            return bool(others)
        if await self._doorkeeper.may_stay(room_id):
            return True
        since = self._keychain.get(GROUP + room_id)
        return since is not None and self._now() - datetime.fromisoformat(since) < UNDECIDED

    async def leave(self, room_id: str) -> None:
        """Go, and say that the account is gone; where it was put out meanwhile, it is gone already."""
        try:
            for action in ("leave", "forget"):
                await self._client.call("POST", f"/rooms/{quoted(room_id)}/{action}", {})
        except MatrixError as error:
            if error.status not in (403, 404):
                self._leave_again[room_id] = self._now() + (error.wait or UNDECIDED)
                return
        self._client.rooms.pop(room_id, None)
        self._keychain.drop(GROUP + room_id)
        for user in [user for user, chat in self._keychain.items(CHAT) if chat == room_id]:
            self._keychain.drop(CHAT + user)  # a homeserver need not tell of a room that is forgotten
        await self._doorkeeper.left(room_id)
