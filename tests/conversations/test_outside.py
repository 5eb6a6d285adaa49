"""The second way out: nobody can be told in the chats, so the operator's own way is tried until it works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from bot.adapters import NotSent, Outgoing
from bot.app import App
from bot.outside import WayFailed
from handlers.context import Union
from storage import outside
from storage.database import Database, Transaction
from storage.tables import Audit, Drill, OutsideCall
from tests.conversations.crews import coordinator, crew, raises, the_alert
from tests.world import NOON, World, console_world

WAYS = ("command", "webhook")
UNION = Union(country="ES", outside_ways=WAYS)


@dataclass
class Phone:
    """A way that keeps what it was told; broken it fails."""

    told: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False
    tries: int = 0

    async def call(self, body: bytes) -> None:
        self.tries += 1
        if self.broken:
            raise WayFailed("it is broken")
        self.told.append(orjson.loads(body))


@dataclass
class Story:
    world: World
    phone: Phone
    siren: Phone


@pytest.fixture
async def story(sqlite_database: Database) -> AsyncIterator[Story]:
    phone, siren = Phone(), Phone()
    async with console_world(sqlite_database, UNION, dict(zip(WAYS, (phone, siren), strict=True))) as world:
        yield Story(world, phone, siren)


async def calls(world: World) -> list[OutsideCall]:
    query = sa.select(OutsideCall).order_by(OutsideCall.created_at, OutsideCall.way)
    return list(await world.database.run(lambda tx: tx.session.scalars(query).all()))


async def test_no_coordinator_at_all(story: Story) -> None:
    world, ana = story.world, story.world.person("ana")
    await ana.says("/sos 41.4000, 2.1600 my father does not wake up")
    ana.hears("112", "could not reach any coordinator")
    ana.hears("could not reach any coordinator", "I also try to reach them outside this chat", "112")
    world.nobody_hears_anything_else()

    [said] = story.phone.told
    assert story.siren.told == [said]
    reference = (await the_alert(world)).reference
    assert said == {
        "drill": False, "reference": reference, "kind": "sos", "danger": "medical",
        "severity": 1, "state": "open",
        "opened_at": "2026-03-02T12:00:00+00:00", "attempt": 1,
        "area": {"name": None, "latitude": pytest.approx(41.40, abs=0.01),
                 "longitude": pytest.approx(2.16, abs=0.01)},
    }  # fmt: skip
    whole = orjson.dumps(said).decode()
    assert not any(word in whole for word in ("father", "ana", "41.4000", "2.1600"))
    audit = await world.database.run(lambda tx: tx.session.scalars(sa.select(Audit.action)).all())
    assert [each for each in audit if "outside by" in each] == [
        "began to call outside by command", "began to call outside by webhook",
        "called outside by command", "called outside by webhook",
    ]  # fmt: skip


async def test_it_is_repeated_once_a_round_and_ends_when_someone_has_taken_charge(story: Story) -> None:
    world, ana = story.world, story.world.person("ana")
    await ana.says("sos")
    await world.forward(hours=1)
    assert 4 <= len(story.phone.told) <= 12
    before = len(story.phone.told)
    carla = world.person("carla")
    await carla.says(f"/join {await world.code('coordinator')}")
    await carla.presses("I take it")
    await world.forward(minutes=59)
    assert len(story.phone.told) == before


async def test_what_fails_is_tried_again_ever_more_rarely_and_is_not_told_as_done(story: Story) -> None:
    world, ana = story.world, story.world.person("ana")
    story.phone.broken = story.siren.broken = True
    await ana.says("sos")
    ana.hears("112", "could not reach")
    world.nobody_hears_anything_else()
    await world.forward(hours=12)
    assert not any("outside this chat" in each.text for each in ana.inbox)
    assert 15 <= story.phone.tries <= 25
    assert [(each.state, each.reason) for each in await calls(world)] == [("waiting", "it is broken")] * 2

    story.phone.broken = False
    world.clear()
    await world.forward(hours=1, minutes=1)
    assert story.phone.told[0]["attempt"] == 1 + story.phone.tries - len(story.phone.told)
    assert any("outside this chat" in each.text and not each.changed for each in ana.inbox)


async def test_everyone_who_was_told_blocks_the_bot(story: Story) -> None:
    world = story.world
    carla = await coordinator(world, "carla")
    await world.person("ana").says("sos")
    assert story.phone.told == []
    await carla.blocks_the_bot()
    await world.forward(seconds=5)
    assert len(story.phone.told) == len(story.siren.told) == 1


async def test_a_life_is_at_stake_and_a_whole_round_brought_nobody(story: Story) -> None:
    world = story.world
    await crew(world)
    await raises(world, "sos", severity=1)
    await world.forward(seconds=329)
    assert story.phone.told == []
    await world.forward(seconds=1)
    assert [each["severity"] for each in story.phone.told] == [1]
    ana = world.person("ana")
    assert any("outside this chat" in each.text and not each.changed for each in ana.inbox)
    await world.forward(hours=12)
    rounds = len(story.phone.told)
    assert 20 <= rounds <= 40
    assert (await the_alert(world)).step > 2 * rounds


async def test_what_can_wait_calls_nobody_out_of_bed_while_coordinators_are_told(story: Story) -> None:
    world = story.world
    await crew(world)
    await raises(world, "unanswered")
    await world.forward(hours=12)
    assert story.phone.told == []


async def test_their_platform_takes_no_message(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cards wait for it, and nobody has one: after a round the other way is tried."""
    world = story.world
    await crew(world)

    async def away(_message: Outgoing) -> tuple[str, ...]:
        raise NotSent("it is away")

    monkeypatch.setattr(world.platform.adapter, "send", away)
    await raises(world, "sos")
    await world.forward(seconds=659)
    assert story.phone.told == []
    await world.forward(seconds=1)
    assert len(story.phone.told) == 1


