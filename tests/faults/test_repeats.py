"""The same events at once, twice, or interleaved anew end in the same state as once and in order."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from bot.adapters import RawEvent
from handlers.matching import MOST_OPEN
from storage.database import Database, Transaction
from storage.tables import Alert, AlertNote, Conversation, Inbox, Need, Offer
from tests.engines import open_database, sqlite_url
from tests.storage import BOTH_ENGINES
from tests.world import World, console_world

pytestmark = BOTH_ENGINES
ASKERS = [f"asker{number}" for number in range(8)]
DIALOG = ("/need", "I urgently need someone to fetch my insulin", "yes", "41.40, 2.16", "hello")
DANGER = ("SOS", "SOS please", "third floor", "the blue door", "second bell")
LINES = ("one", "two", "three", "four", "five")
NAMES = re.compile(r"\b([NA])-[0-9A-Z]{4}\b")


def events() -> list[RawEvent]:
    """Fifty: eight ask for help, one is in danger, one writes to a volunteer; each says five things."""
    said = {**dict.fromkeys(ASKERS, DIALOG), "victim": DANGER, "ana": LINES}
    return [
        RawEvent(f"{who}:{number}", who, {"id": f"{who}-{number}", "name": who, "text": said[who][number]},
                 said[who][number])
        for number in range(5)
        for who in said
    ]  # fmt: skip


@dataclass(frozen=True)
class State:
    """All that must come out the same, however the people's events were interleaved."""

    heard: dict[str, list[str]]  # in order
    askers: list[list[str]]  # what each heard, in order; who was first, and so had Ben asked, may differ
    asked: list[str]  # what Ben was asked, by whomever first
    relayed: list[str]
    needs: list[tuple[object, ...]]
    alerts: list[tuple[object, ...]]
    notes: list[str]
    outcomes: Counter[str | None]
    open_forms: int | None


async def state(world: World) -> State:
    heard = {
        name: [NAMES.sub(r"\1-0000", message.text) for message in friend.inbox]
        for name, friend in world.people.items()
        if friend.inbox
    }
    ben = heard.pop("ben")
    heard["carla"].sort()  # alerts come as people's cares do, in any order
    askers = sorted(heard.pop(name) for name in ASKERS)
    relayed = [text for text in ben if "from the one who asked" in text]
    asked = sorted(text for text in ben if text not in relayed)
    return await world.database.run(lambda tx: _state(tx, heard, askers, asked, relayed))


def _state(
    tx: Transaction, heard: dict[str, list[str]], askers: list[list[str]], asked: list[str],
    relayed: list[str],
) -> State:  # fmt: skip
    needs = tx.session.execute(sa.select(Need.skill, Need.state, Need.urgent, Need.latitude, Need.longitude))
    alerts = tx.session.execute(sa.select(Alert.kind, Alert.state, Alert.step))
    notes = tx.session.scalars(sa.select(AlertNote))
    return State(
        heard,
        askers,
        asked,
        relayed,
        sorted(tuple(row) for row in needs),
        sorted(tuple(row) for row in alerts),
        sorted(str(tx.open(note.key_id, "alert note", note.sealed_words)) for note in notes),
        Counter(tx.session.scalars(sa.select(Inbox.outcome))),
        tx.session.scalar(sa.select(sa.func.count()).select_from(Conversation)),
    )


@asynccontextmanager
async def gathered(database: Database) -> AsyncIterator[World]:
    """Carla coordinates, Ben helps Ana and could help more, and nothing else has happened yet."""
    async with console_world(database) as world:
        await world.coordinator("carla")
        ben = await world.volunteer("ben")
        await world.need("ana")
        await ben.presses("I can")
        await database.run(lambda tx: tx.session.execute(sa.update(Offer).values(capacity=len(ASKERS))))
        world.clear()
        yield world


async def accept(world: World, batch: Sequence[RawEvent]) -> None:
    await world.app.stations[0].gateway.accept(batch, None)


@pytest.fixture(scope="module")
def once_and_in_order(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> State:
    """What all the others are measured by."""
    path = tmp_path_factory.mktemp("once") / "onecloak.db"
    shutil.copy(sqlite_template, path)

    async def tell() -> State:
        database = await open_database(sqlite_url(path))
        async with gathered(database) as world:
            for event in events():
                await accept(world, [event])
                await world.settle()
            found = await state(world)
        await database.close()
        return found

    return asyncio.run(tell())


def test_the_measure_is_what_it_should_be(once_and_in_order: State) -> None:
    told = once_and_in_order
    assert len(told.needs) == len(ASKERS) + 1
    assert {kind for kind, *_ in told.alerts} == {"sos", "unanswered"}
    assert [kind for kind, *_ in told.alerts].count("sos") == 1
    assert told.notes == sorted(DANGER)
    assert [text.splitlines()[-1] for text in told.relayed] == list(LINES)
    assert len(told.asked) == MOST_OPEN
    assert told.outcomes.keys() == {"handled"}
    assert told.open_forms == 0


async def test_at_once(database: Database, once_and_in_order: State) -> None:
    async with gathered(database) as world:
        await asyncio.gather(*(accept(world, events()) for _copy in range(5)))
        await world.settle()
        assert await state(world) == once_and_in_order


async def test_twice(database: Database, once_and_in_order: State) -> None:
    async with gathered(database) as world:
        for _time in range(2):
            await accept(world, events())
            await world.settle()
        assert await state(world) == once_and_in_order


@pytest.mark.parametrize("seed", range(3))
async def test_interleaved_anew_with_repeats(database: Database, once_and_in_order: State, seed: int) -> None:
    random = Random(seed)
    async with gathered(database) as world:
        for batch in _batches(_repeated(_interleaved(random), random), random):
            await accept(world, batch)
            if random.random() < 0.3:
                await world.settle()
        await world.settle()
        assert await state(world) == once_and_in_order


def _interleaved(random: Random) -> list[RawEvent]:
    """Each person's events in their order, the people's in any."""
    queues: dict[str, list[RawEvent]] = {}
    for event in events():
        queues.setdefault(event.chat, []).append(event)
    turns = [event.chat for event in events()]
    random.shuffle(turns)
    return [queues[who].pop(0) for who in turns]


def _repeated(said: Sequence[RawEvent], random: Random) -> list[RawEvent]:
    """Every event comes once more, somewhere behind its first time."""
    mixed = list(said)
    for event in said:
        mixed.insert(random.randint(mixed.index(event) + 1, len(mixed)), event)
    return mixed


def _batches(said: Sequence[RawEvent], random: Random) -> Iterator[Sequence[RawEvent]]:
    start = 0
    while start < len(said):
        size = random.randint(1, 20)
        yield said[start : start + size]
        start += size
