"""The books after a story of kills: what came in, what was done, what went out, and what came twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from handlers.context import Core, Moment
from handlers.membership import make_code
from storage.database import Database, Transaction
from storage.tables import Account, Alert, AlertNote, Inbox, Lease, Need, Outbox
from tests.bot_api import BotApi
from tests.faults.crowd import Crowd, Someone

UNKNOWN = "I don't know if your last message arrived"


@dataclass
class Books:
    """Reads the database beside the bot, which may be dead or alive."""

    database: Database
    api: BotApi
    kills: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[bytes] = field(default_factory=Counter)  # readers with a message on its way at a kill

    async def codes(self, core: Core) -> tuple[str, list[str]]:
        def make(tx: Transaction) -> list[str]:
            moment = Moment(core, tx, datetime.now(UTC))
            return [make_code(moment, role, 1) for role in ("coordinator", "member", "member")]

        coordinator, *members = await self.database.run(make)
        return coordinator, members

    async def killed(self, order: str) -> None:
        """Note a kill and what was on its way then; the claims of the dead run out at once."""

        def look(tx: Transaction) -> list[bytes]:
            if not self.database.is_sqlite:
                tx.session.execute(
                    sa.update(Inbox).where(Inbox.outcome.is_(None)).values(claimed_until=datetime.now(UTC))
                )
                tx.session.execute(sa.delete(Lease))
            return list(tx.session.scalars(sa.select(Outbox.recipient).where(Outbox.state == "sending")))

        self.kills[order.partition(":")[0]] += 1
        self.uncertain.update(await self.database.run(look))

    async def is_quiet(self) -> bool:
        """Whether everything was received, handled, sent and recorded."""

        def left(tx: Transaction) -> int:
            waiting = sa.select(sa.func.count()).where(Outbox.state.in_(("waiting", "sending")))
            unhandled = sa.select(sa.func.count()).where(Inbox.outcome.is_(None))
            return (tx.session.scalar(waiting) or 0) + (tx.session.scalar(unhandled) or 0)

        return not len(self.api.updates) and not await self.database.run(left)

    async def check(self, crowd: Crowd) -> str:
        """Everything once, nothing lost; returns the counts in a sentence."""
        inbox, outbox = await self.database.run(_queues)
        pushed = self.api.updates.next_number - 1
        assert Counter(row.outcome for row in inbox) == {"handled": len(inbox)}
        assert sum(row.gateway == "telegram" for row in inbox) == pushed
        await self.database.run(lambda tx: _effects_once(tx, crowd))
        uncertain = _nothing_is_lost(self.api, outbox)
        lost_lines = _lines_at_most_once(self.api, crowd, uncertain)
        unrecorded = self._unrecorded(outbox)
        doubled = unrecorded - (uncertain - lost_lines)  # a relayed line of unknown fate is not sent again
        return (
            f"{sum(self.kills.values())} kills {dict(sorted(self.kills.items()))}: "
            f"{pushed} messages in, {len(outbox)} out; lost 0; doubled {doubled}; of "
            f"{len(crowd.lines)} relayed lines {lost_lines} did not arrive and their writers were told"
        )

    def _unrecorded(self, outbox: Sequence[Outbox]) -> int:
        """What arrived without being recorded was on its way at a kill, one message to a reader each time."""
        recorded = {row.message_id for row in outbox}
        orphans = Counter(
            self.database.vault.index("address", "telegram", str(sent.chat))
            for sent in self.api.sent
            if sent.method == "sendMessage" and str(sent.message_id) not in recorded
        )
        assert orphans <= self.uncertain, "a message came twice although none was on its way at a kill"
        return orphans.total()


def _queues(tx: Transaction) -> tuple[list[Inbox], list[Outbox]]:
    return list(tx.session.scalars(sa.select(Inbox))), list(tx.session.scalars(sa.select(Outbox)))


def _effects_once(tx: Transaction, crowd: Crowd) -> None:
    needs = Counter(tx.session.scalars(sa.select(Need.person_id)))
    alerts = Counter(tx.session.scalars(sa.select(Alert.person_id).where(Alert.kind == "sos")))
    others = tx.session.scalars(sa.select(Alert.kind).where(Alert.kind != "sos")).all()
    assert not others, f"alerts of {others}"
    assert set(needs.values()) == {1}
    assert len(needs) == len(crowd.askers) + 1  # Ana asked before the story
    assert set(alerts.values()) == {1}
    assert len(alerts) == len(crowd.victims)
    notes = Counter(tx.session.scalars(sa.select(AlertNote.alert_id)))
    assert set(notes.values()) <= {3}
    said = Counter(tx.session.scalars(sa.select(Outbox.person_id)))
    for someone, answers in [(each, 5) for each in crowd.askers] + [(each, 1) for each in crowd.greeters]:
        account = _account(tx, someone)
        assert needs[account.person_id] == (answers == 5)
        assert said[account.person_id] == answers, someone.account.heard
    for victim in crowd.victims:
        assert alerts[_account(tx, victim).person_id] == 1


def _account(tx: Transaction, someone: Someone) -> Account:
    index = tx.vault.index("address", "telegram", str(someone.account.user_id))
    return tx.session.scalars(sa.select(Account).where(Account.address_index == index)).one()


def _nothing_is_lost(api: BotApi, outbox: Sequence[Outbox]) -> int:
    """Every message was sent, or was not needed any more, or is a relayed one of unknown fate."""
    arrived = {str(sent.message_id) for sent in api.sent}
    for row in outbox:
        if row.state == "sent":
            assert row.message_id in arrived
        elif row.state == "dropped":
            assert row.alert_id is not None
        else:
            assert row.state == "uncertain", f"row {row.id} is {row.state}"
            assert row.source_account_id is not None
    return sum(row.state == "uncertain" for row in outbox)


def _lines_at_most_once(api: BotApi, crowd: Crowd, uncertain: int) -> int:
    """Relayed lines arrive once and in order, or not at all and their writer hears of it."""
    missing = 0
    for writer, reader in ((crowd.ana, crowd.ben), (crowd.ben, crowd.ana)):
        mine = [words for one, _, words in crowd.lines if one is writer]
        heard = [sent.text.splitlines()[-1] for sent in reader.account.heard if "writes line" in sent.text]
        assert heard == [words for words in mine if words in heard], f"out of order, or twice: {heard}"
        missing += len(mine) - len(heard)
    told = sum(UNKNOWN in sent.text for each in (crowd.ana, crowd.ben) for sent in each.account.heard)
    assert missing <= uncertain <= told
    return missing
