"""A homeserver that somebody brought back from a backup: it has forgotten what it had confirmed.

Our cursor is then ahead of all that it knows, so what is said between its return and our first question
would be passed over. And it gives away one-time keys that were used long ago: who writes for the first time
could not be read, until the last of them is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.adapters.matrix_client import Client
from bot.adapters.matrix_wire import MatrixError, quoted
from bot.keychain import Keychain

HEARD = "heard"  # the last event: its room, its id, and its time as `said_at` gives it
MOST_KEYS = 1_000  # one-time keys of a device, far more than the library uploads


def remember(keychain: Keychain, timelines: dict[str, list[dict[str, Any]]], now: datetime) -> None:
    """Keep, with the events of a sync, which of them is the newest; a sender's clock may be ahead of ours."""
    said = [(said_at(event), room_id, event["event_id"]) for room_id, event in _events(timelines)]
    if said:
        at, room_id, event_id = max(said)
        ours = int(now.timestamp() * 1000)
        keychain.stage(HEARD, {"room": room_id, "event": event_id, "at": min(at, ours)})


def _events(timelines: dict[str, list[dict[str, Any]]]) -> Iterable[tuple[str, dict[str, Any]]]:
    return ((room_id, event) for room_id, timeline in timelines.items() for event in timeline)


def said_at(event: dict[str, Any]) -> int:
    """When an event was sent, by its sender's homeserver: milliseconds since 1970, 0 if it doesn't say."""
    at = event.get("origin_server_ts")
    return at if isinstance(at, int) else 0


def heard_at(keychain: Keychain, now: datetime) -> int:
    """Until when all was heard, as `said_at` gives it."""
    heard = keychain.get(HEARD)
    return int(heard["at"]) if heard is not None else int(now.timestamp() * 1000)


async def heard_until(client: Client) -> int | None:
    """Where the homeserver was set back: until when we have heard all, as `said_at` gives it.

    It was if it does not know the last event any more; that its room was removed is taken for it, too.
    Raises MatrixError.
    """
    heard = client.keychain.get(HEARD)
    if heard is None:
        return None
    try:
        await client.call("GET", f"/rooms/{quoted(heard['room'])}/event/{quoted(heard['event'])}")
    except MatrixError as error:
        if error.code == "M_NOT_FOUND":
            return int(heard["at"])
        if error.token_is_gone or error.wait is not None or not 400 <= error.status < 500:
            raise
    return None


async def use_up_keys(client: Client) -> None:
    """Take from the homeserver all one-time keys of our own device, so that it is given new ones."""
    wanted = {"one_time_keys": {client.user_id: {client.device_id: "signed_curve25519"}}}
    for _key in range(MOST_KEYS):
        claimed = (await client.call("POST", "/keys/claim", wanted)).get("one_time_keys", {})
        keys = claimed.get(client.user_id, {}).get(client.device_id, {})
        if all(key.get("fallback") for key in keys.values()):
            return
