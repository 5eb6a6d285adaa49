"""What all tables are made of, and what this deployment knows of itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Dialect, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# How many moments and ids are remembered as they stand in SQLite: those of a batch come again and again.
REMEMBERED = 4_096


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment in UTC: a value without a zone is refused on the way in, and never comes out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _moment_to_text if dialect.name == "sqlite" else _in_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _moment_from_text if dialect.name == "sqlite" else _in_utc


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return moment.astimezone(UTC)


@lru_cache(REMEMBERED)
def _moment_to_text(moment: datetime | None) -> str | None:
    moment = _in_utc(moment)
    return None if moment is None else moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _moment_from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class Identifier(sa.Uuid[UUID]):
    """A random id; on SQLite 32 hexadecimal digits, of which one id is made however often they are read."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], UUID | None] | None:
        if dialect.name == "sqlite":
            return _id_from_text
        return super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call, no-any-return]


@lru_cache(REMEMBERED)
def _id_from_text(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: UtcTime(),
        dict[str, Any]: sa.JSON(),
        list[dict[str, str]]: sa.JSON(),
        bytes: sa.LargeBinary(),
        str: sa.String(),
        UUID: Identifier(),
    }
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def belongs(column: str, on_delete: str = "CASCADE") -> ForeignKey:
    """A foreign key checked at the commit: the order in which a turn's rows are written is free."""
    return ForeignKey(column, ondelete=on_delete, deferrable=True, initially="DEFERRED")


EMPTY = sa.text("''")

# SQLite counts up only in a plain INTEGER key; PostgreSQL wants the wider one.
Counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Fact(Base):
    """What this deployment knows of itself: its master key's fingerprint, when its last backup was made."""

    __tablename__ = "facts"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Key(Base):
    """A sealing key, wrapped by the master key. `purge_at`: an intake key that is destroyed in time."""

    __tablename__ = "keys"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]
    purge_at: Mapped[datetime | None] = mapped_column(index=True)
