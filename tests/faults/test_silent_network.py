"""The way to PostgreSQL goes silent: nothing is refused, nothing comes back, and no connection ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.engines import create_postgres, open_database
from tests.faults.hosts import Silence, passage
from tests.faults.test_disk import running_bot
from tests.faults.test_postgres_troubles import all_are_answered_once, all_write, is_up
from tests.storage import BOTH_ENGINES

pytestmark = BOTH_ENGINES
LOOPBACK = "127.0.0.1"


@pytest.fixture
def silences() -> list[Silence]:
    return [Silence()]


@pytest.fixture
async def far(
    postgres: str, postgres_template: str, silences: list[Silence], request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """A PostgreSQL that is reached over a network."""
    url = await create_postgres(postgres, f"silent_{abs(hash(request.node.name))}", postgres_template)
    near = await open_database(url)
    where = f"{near.url.query['host']}/.s.PGSQL.5432"
    await near.close()
    async with passage(LOOPBACK, socket=where, silences=silences) as port:
        name = near.url.database
        database = await open_database(f"postgresql+asyncpg://postgres@{LOOPBACK}:{port}/{name}")
        yield database
        await database.close()


@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.faults)])
async def test_what_was_asked_in_a_silence_is_answered_once_when_it_is_over(
    far: Database, silences: list[Silence], seconds: int
) -> None:
    """In the middle of transactions; and for longer than a lease lasts."""
    async with running_bot(far) as world:
        await is_up(world)
        await all_write(world)
        await asyncio.sleep(0.2)
        silences[-1].falls()
        await asyncio.sleep(seconds)
        silences[-1].is_over()
        await all_are_answered_once(world)


@pytest.mark.faults
async def test_connections_on_which_nothing_ever_comes_back_are_left_for_new_ones(
    far: Database, silences: list[Silence]
) -> None:
    """As behind a proxy that has lost its server: it confirms all that is sent, and no answer comes."""
    async with running_bot(far) as world:
        world.app.loops.longest_turn = 3.0
        await is_up(world)
        await all_write(world)
        await asyncio.sleep(0.2)
        silences[-1].falls()
        silences.append(Silence())  # what begins from now on comes through
        # PostgreSQL itself leaves what is idle after 15 s, and what is in the middle of a question after 110.
        await all_are_answered_once(world, within=180)
