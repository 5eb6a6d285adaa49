"""What all tables are made of, and what this deployment knows of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Dialect, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment in UTC: a value without a zone is refused on the way in, and never comes out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: UtcTime(),
        dict[str, Any]: sa.JSON(),
        list[dict[str, str]]: sa.JSON(),
        bytes: sa.LargeBinary(),
        str: sa.String(),
        UUID: sa.Uuid(),
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
