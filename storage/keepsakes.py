"""What an account on a platform needs to go on after a restart: its login, keys and sessions, sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.database import Transaction
from storage.tables import Keepsake


def load(tx: Transaction, gateway: str) -> dict[str, Any]:
    """Everything that an account has kept, by its name."""
    rows = list(tx.session.scalars(sa.select(Keepsake).where(Keepsake.gateway == gateway)))
    tx.load_keys({row.key_id for row in rows})
    return dict(tx.open(row.key_id, "keepsake", row.sealed_value) for row in rows)


def write(tx: Transaction, now: datetime, gateway: str, changes: Mapping[str, Any]) -> None:
    """Keep new values; what is None is dropped. Neither names nor values stand in clear."""
    dropped = [_index(tx, gateway, name) for name, value in changes.items() if value is None]
    kept = {name: value for name, value in changes.items() if value is not None}
    key_id = _key(tx, now, gateway) if kept else None
    if dropped:
        tx.session.execute(sa.delete(Keepsake).where(Keepsake.gateway == gateway, Keepsake.name.in_(dropped)))
    if key_id is None:
        return
    engine = sqlite if tx.is_sqlite else postgresql
    insert = engine.insert(Keepsake)
    upsert = insert.on_conflict_do_update(
        index_elements=["gateway", "name"],
        set_={"key_id": insert.excluded.key_id, "sealed_value": insert.excluded.sealed_value},
    )
    rows = [
        {
            "gateway": gateway,
            "name": _index(tx, gateway, name),
            "key_id": key_id,
            "sealed_value": tx.seal(key_id, "keepsake", [name, value]),
        }
        for name, value in kept.items()
    ]
    tx.session.flush()  # the key stands before its first use
    tx.session.connection().execute(upsert, rows)


def _index(tx: Transaction, gateway: str, name: str) -> bytes:
    return tx.vault.index("keepsake", gateway, name)


def _key(tx: Transaction, now: datetime, gateway: str) -> UUID:
    """The account's own key: the one that seals what it has kept already, else a new one."""
    known = tx.session.scalars(sa.select(Keepsake.key_id).where(Keepsake.gateway == gateway).limit(1)).first()
    return known if known is not None else tx.new_key(now)
