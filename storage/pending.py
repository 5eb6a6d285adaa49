"""What a transaction has decided and not written yet: rows that most turns make, written together.

They are no objects of the session: to keep one there takes longer than all else that is done with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.among import among
from storage.tables import Account, Base, Choice, Conversation, Key, OpenForm, Outbox, Person

_HEARD = (
    sa.update(Person.__table__)  # type: ignore[arg-type]
    .where(among(Person.id, "people"))
    .values(last_heard_at=sa.bindparam("now"))
)
_SPOKE = (
    sa.update(Account.__table__)  # type: ignore[arg-type]
    .where(among(Account.id, "accounts"))
    .values(last_spoke_at=sa.bindparam("now"))
)
_CLOSED = sa.delete(Conversation.__table__).where(  # type: ignore[arg-type]
    among(Conversation.account_id, "accounts")
)


def _saved(dialect: Any) -> Any:
    """Keep an open form in the place of the one that the chat had before."""
    insert = dialect.insert(Conversation.__table__)
    new = {name: insert.excluded[name] for name in OpenForm._fields if name != "account_id"}
    return insert.on_conflict_do_update(index_elements=["account_id"], set_=new)


_SAVED = {"sqlite": _saved(sqlite), "postgresql": _saved(postgresql)}


@dataclass(slots=True)
class Pending:
    """The rows that are to be written, in the order in which they were made."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    choices: list[dict[str, Any]] = field(default_factory=list)
    outgoing: list[dict[str, Any]] = field(default_factory=list)
    forms: dict[UUID, OpenForm | None] = field(default_factory=dict)  # by account; None: it was closed
    heard: set[UUID] = field(default_factory=set)  # people who said something, and below in which accounts
    spoke: set[UUID] = field(default_factory=set)
    heard_at: datetime | None = None

    def write(self, connection: sa.Connection) -> None:
        """Write all of it; the objects of the session were written before."""
        _insert(connection, Key, self.keys)
        if self.heard:
            connection.execute(_HEARD, {"people": self.heard, "now": self.heard_at})
        if self.spoke:
            connection.execute(_SPOKE, {"accounts": self.spoke, "now": self.heard_at})
        closed = [account for account, form in self.forms.items() if form is None]
        if closed:
            connection.execute(_CLOSED, {"accounts": closed})
        saved = [form._asdict() for form in self.forms.values() if form is not None]
        if saved:
            connection.execute(_SAVED[connection.dialect.name], saved)
        _insert(connection, Choice, self.choices)
        _insert(connection, Outbox, self.outgoing)


def _insert(connection: sa.Connection, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Write rows together; what none of them fills is not named."""
    filled = {name for row in rows for name, value in row.items() if value is not None}
    if rows:
        named = [{name: row.get(name) for name in filled} for row in rows]
        connection.execute(sa.insert(table.__table__), named)  # type: ignore[arg-type]
