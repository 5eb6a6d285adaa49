"""A bot whose PostgreSQL stands on a small disk that fills up: run in a name space of its own.

    python -m tests.faults.postgres_disk_child FOLDER

FOLDER is on that disk, and so is all that the server keeps.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from tests.engines import create_postgres, open_database, postgres_that_restarts
from tests.faults.matrix_tools import until
from tests.faults.test_disk import running_bot
from tests.faults.test_postgres_troubles import PEOPLE, all_are_answered_once, all_write, is_up
from tests.world import World

LONG = "a long story " * 250


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


async def everybody_tells_long_stories(world: World) -> None:
    for name in PEOPLE:
        for _time in range(12):
            await world.platform.says(name, LONG)


async def story(folder: Path) -> None:
    with postgres_that_restarts() as (server, restart):
        url = await create_postgres(server, "onecloak")
        database = await open_database(url)
        async with running_bot(database) as world:
            await is_up(world)
            fill(folder / "filling")
            failures = world.app.loops.walls.total()
            await all_write(world)
            await everybody_tells_long_stories(world)
            await until(lambda: world.app.loops.walls.total() > failures + 3)
            await asyncio.sleep(3)
            (folder / "filling").unlink()
            with suppress(Exception):  # where the server itself has given up, the operator starts it again
                if not await _answers(url):
                    restart()
                    sys.stdout.write("the server had ended\n")
            await all_are_answered_once(world, others=12 * len(PEOPLE))
        await database.close()
    sys.stdout.write("recovered\n")


async def _answers(url: str) -> bool:
    import asyncpg

    for _time in range(10):
        with suppress(OSError, asyncpg.PostgresError):
            await (await asyncpg.connect(url.replace("+asyncpg", ""), timeout=5)).close()
            return True
        await asyncio.sleep(1)
    return False


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    os.environ.pop("XDG_RUNTIME_DIR", None)
    asyncio.run(story(Path(sys.argv[1])))
