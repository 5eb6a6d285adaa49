"""The homeserver that all Matrix tests share. Each test brings people with names of their own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.matrix_member import Member
from tests.synapse import Synapse

Newcomer = Callable[[str], Awaitable[Member]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """A Synapse without limits on loopback; it ends with the session, whatever happens in it."""
    server = Synapse(tmp_path_factory.mktemp("synapse"))
    # Loops of their own: the fixture may be asked for from inside a running one.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, server.start()).result()
        try:
            yield server
        finally:
            threads.submit(asyncio.run, server.stop()).result()


@pytest.fixture
async def newcomer(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Newcomer]:
    """Make people who leave at the end of the test. The name is only the beginning of the account's."""
    async with AsyncExitStack() as stack:

        async def come(name: str) -> Member:
            unique = f"{name}-{next(_numbers)}"
            return await stack.enter_async_context(await Member.join(synapse, unique, tmp_path / unique))

        yield come
