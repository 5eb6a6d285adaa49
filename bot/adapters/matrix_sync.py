"""Receiving from a homeserver without losing anything: gaps are filled, and what can't be read yet is kept.

The cursor is the homeserver's `since` token. It is committed with the events, the keys that came with them
and all that was learnt of rooms; a sync that was not committed is simply asked for again.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from nio import SyncResponse

from bot.adapters import RawEvent
from bot.adapters import matrix_set_back as set_back
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_reading import Reader
from bot.adapters.matrix_rooms import INVITE, Rooms
from bot.adapters.matrix_wire import MatrixError, quoted

log = logging.getLogger(__name__)

PAGE, MOST_PAGES = 100, 100  # events of a gap; the rest of a longer one is older than any use
FEW = 10  # events of each room, where all rooms are asked for at once
MOST_REFUSALS = 2  # of our cursor, before it is given up


class _Since(NamedTuple):
    """From where a sync goes on: from our cursor, or, where the homeserver was set back, from a moment."""

    cursor: str | None
    again_from: int | None  # see `matrix_set_back`


class Receiver:
    """Turns syncs into events for the inbox."""

    def __init__(self, client: Client, rooms: Rooms, reader: Reader, now: Callable[[], datetime]) -> None:
        self._client = client
        self._rooms = rooms
        self._reader = reader
        self._keychain = client.keychain
        self._now = now
        self._first = True
        self._is_in_doubt = True  # whether the homeserver still knows what it had confirmed
        self._refusals = 0  # of our cursor, in a row
        self._expected: str | None = None  # the next cursor, if what came with it was kept

    async def receive(self, cursor: str | None, seconds: float) -> tuple[list[RawEvent], str]:
        """Wait up to `seconds` for what came after `cursor`; raises MatrixError.

        Everything is fetched before anything is taken in, so that a failure half-way changes nothing.
        """
        since = await self._from_where(cursor)
        events = list(self._reader.late())
        raw = await self._sync(since, 0 if events or self._first else self._reader.patience(seconds))
        rooms = raw.get("rooms", {})
        timelines = {
            room_id: await self._timeline(room_id, joined, since)
            for room_id, joined in rooms.get("join", {}).items()
        }
        if since.again_from is not None:
            self._know_nothing()
        await self._take_in(raw)
        if since.again_from is not None:
            await set_back.renew_keys(self._client)
        set_back.remember(self._keychain, timelines, self._now())
        if self._first or raw.get("to_device", {}).get("events"):  # else no key can have come
            events += self._reader.opened()
        events += self._rooms.arrivals(rooms)
        for room_id, timeline in timelines.items():
            events += self._reader.read(room_id, timeline)
        events += self._rooms.departures(rooms)
        self._first = False
        self._refusals = 0
        self._expected = str(raw["next_batch"])
        return events, self._expected

    async def _from_where(self, cursor: str | None) -> _Since:
        """From our cursor on, if the homeserver takes it and was not brought back from a backup."""
        if cursor is None:
            return _Since(None, None)
        if cursor != self._expected:  # at the start, and where what came was not kept
            self._is_in_doubt = True
        if self._refusals >= MOST_REFUSALS or (self._is_in_doubt and await self._is_set_back()):
            return _Since(None, set_back.from_when(self._keychain, self._now()))
        return _Since(cursor, None)

    async def _is_set_back(self) -> bool:
        try:
            self._is_in_doubt = await set_back.has_forgotten(self._client)
        except MatrixError as error:
            if error.token_is_gone or not error.status:  # it does not answer at all
                raise
            return False  # hearing goes first; it is asked again
        return self._is_in_doubt

    def _know_nothing(self) -> None:
        """What was learnt of rooms and devices is learnt anew from a homeserver that was set back."""
        log.warning(
            "the homeserver has forgotten what it had confirmed, or does not take our cursor: it was brought "
            "back from a backup, a room was removed, or it is another program; what was said is read again"
        )
        self._is_in_doubt = False
        self._first = True
        self._keychain.stage(set_back.HEARD, None)
        self._client.rooms.clear()
        self._rooms.known = False
        self._client.olm.users_for_key_query.update(self._client.olm.tracked_users)

    async def _sync(self, since: _Since, seconds: float) -> dict[str, Any]:
        limit = PAGE if since.again_from is None else FEW
        query = {"timeout": str(int(seconds * 1000)), "filter": _filter(limit)}
        if since.cursor is not None:
            query["since"] = since.cursor
        if self._first:
            query["full_state"] = "true"  # rooms and members are known in memory only
        try:
            return await self._client.call("GET", f"/sync?{urlencode(query)}", seconds=seconds + 30)
        except MatrixError as error:
            self._is_in_doubt = True
            is_refused = error.status == 400 and error.code != ""
            self._refusals = self._refusals + 1 if is_refused and since.cursor is not None else 0
            raise

    # --- gaps ---------------------------------------------------------------------------------------------

    async def _timeline(self, room_id: str, joined: dict[str, Any], since: _Since) -> list[dict[str, Any]]:
        """All that was said in a room since then; in a new room, since the bot was asked in."""
        timeline = joined.get("timeline", {})
        events = _well_formed(timeline.get("events"))
        again_from = since.again_from
        if since.cursor is None and again_from is None:
            return []  # what was said before the bot ever ran is not said to it
        is_new = self._keychain.get(INVITE + room_id) is not None
        start = timeline.get("prev_batch") if timeline.get("limited") else None
        newest = events
        for _page in range(MOST_PAGES):
            if not start or (is_new and _asked_in(events, self._client.user_id) is not None):
                break
            if again_from is not None and all(set_back.said_at(each) < again_from for each in newest):
                break
            until = {} if is_new or since.cursor is None else {"to": since.cursor}
            query = urlencode({"dir": "b", "from": start, "limit": str(PAGE), **until})
            page = await self._page(room_id, query)
            newest = _well_formed(page.get("chunk"))
            events = [*reversed(newest), *events]
            start = page.get("end") if page.get("chunk") else None
        else:
            log.warning("a gap of more than %d messages was not filled whole", MOST_PAGES * PAGE)
        if again_from is not None:
            events = [each for each in events if set_back.said_at(each) >= again_from]
        asked_in = _asked_in(events, self._client.user_id) if is_new else None
        return events[asked_in:] if asked_in is not None else events

    async def _page(self, room_id: str, query: str) -> dict[str, Any]:
        """A page of a gap; one room whose history is refused must not keep the others waiting."""
        try:
            return await self._client.call("GET", f"/rooms/{quoted(room_id)}/messages?{query}")
        except MatrixError as error:
            if error.token_is_gone or error.wait is not None or not 400 <= error.status < 500:
                raise
            log.warning("a gap in a room can't be filled: %s", error.reason)
            return {}

    # --- keys and rooms -----------------------------------------------------------------------------------

    async def _take_in(self, raw: dict[str, Any]) -> None:
        """Let the library learn keys, devices and members. What it can't take must not stop the account."""
        response = SyncResponse.from_dict(_for_library(raw))
        if not isinstance(response, SyncResponse):
            log.error("a sync was malformed; only its keys are taken")
            response = SyncResponse.from_dict(_for_library({**raw, "rooms": {}}))
        try:
            await self._client.receive_response(response)
        except Exception as error:  # noqa: BLE001 (a wall: one odd event would stop the account for ever)
            self._client.failures += 1
            log.error("a sync could not be taken in whole (%s)", _where(error))
        counts = raw.get("device_one_time_keys_count")
        if isinstance(counts, dict):
            # The library passes over a count of zero, and would never upload keys again.
            self._client.olm.uploaded_key_count = int(counts.get("signed_curve25519", 0))
        unused = raw.get("device_unused_fallback_key_types")
        self._client.wants_fallback_key = isinstance(unused, list) and "signed_curve25519" not in unused


