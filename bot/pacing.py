"""How fast messages may leave: a pure account of what was sent, asked with the time as an argument."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.adapters import Pace

SPARED = 0.3  # the share of the overall rate that only the crisis lane may use up


class Pacer:
    """Says when the next message may go: overall, and to each chat."""

    def __init__(self, pace: Pace | None) -> None:
        self.pace = pace
        self._tokens = pace.overall_per_second if pace else 0.0
        self._filled_at: datetime | None = None
        self._free_at: dict[bytes, datetime] = {}
        self._rooms: dict[bytes, list[datetime]] = {}

    def room_for(self, now: datetime, *, crisis: bool) -> int:
        """How many messages may leave now; a crisis may also use what is spared for it."""
        if self.pace is None:
            return 1_000
        most = self.pace.overall_per_second
        if self._filled_at is not None:
            passed = max(0.0, (now - self._filled_at).total_seconds())
            self._tokens = min(most, self._tokens + passed * most)
        self._filled_at = now
        return max(0, int(self._tokens - (0 if crisis else most * SPARED)))

    def held(self, now: datetime) -> list[bytes]:
        """The chats to which nothing may be sent yet."""
        self._free_at = {chat: free for chat, free in self._free_at.items() if free > now}
        return list(self._free_at)

    def sent(self, now: datetime, chat: bytes, *, is_room: bool = False) -> None:
        """Account for a message that leaves now."""
        if self.pace is None:
            return
        self._tokens -= 1
        self.hold(chat, now + timedelta(seconds=1 / self.pace.chat_per_second))
        if is_room:
            minute = timedelta(minutes=1)
            recent = [each for each in self._rooms.get(chat, []) if each > now - minute] + [now]
            self._rooms[chat] = recent
            if len(recent) >= self.pace.room_per_minute:
                self.hold(chat, recent[-int(self.pace.room_per_minute)] + minute)

    def hold(self, chat: bytes, until: datetime) -> None:
        """Send nothing to this chat before a moment; no other chat is held."""
        self._free_at[chat] = max(until, self._free_at.get(chat, until))

    def next_free(self) -> datetime | None:
        """When the first held chat is free again."""
        return min(self._free_at.values(), default=None)
