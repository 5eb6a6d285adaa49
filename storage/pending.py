"""What a transaction has decided and not written yet: rows that most turns make, written together.

They are no objects of the session: to keep one there takes longer than all else that is done with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from storage.adding import add_all
from storage.among import among
from storage.tables import Account, Choice, Conversation, Key, OpenForm, Outbox, Person

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
        add_all(connection, Key, self.keys)
        if self.heard:
            connection.execute(_HEARD, {"people": self.heard, "now": self.heard_at})
        if self.spoke:
            connection.execute(_SPOKE, {"accounts": self.spoke, "now": self.heard_at})
        closed = [account for account, form in self.forms.items() if form is None]
        if closed:
            connection.execute(_CLOSED, {"accounts": closed})
        # An open form takes the place of the one that the chat had before.
        saved = [form._asdict() for form in self.forms.values() if form is not None]
        add_all(connection, Conversation, saved, in_place_of="account_id")
        add_all(connection, Choice, self.choices)
        add_all(connection, Outbox, self.outgoing)
