"""Bring the schema up to date on start: one process does it, the others wait, a newer one is refused."""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engines import lasts_as_long_as_it_must

log = logging.getLogger(__name__)

NEWEST = "0006"  # held equal to the newest file in migrations/versions by a test
ENCODINGS = ("UTF8", "SQL_ASCII")  # of PostgreSQL, in which each letter comes back as it was written
_LOCK = 0x0C10AC  # PostgreSQL's advisory lock for migrations, any fixed number

# The version before may be at work. While the upgrade waits for one of its tables, and has locked others,
# it waits as well; after a second PostgreSQL would sacrifice one of the two. The upgrade gives way before.
_PATIENCE = "500ms"
_PAUSE = 0.5  # seconds in which those at work catch up
_IN_THE_WAY = ("55P03", "40P01")  # PostgreSQL's codes: a lock that was not to be had, and a sacrifice


class NewerSchema(Exception):
    """The database was written by a newer One Cloak than this one."""


class NotUnicode(Exception):
    """The database lacks most letters of the world; what is said in them could not be looked up."""


async def migrate(engine: AsyncEngine, target: str = NEWEST) -> None:
    """Upgrade to `target` in one transaction; raises NewerSchema or NotUnicode, and changes nothing then.

    On PostgreSQL it begins anew until it gets in between those who are at work.
    """
    for attempt in count():
        try:
            async with engine.begin() as connection:
                await connection.run_sync(lasts_as_long_as_it_must)
                if engine.dialect.name == "postgresql":
                    await connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
                await connection.run_sync(_refuse_what_lacks_letters)
                await connection.run_sync(upgrade, target)
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
                raise
        if attempt == 0:
            log.info("the schema waits for a moment in which nobody is at work on its tables")
        await asyncio.sleep(_PAUSE)


def upgrade(connection: sa.Connection, target: str = NEWEST) -> None:
    """The same within a transaction of the caller's."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    current = current_revision(connection)
    if current == target:
        return  # without loading Alembic: most starts come this way
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise NewerSchema(
            f"The database has schema {current}, which this version does not know: "
            "start the newer One Cloak that wrote it, go back as docs/scaling.md says, "
            "or restore a backup from before the upgrade."
        )
    command.upgrade(config, target)


def _refuse_what_lacks_letters(connection: sa.Connection) -> None:
    """Who lives in such a database already is told by the doctor."""
    if connection.dialect.name == "sqlite":
        return
    encoding = connection.scalar(sa.text("SHOW server_encoding"))
    if encoding not in ENCODINGS and current_revision(connection) is None:
        raise NotUnicode(f"its encoding is {encoding}")


def current_revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    value = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return str(value) if value is not None else None
