"""Events that no honest app would send: nothing stops, and the neighbours are heard."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bot.adapters.matrix_reading import PATIENCE
from storage.database import Database
from tests.faults.matrix_tools import handled, kept, look, matrix, member, restarted, world_with
from tests.matrix_member import Member
from tests.synapse import Refused, Synapse
from tests.world import World

_numbers = itertools.count(1)
TEXT = {"msgtype": "m.text", "body": "hello"}
MEGOLM = "m.megolm.v1.aes-sha2"
IN_CLEAR: list[tuple[str, dict[str, Any]]] = [
    ("m.room.message", {"msgtype": "m.text", "body": 7}),
    ("m.room.message", {"msgtype": "m.text", "body": ["hello"]}),
    ("m.room.message", {"msgtype": "m.text"}),
    ("m.room.message", {"msgtype": ["m.text"], "body": "hello"}),
    ("m.room.message", {"body": "no type"}),
    ("m.room.message", {"msgtype": "m.image", "body": "no.jpg", "url": {"not": "one"}, "info": []}),
    ("m.room.message", {"msgtype": "m.image", "body": "no.jpg", "file": "sealed"}),
    ("m.room.message", {"msgtype": "m.location", "body": "here", "geo_uri": "geo:1e999,x"}),
    ("m.room.message", {**TEXT, "m.relates_to": "a thread"}),
    ("m.room.message", {**TEXT, "m.relates_to": ["$a", "$b"]}),
    ("m.room.message", {**TEXT, "m.relates_to": {"rel_type": "m.replace", "event_id": 7}}),
    ("m.room.message", {**TEXT, "m.new_content": 3, "m.relates_to": {"rel_type": "m.replace"}}),
    ("m.room.message", {**TEXT, "m.relates_to": {"m.in_reply_to": "$a"}}),
    ("m.room.message", {**TEXT, "m.mentions": {"user_ids": 5}}),
    ("m.reaction", {}),
    ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a"}}),
    ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": {}, "key": []}}),
    ("m.room.redaction", {}),
    ("m.room.redaction", {"redacts": "$nothing"}),
    ("m.sticker", {"body": "x", "url": None}),
    ("m.poll.start", {"question": 1}),
    ("org.example.unheard.of", {"a": "b"}),
]  # fmt: skip
SEALED_GARBAGE: list[dict[str, Any]] = [
    {"algorithm": MEGOLM, "ciphertext": "rubbish", "session_id": "none", "sender_key": "none"},
    {"algorithm": MEGOLM, "ciphertext": 5, "session_id": [], "sender_key": {}},
    {"algorithm": MEGOLM, "ciphertext": {"a": {"type": 0}}, "session_id": "x", "device_id": 1},
    {"algorithm": MEGOLM},
    {"algorithm": "m.nobody.knows"},
    {"algorithm": ["a"], "ciphertext": None},
    {"ciphertext": "no algorithm"},
    {
        "algorithm": MEGOLM,
        "ciphertext": "x",
        "session_id": "y",
        "sender_key": "z",
        "more": {"a": [{"b": {}}]},
    },
]


def deep(levels: int) -> str:
    return '{"a": ' * levels + "1" + "}" * levels


@dataclass
class Odd:
    """Somebody whose app is broken: it says what it likes, and would choke on its own words."""

    world: World
    member: Member
    room: str

    async def sends(self, kind: str, content: dict[str, Any] | str) -> bool:
        """Send it as it is; False if the homeserver does not let it through."""
        body = content if isinstance(content, str) else json.dumps(content)
        path = f"/_matrix/client/v3/rooms/{quote(self.room)}/send/{kind}/odd{next(_numbers)}"
        headers = {"Authorization": f"Bearer {self.member.account.token}"}
        answer = await self.member.client.send("PUT", path, body, headers)
        await answer.read()
        return bool(answer.status == 200)

    async def seals(self, plaintext: str) -> bool:
        """Send any text at all in an envelope that the bot can open."""
        olm = self.member.client.olm
        session = olm.outbound_group_sessions[self.room]
        assert session.shared
        return await self.sends("m.room.encrypted", {
            "algorithm": MEGOLM, "sender_key": olm.account.identity_keys["curve25519"],
            "ciphertext": session.encrypt(plaintext), "session_id": session.id, "device_id": olm.device_id,
        })  # fmt: skip

    async def answers(self) -> int:
        """How many messages this person has got by now."""
        await look(self.world)
        return sum(chat == self.member.user_id for chat, _event in matrix(self.world).matrix.delivered)

    async def is_still_heard(self) -> bool:
        before = await self.answers()
        assert await self.sends("m.room.message", {**TEXT, "body": "!my"})
        return await self.answers() > before


@pytest.fixture
async def odd(sqlite_database: Database, synapse: Synapse, tmp_path: Path) -> AsyncIterator[Odd]:
    """Ana will say odd things; Ben is the neighbour. Both have been greeted."""
    async with asyncio.timeout(60), world_with(sqlite_database, synapse, tmp_path) as world:
        await world.app.start()
        for name in ("ana", "ben"):
            await world.person(name).says("hello")
        world.clear()
        ana = Odd(world, *await member(world, "ana"))
        async with ana.member:
            del matrix(world).members["ana"]  # her app is not asked any more what it heard
            yield ana


async def neighbours_are_heard(odd: Odd) -> None:
    """Ben, and Ana as well: what was odd must not shut her out."""
    await odd.world.person("ben").says("/my")
    odd.world.person("ben").hears("no open case")
    odd.world.nobody_hears_anything_else()
    assert await odd.is_still_heard()


async def test_events_in_clear_that_are_not_what_they_should_be(odd: Odd) -> None:
    let_through = [await odd.sends(*each) for each in IN_CLEAR]
    assert sum(let_through) > len(IN_CLEAR) / 2
    before = await odd.answers()
    await neighbours_are_heard(odd)
    found = await handled(odd.world.database)
    assert found.keys() <= {"handled", "unreadable"}
    assert found["unreadable"] >= 5
    assert before - 1 >= found["unreadable"], "each of these was answered"
    print(f"{sum(let_through)} of {len(IN_CLEAR)} let through; {found}")  # noqa: T201


async def test_letters_and_depths_that_no_database_takes(odd: Odd) -> None:
    odd_ones = [
        json.dumps({"msgtype": "m.text", "body": "a\0b"}),
        json.dumps({"msgtype": "m.text", "body": "a\ud800b"}),
        *(
            f'{{"msgtype": "m.text", "body": "!my", "deep": {deep(n)}}}'
            for n in (60, 300, 700, 900, 960, 985, 990)
        ),
    ]
    let_through = [await odd.sends("m.room.message", each) for each in odd_ones]
    print(f"let through: {let_through}")  # noqa: T201
    await neighbours_are_heard(odd)
    assert (await handled(odd.world.database)).keys() == {"handled"}


async def test_what_is_sealed_and_cannot_be_opened_is_told_after_a_minute(odd: Odd) -> None:
    sent = sum([await odd.sends("m.room.encrypted", each) for each in SEALED_GARBAGE])
    assert sent >= 5
    before = await odd.answers()
    await neighbours_are_heard(odd)
    odd.world.time.moment += PATIENCE
    assert await odd.answers() == before + 1 + 1
    odd.world.time.moment += PATIENCE
    assert await odd.answers() == before + 1 + 1, "it is told once, for all of them"
    await restarted(odd.world)
    await neighbours_are_heard(odd)


SEALED: list[Callable[[str], str]] = [
    lambda room: "no JSON",
    lambda room: "[1, 2]",
    lambda room: "7",
    lambda room: "null",
    lambda room: deep(3000),
    lambda room: _event(room, '["a", "list"]'),
    lambda room: _event(room, '"words"'),
    lambda room: json.dumps({"type": "m.room.message", "room_id": room}),
    lambda room: _event(room, json.dumps({"msgtype": "m.text", "body": "a\ud800b\0c"})),
    lambda room: _event(room, json.dumps({"msgtype": "m.text", "body": 7})),
    lambda room: _event(room, json.dumps({"msgtype": {"a": 1}, "body": "hello"})),
    lambda room: _event(room, f'{{"msgtype": "m.text", "body": "hello", "deep": {deep(700)}}}'),
    lambda room: _event(room, json.dumps({**TEXT, "m.relates_to": [1]})),
    lambda room: _event(room, json.dumps({**TEXT, "number": 10**400})),
    lambda room: json.dumps({"type": ["m.room.message"], "content": TEXT, "room_id": room}),
    lambda room: _event("!another:room", json.dumps(TEXT)),
]


def _event(room: str, content: str) -> str:
    return f'{{"type": "m.room.message", "room_id": "{room}", "content": {content}}}'


async def test_odd_things_inside_what_can_be_opened(odd: Odd) -> None:
    assert all([await odd.seals(plaintext(odd.room)) for plaintext in SEALED])
    await neighbours_are_heard(odd)
    odd.world.time.moment += PATIENCE
    await look(odd.world)
    found = await handled(odd.world.database)
    assert found.keys() <= {"handled", "unreadable"}
    assert found["unreadable"] >= 2
    locked = dict((await kept(odd.world)).items("locked/"))
    assert all(each["told"] for each in locked.values())
    print(f"{len(SEALED)} sealed: {found}, {len(locked)} stay locked")  # noqa: T201
    await restarted(odd.world)
    await neighbours_are_heard(odd)


async def test_a_device_that_sends_rubbish_costs_nobody_else_a_key(odd: Odd) -> None:
    ben, his_room = await member(odd.world, "ben")
    mine = matrix(odd.world).matrix.client
    assert mine is not None
    own, device = mine.olm.account.identity_keys["curve25519"], mine.device_id
    key = odd.member.client.olm.account.identity_keys["curve25519"]
    rubbish: list[dict[str, Any]] = [
        {"type": 0, "body": "rubbish"}, {"type": 1, "body": "AA"}, {"type": 9}, {}, {"type": 0, "body": 7},
    ]  # fmt: skip
    for number, message in enumerate(rubbish):
        sealed = {
            "algorithm": "m.olm.v1.curve25519-aes-sha2",
            "sender_key": key,
            "ciphertext": {own: message},
        }
        path = f"/_matrix/client/v3/sendToDevice/m.room.encrypted/rubbish{number}"
        body = {"messages": {matrix(odd.world).bot_id: {device: sealed}}}
        await matrix(odd.world).synapse.call("PUT", path, body, odd.member.account.token)
    await ben.rotates(his_room)  # his new key comes right behind it
    await neighbours_are_heard(odd)


async def test_odd_states_of_a_room(odd: Odd) -> None:
    ana = odd.member
    strange: list[tuple[str, dict[str, Any], str]] = [
        ("m.room.member", {"membership": "join", "displayname": "A\0na" * 50}, ana.user_id),
        ("m.room.member", {"membership": "join", "displayname": 7, "avatar_url": []}, ana.user_id),
        ("m.room.name", {"name": {"a": 1}}, ""),
        ("m.room.topic", {"topic": []}, ""),
        ("m.room.canonical_alias", {"alias": 5}, ""),
        ("m.room.join_rules", {"join_rule": "nobody knows"}, ""),
        ("m.room.guest_access", {}, ""),
        ("m.room.pinned_events", {"pinned": "x"}, ""),
        ("m.room.power_levels", {"users": {ana.user_id: 100}, "events": {"m.room.message": 0}}, ""),
        ("m.room.power_levels", {"users": [], "users_default": "many"}, ""),
        ("m.room.message", TEXT, "a state that is none"),
    ]  # fmt: skip
    let_through = 0
    for kind, content, key in strange:
        path = f"/_matrix/client/v3/rooms/{odd.room}/state/{kind}/{key}"
        with contextlib.suppress(Refused):
            await matrix(odd.world).synapse.call("PUT", path, content, ana.account.token)
            let_through += 1
    assert let_through >= 5
    print(f"{let_through} of {len(strange)} states let through")  # noqa: T201
    await neighbours_are_heard(odd)
    await restarted(odd.world)
    await neighbours_are_heard(odd)
