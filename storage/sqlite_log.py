"""SQLite's log (WAL) keeps former pages until they are written over, those with destroyed keys too.

So whoever copies the files, or takes the disk of a machine that died, could still open what was forgotten.
"""

from __future__ import annotations

import logging
import sqlite3

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = logging.getLogger(__name__)

PATIENCE = 200  # milliseconds: nobody else's turn comes meanwhile
CUT_OFF = "PRAGMA wal_checkpoint(TRUNCATE)"


async def empty(engine: AsyncEngine, busy_milliseconds: int) -> bool:
    """Move all into the main file and cut the log off; False while somebody reads an older state.

    busy_milliseconds: how long this connection waits for a lock otherwise. Raises nothing: what was to be
    committed is committed.
    """
    try:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.run("execute", f"PRAGMA busy_timeout = {PATIENCE}", ())
            try:
                ((is_busy, _pages, _moved),) = (await driver.run("execute", CUT_OFF, ()))[0]
            finally:
                await driver.run("execute", f"PRAGMA busy_timeout = {busy_milliseconds}", ())
    except (sqlite3.Error, SQLAlchemyError, OSError) as error:
        log.warning("the database's log can't be emptied (%s); it is tried again", type(error).__name__)
        return False
    return not is_busy
