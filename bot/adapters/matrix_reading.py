"""Reading what was said: it is decrypted, or kept until its key comes, and its sender told if none comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from nio import Event, MegolmEvent
from nio.exceptions import EncryptionError

from bot.adapters import RawEvent
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_events import ENCRYPTED, REDACTION, raw_event, redacted_id, report
from bot.adapters.matrix_rooms import Rooms
from bot.adapters.text import storable
from handlers.messages import Kind

LOCKED = "locked/"
PATIENCE = timedelta(seconds=60)  # until the sender of something unreadable is told
TOLD_LATELY = timedelta(minutes=10)
KEEP_LOCKED = timedelta(days=7)


class Reader:
    """Turns what stands in timelines into events for the inbox."""

    def __init__(self, client: Client, rooms: Rooms, now: Callable[[], datetime], names: list[str]) -> None:
        self._client = client
        self._rooms = rooms
        self._keychain = client.keychain
        self._now = now
        self._names = names

    def read(self, room_id: str, timeline: list[dict[str, Any]]) -> Iterator[RawEvent]:
        """What people said in a room, in its order; what can't be read yet is kept aside."""
        for event in timeline:
            sender = event["sender"]
            if sender == self._client.user_id or "state_key" in event:
                continue
            if event["type"] == REDACTION:  # what was taken back need not be opened any more
                self._keychain.stage(LOCKED + redacted_id(event), None)
            group = self._rooms.is_group(room_id)
            if not group:
                self._rooms.speaks_in(sender, room_id)
            clear = self._decrypted(event, room_id)
            if clear is not None:
                found = self._raw(clear, room_id)
                if found is not None:
                    yield found
                continue
            at = self._now().isoformat()
            kept = {"event": event, "room": room_id, "at": at, "told": False, "group": group}
            self._keychain.stage(LOCKED + event["event_id"], storable(kept))
            if not group:
                event_id = event["event_id"]
                yield report(Kind.LOCKED, f"locked:{event_id}", sender, room_id, about=event_id)

    def _raw(self, event: dict[str, Any], room_id: str) -> RawEvent | None:
        user = (
            self._client.rooms[room_id].users.get(event["sender"]) if room_id in self._client.rooms else None
        )
        return raw_event(
            event,
            room_id,
            group=self._rooms.is_group(room_id),
            names=self._names,
            called=(user.display_name or "") if user else "",
        )

    def _decrypted(self, event: dict[str, Any], room_id: str) -> dict[str, Any] | None:
        """The event in clear; None while its key has not arrived."""
        content = event.get("content")
        if event.get("type") != ENCRYPTED or not content:
            return event
        if not isinstance(content, dict) or content.get("algorithm") != "m.megolm.v1.aes-sha2":
            return None
        parsed = Event.parse_encrypted_event({**event, "content": self._with_sender_key(content, room_id)})
        if not isinstance(parsed, MegolmEvent) or not parsed.sender_key:
            return None
        try:
            found = self._client.olm.decrypt_megolm_event(parsed, room_id).source
            return {**event, "type": found.get("type"), "content": found.get("content")}
        except (EncryptionError, RecursionError, ValueError, TypeError, AttributeError, KeyError):
            return None  # no key, or nothing that can be read with it

    def _with_sender_key(self, content: dict[str, Any], room_id: str) -> dict[str, Any]:
        """The sender's key is optional since version 1.3 of the spec; the library can't do without."""
        if "sender_key" in content:
            return content
        for sender_key, sessions in self._client.olm.inbound_group_store[room_id].items():
            if content.get("session_id") in sessions:
                return {**content, "sender_key": sender_key}
        return content

    # --- what could not be read ---------------------------------------------------------------------------

    def opened(self) -> Iterator[RawEvent]:
        """Try again what was locked: a sync brings at most a hundred keys, so they may come after it."""
        for event_id, kept in self._keychain.items(LOCKED):
            clear = self._decrypted(kept["event"], kept["room"])
            if clear is not None:
                self._keychain.stage(LOCKED + event_id, None)
                found = self._raw(clear, kept["room"])
                if found is not None:
                    yield found
            elif self._age(kept) > KEEP_LOCKED:
                self._keychain.stage(LOCKED + event_id, None)

    def late(self) -> Iterator[RawEvent]:
        """What has stayed locked for a minute: its sender is told, once for all that came in ten minutes."""
        lately = {
            kept["event"]["sender"]
            for _id, kept in self._keychain.items(LOCKED)
            if kept["told"] and self._age(kept) < TOLD_LATELY
        }
        for event_id, kept in self._keychain.items(LOCKED):
            if kept["told"] or kept["group"] or self._age(kept) < PATIENCE:
                continue
            self._keychain.stage(LOCKED + event_id, {**kept, "told": True})
            sender = kept["event"]["sender"]
            if sender not in lately:
                lately.add(sender)
                yield report(
                    Kind.LOCKED, f"late:{event_id}", sender, kept["room"], about=event_id, late="yes"
                )

    def _age(self, kept: dict[str, Any]) -> timedelta:
        return self._now() - datetime.fromisoformat(kept["at"])

    def patience(self, seconds: float) -> float:
        """How long to wait for events: not beyond the moment at which someone must be told."""
        waits = (
            (PATIENCE - self._age(kept)).total_seconds()
            for _id, kept in self._keychain.items(LOCKED)
            if not (kept["told"] or kept["group"])
        )
        return max(0.0, min(seconds, *waits, seconds))