def _filter(limit: int) -> str:
    """What a sync brings: rooms, and so many events of each at the most."""
    return json.dumps(
        {
            "presence": {"types": []},
            "account_data": {"types": []},
            "room": {
                "timeline": {"limit": limit},
                "ephemeral": {"types": []},
                "account_data": {"types": []},
            },
        }
    )


def _where(error: Exception) -> str:
    """What failed and where, without the text, which may hold ids or words."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {frames[-1].name}, line {frames[-1].lineno}" if frames else "?"


def _well_formed(events: Any) -> list[dict[str, Any]]:
    """The events that have what every event must have (spec, "Room event format")."""
    return [
        each
        for each in events or []
        if isinstance(each, dict)
        and all(isinstance(each.get(name), str) for name in ("event_id", "sender", "type"))
    ]


def _asked_in(events: list[dict[str, Any]], user: str) -> int | None:
    """Where in a timeline the account was last invited."""
    for index in range(len(events) - 1, -1, -1):
        content = events[index].get("content")
        mine = events[index].get("state_key") == user and events[index]["type"] == "m.room.member"
        if mine and isinstance(content, dict) and content.get("membership") == "invite":
            return index
    return None


def _for_library(raw: dict[str, Any]) -> dict[str, Any]:
    """A sync without what people said: the library needs only keys, devices and the state of rooms."""
    joined = {}
    for room_id, room in raw.get("rooms", {}).get("join", {}).items():
        timeline = room.get("timeline", {})
        states = [each for each in _well_formed(timeline.get("events")) if "state_key" in each]
        joined[room_id] = {
            "state": {"events": _well_formed(room.get("state", {}).get("events"))},
            "timeline": {"events": states, "limited": False, "prev_batch": timeline.get("prev_batch", "")},
            "ephemeral": {"events": []},
            "account_data": {"events": []},
        }
    return {
        "next_batch": raw["next_batch"],
        "rooms": {"join": joined, "invite": {}, "leave": {}},
        "to_device": raw.get("to_device", {"events": []}),
        "device_lists": {"changed": [], "left": [], **raw.get("device_lists", {})},
        "device_one_time_keys_count": raw.get("device_one_time_keys_count", {}),
        "presence": {"events": []},
        "account_data": {"events": []},
    }