async def test_without_a_way_nothing_is_queued(world: World) -> None:
    await world.person("ana").says("sos")
    await world.forward(hours=1)
    assert await calls(world) == []


async def test_who_may_be_watched_hears_nothing_of_it(story: Story) -> None:
    """The words may be read by another: only what Ana asks for is answered."""
    world, ana = story.world, story.world.person("ana")
    story.phone.broken = story.siren.broken = True
    await ana.says("sos")
    alert = await the_alert(world)
    await world.database.run(lambda tx: setattr(tx.session.merge(alert), "writing", "unknown"))
    world.clear()
    story.phone.broken = False
    await world.forward(hours=1)
    assert story.phone.told
    ana.hears_nothing()
    await ana.says("It is the third floor")
    ana.hears("written this down")


async def test_the_process_ends_in_the_middle_of_a_call(story: Story) -> None:
    """The next one calls again: twice is better than never."""
    world = story.world

    class Deadly(Phone):
        async def call(self, body: bytes) -> None:
            raise Killed

    class Killed(BaseException): ...

    world.app.outside.ways = {"command": Deadly(), "webhook": story.siren}
    with pytest.raises(Killed):
        await world.person("ana").says("sos")
    ways = {"command": story.phone, "webhook": story.siren}
    world.app = App.compose(world.database, world.core, [world.platform.adapter], now=world.time, ways=ways)
    await world.app.start()
    await world.settle()
    assert len(story.phone.told) == 1
    assert {each.state for each in await calls(world)} == {"done"}


async def test_a_way_that_is_taken_out_of_the_settings_is_said_to_be(story: Story) -> None:
    world = story.world
    world.app.outside.ways = {"webhook": story.siren}
    await world.person("ana").says("sos")
    found = {each.way: (each.state, each.reason) for each in await calls(world)}
    assert found == {"command": ("waiting", "it is not configured any more"), "webhook": ("done", None)}


@pytest.mark.parametrize("broken", [False, True])
async def test_a_drill_is_marked_as_one_and_not_tried_for_ever(story: Story, broken: bool) -> None:
    world = story.world
    story.phone.broken = broken

    def begin(tx: Transaction) -> None:
        drill = Drill(id=tx.new_id(), reference="D-7K3Q", begun_at=world.time())
        tx.session.add(drill)
        tx.session.flush()
        outside.add(tx, world.time(), "command", drill_id=drill.id)

    await world.database.run(begin)
    await world.forward(minutes=10)
    [call] = await calls(world)
    if broken:
        assert (call.state, call.attempts, call.reason) == ("failed", 3, "it is broken")
    else:
        assert story.phone.told == [
            {"drill": True, "reference": "D-7K3Q", "opened_at": NOON.isoformat(), "attempt": 1}
        ]
