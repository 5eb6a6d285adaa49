"""What all tests share: databases on both engines, worlds of people on every platform."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from tests.engines import MEMORY, Engines, create_postgres, open_database, postgres_server, sqlite_url
from tests.matrix_fixtures import newcomer, synapse
from tests.matrix_world import matrix_world
from tests.world import World, console_world, telegram_world

__all__ = ["newcomer", "synapse"]

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """The files of tests live in memory where that can be: thousands of durable commits are quick there."""
    if config.option.basetemp is None and MEMORY is not None:
        config.option.basetemp = tempfile.mkdtemp(prefix="onecloak-tests-", dir=MEMORY)


def pytest_unconfigure(config: pytest.Config) -> None:
    if MEMORY is not None and str(config.option.basetemp).startswith(f"{MEMORY}/onecloak-tests-"):
        shutil.rmtree(config.option.basetemp, ignore_errors=True)


def _run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a thread of its own: a fixture may be asked for from inside a running loop."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "template.db"

    async def make() -> None:
        await (await open_database(sqlite_url(path))).close()

    _run_apart(make())
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running PostgreSQL, in which each test makes a database of its own."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    async def make() -> None:
        url = await create_postgres(postgres, "onecloak_template")
        await (await open_database(url)).close()

    _run_apart(make())
    return "onecloak_template"


@pytest.fixture(scope="session")
def engines() -> Engines:
    return Engines()


@pytest.fixture(params=["sqlite", "postgres"])
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, engines: Engines
) -> AsyncIterator[Database]:
    """A migrated database, once on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "onecloak.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = sqlite_url(path)
    else:
        template = request.getfixturevalue("postgres_template")
        url = await create_postgres(request.getfixturevalue("postgres"), f"test_{next(_numbers)}", template)
    async with engines.open(url) as made:
        yield made


@pytest.fixture
async def sqlite_database(sqlite_template: Path, tmp_path: Path, engines: Engines) -> AsyncIterator[Database]:
    path = tmp_path / "onecloak.db"
    shutil.copy(sqlite_template, path)
    async with engines.open(sqlite_url(path)) as made:
        yield made


@pytest.fixture
async def world(sqlite_database: Database) -> AsyncIterator[World]:
    """People who talk to the bot through the console; most stories are told here."""
    async with console_world(sqlite_database) as made:
        yield made


@pytest.fixture(params=["console", "telegram", "matrix"])
async def any_world(
    request: pytest.FixtureRequest, sqlite_database: Database, tmp_path: Path
) -> AsyncIterator[World]:
    """The same people on each platform: what works on one works on all."""
    if request.param == "matrix":
        async with matrix_world(sqlite_database, request.getfixturevalue("synapse"), tmp_path) as made:
            yield made
        return
    worlds = {"console": console_world, "telegram": telegram_world}
    async with worlds[request.param](sqlite_database) as made:
        yield made
