"""Bring the schema up to date on start: one process does it, the others wait, a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

NEWEST = "0005"  # held equal to the newest file in migrations/versions by a test
_LOCK = 0x0C10AC  # PostgreSQL's advisory lock for migrations, any fixed number


class NewerSchema(Exception):
    """The database was written by a newer One Cloak than this one."""


async def migrate(engine: AsyncEngine, target: str = NEWEST) -> None:
    """Upgrade to `target` in one transaction; raises NewerSchema, and changes nothing then."""
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, target)


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
            "start the newer One Cloak that wrote it, or restore a backup from before the upgrade."
        )
    command.upgrade(config, target)


def current_revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    value = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return str(value) if value is not None else None
