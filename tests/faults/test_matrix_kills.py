"""Killed at any moment while people rotate their keys, the bot loses no message and no key."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from tests.engines import open_database, sqlite_url
from tests.faults.child import STEPS
from tests.faults.matrix_kills import MatrixNursery, Someone, Story
from tests.matrix_member import Member
from tests.synapse import Synapse

PEOPLE = 4
# Two kills between two moments of rest: an event that is there at three is set aside, which is promised too.
TOGETHER = 2
SEED = 20260302


@asynccontextmanager
async def story(synapse: Synapse, template: Path, folder: Path, seed: int) -> AsyncIterator[Story]:
    """The bot runs, everyone has been greeted, nobody has been killed yet."""
    path, name = folder / "onecloak.db", f"mortal-{seed}"
    shutil.copy(template, path)
    await synapse.register(name)
    async with AsyncExitStack() as stack:
        database = await open_database(sqlite_url(path))
        stack.push_async_callback(database.close)
        raised = MatrixNursery(synapse, synapse.user_id(name), sqlite_url(path), folder)
        nursery = await stack.enter_async_context(raised)
        await nursery.start()
        people = []
        for number in range(PEOPLE):
            account = f"writer-{seed}-{number}"
            member = await stack.enter_async_context(await Member.join(synapse, account, folder / account))
            room = await member.open_chat(synapse.user_id(name))
            people.append(Someone(member, room, [await member.says(room, "hello")]))
        told = Story(database, nursery, people, Random(seed))
        await told.rest()
        yield told


async def test_killed_while_keys_rotate(synapse: Synapse, sqlite_template: Path, tmp_path: Path) -> None:
    steps = [STEPS[n] for n in (0, 1, 7, 5, 8)]  # where keys, events, answers and their fates are written
    async with story(synapse, sqlite_template, tmp_path, SEED) as told:
        for step in steps:
            await told.one_round([f"{step}:1", ""])
        print(await told.check())  # noqa: T201
        assert told.kills.total() == TOGETHER * len(steps)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(4))
async def test_killed_at_random_while_keys_rotate(
    part: int, synapse: Synapse, sqlite_template: Path, tmp_path: Path
) -> None:
    seed = SEED + 1 + part
    async with story(synapse, sqlite_template, tmp_path, seed) as told:
        while told.kills.total() < 26:
            chosen = told.random.choices(("", *(f"{step}:1" for step in STEPS)), k=TOGETHER)
            await told.one_round([chosen[0], ""] if chosen[0] else chosen)
        print(f"seed {seed}: {await told.check()}")  # noqa: T201
