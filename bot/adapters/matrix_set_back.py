"""A homeserver that somebody brought back from a backup: it has forgotten what it had confirmed.

Our cursor is then ahead of all that it knows, so what is said between its return and our first question
would be passed over. And it gives away one-time keys that were used long ago: who writes for the first time
could not be read, until the last of them is gone.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.matrix_client import Client
from bot.adapters.matrix_wire import MatrixError, quoted
from bot.keychain import Keychain

log = logging.getLogger(__name__)

HEARD = "last event heard"  # its room, its id, and until when all was heard, as `said_at` gives it
# Clocks of senders may be behind: a day is read again, and the inbox knows what it had.
MARGIN = timedelta(days=1)
KNOWN_FOR = timedelta(days=13)  # what is older may be unknown to the inbox, and must not be heard twice
MOST_KEYS = 200  # one-time keys of a device, more than the library uploads


def remember(keychain: Keychain, timelines: dict[str, list[dict[str, Any]]], now: datetime) -> None:
    """Keep, with the events of a sync, the last of them; no sender's clock moves the time back, or ahead."""
    said = [(said_at(event), room, event["event_id"]) for room, line in timelines.items() for event in line]
    if said:
        at, room, event_id = max(said)
        before = (keychain.get(HEARD) or {"at": 0})["at"]
        keychain.stage(HEARD, {"room": room, "event": event_id, "at": max(before, min(at, _number(now)))})


def said_at(event: dict[str, Any]) -> int:
    """When an event was sent, by its sender's homeserver: milliseconds since 1970, 0 if it doesn't say."""
    at = event.get("origin_server_ts")
    return at if isinstance(at, int) else 0


def _number(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def from_when(keychain: Keychain, now: datetime) -> int:
    """From when on to read again what was said, as `said_at` gives it."""
    heard = keychain.get(HEARD)
    until = datetime.fromtimestamp(heard["at"] / 1000, now.tzinfo) if heard is not None else now
    return _number(max(until - MARGIN, now - KNOWN_FOR))


async def has_forgotten(client: Client) -> bool:
    """Whether the homeserver does not know the last event any more; that its room was removed looks the same.

    Raises MatrixError where it does not say.
    """
    heard = client.keychain.get(HEARD)
    if heard is None:
        return False
    try:
        await client.call("GET", f"/rooms/{quoted(heard['room'])}/event/{quoted(heard['event'])}")
    except MatrixError as error:
        if error.code == "M_NOT_FOUND":
            return True
        if error.code != "M_FORBIDDEN":
            raise
    return False


async def renew_keys(client: Client) -> None:
    """Take from the homeserver all one-time keys of our own device, so that it is given new ones."""
    wanted = {"one_time_keys": {client.user_id: {client.device_id: "signed_curve25519"}}}
    taken: set[str] = set()
    try:
        for _key in range(MOST_KEYS):
            claimed = (await client.call("POST", "/keys/claim", wanted)).get("one_time_keys", {})
            keys = claimed.get(client.user_id, {}).get(client.device_id, {})
            if keys.keys() <= taken:  # none, or the one that is given to all when the others are gone
                break
            taken |= keys.keys()
    except (MatrixError, AttributeError) as error:  # the latter of an answer that is none
        log.warning("old one-time keys could not be taken back (%s)", type(error).__name__)
    client.olm.uploaded_key_count = 0
    client.wants_fallback_key = True
