"""A message for another account of its reader; an account that is set apart."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from storage import alerts, choices, due, fates, inbox, linking, outbox, people
from storage.database import Database, Transaction
from storage.people import Known
from storage.tables import Account, Choice, Key, Outbox, Person
from tests.storage import BOTH_ENGINES, KEEP, SECOND, meet, person
from tests.world import NOON

pytestmark = BOTH_ENGINES


async def two_accounts(database: Database) -> tuple[Known, Account]:
    """Ana on the console, where she spoke last, and on Telegram."""
    ana, other = await person(database, "ana"), await database.run(lambda tx: meet(tx, "ana", "telegram"))

    def join(tx: Transaction) -> None:
        linking.join(tx, *(tx.session.get_one(Person, each.person.id) for each in (ana, other)))

    await database.run(join)
    return ana, other.account


async def waiting(database: Database) -> list[tuple[str, str, dict[str, Any]]]:
    def read(tx: Transaction) -> list[tuple[str, str, dict[str, Any]]]:
        found = tx.session.scalars(sa.select(Outbox).where(Outbox.state == "waiting").order_by(Outbox.id))
        return [
            (row.gateway, str(tx.open(row.key_id, "address", row.sealed_address)),
             tx.open(row.key_id, "message", row.sealed_body or b""))
            for row in found
        ]  # fmt: skip

    return await database.run(read)


async def test_an_account_is_set_apart_and_what_waited_there_goes_to_the_other(database: Database) -> None:
    ana, other = await two_accounts(database)

    def apart(tx: Transaction) -> None:
        account = tx.session.get_one(Account, other.id)
        outbox.add(tx, NOON, account, ana.person.key_id, {"text": "news", "thread": "t"}, 1)
        linking.set_apart(tx, NOON, account)

    await database.run(apart)
    [(gateway, address, body)] = await waiting(database)
    assert (gateway, address, body["text"]) == ("console", "ana", "news")
    assert "thread" not in body, "it is one of the chat that is left"
    assert await database.run(lambda tx: people.load(tx, [other.address_index])) == {}
    assert await database.run(lambda tx: tx.session.get(Key, ana.person.key_id)) is not None


async def test_what_waits_until_its_reader_writes_waits_for_that_in_the_other_account_too(
    database: Database,
) -> None:
    """They may be watched: a chat that is set apart must not make it leave."""
    ana, other = await two_accounts(database)

    def apart(tx: Transaction) -> datetime:
        account = tx.session.get_one(Account, other.id)
        outbox.add(tx, NOON, account, ana.person.key_id, {"text": "words"}, 1, due_at=outbox.HELD)
        linking.set_apart(tx, NOON, account)
        tx.write()
        return tx.session.scalars(sa.select(Outbox.due_at).where(Outbox.state == "waiting")).one()

    assert await database.run(apart) == outbox.HELD


async def test_a_message_goes_to_each_account_once(database: Database) -> None:
    ana, other = await two_accounts(database)

    def try_all(tx: Transaction) -> list[bool]:
        account = tx.session.get_one(Account, other.id)
        outbox.add(tx, NOON, account, ana.person.key_id, {"text": "news"}, 1)
        tx.write()
        first = tx.session.scalars(sa.select(Outbox)).one()
        passed = [fates.pass_on(tx, NOON, first), fates.pass_on(tx, NOON, first)]
        tx.write()
        copy = tx.session.scalars(sa.select(Outbox).where(Outbox.id != first.id)).one()
        return [*passed, fates.pass_on(tx, NOON, copy)]

    assert await database.run(try_all) == [True, False, False]


@pytest.mark.parametrize("body", [{"text": "gone", "retract": "rest"}, {"text": ""}])
async def test_what_is_taken_back_and_what_waits_for_nobody_is_not_passed_on(
    database: Database, body: dict[str, Any]
) -> None:
    ana, other = await two_accounts(database)

    def passed(tx: Transaction) -> bool:
        account = tx.session.get_one(Account, other.id)
        outbox.add(tx, NOON, account, ana.person.key_id, body, 1)
        tx.session.get_one(Account, ana.account.id).reachable = "retract" in body
        tx.write()
        return fates.pass_on(tx, NOON, tx.session.scalars(sa.select(Outbox)).one())

    assert not await database.run(passed)


@pytest.mark.parametrize("change", ["retract", "title"])
async def test_what_was_taken_back_on_its_way_is_shown_nowhere_else(database: Database, change: str) -> None:
    ana, other = await two_accounts(database)

    def passed(tx: Transaction) -> bool:
        account = tx.session.get_one(Account, other.id)
        outbox.add(tx, NOON, account, ana.person.key_id, {"text": "the place"}, 1)
        tx.write()
        row = tx.session.scalars(sa.select(Outbox)).one()
        outbox.add(tx, NOON, account, ana.person.key_id, {"text": "", change: "all"}, 1, edits_id=row.id)
        tx.write()
        return fates.pass_on(tx, NOON, row)

    assert await database.run(passed) is (change != "retract")


async def test_an_event_of_the_joined_account_is_that_of_the_one_person(database: Database) -> None:
    ana, other = await two_accounts(database)
    arrival = inbox.Arrival("1", "ana", {"text": "hello"}, False)
    await database.run(lambda tx: inbox.accept(tx, NOON, "telegram", [arrival], None, KEEP))
    known = await database.run(lambda tx: people.load(tx, [other.address_index]))
    assert known[other.address_index].person.id == ana.person.id


async def test_buttons_are_valid_in_both_accounts(database: Database) -> None:
    ana, other = await two_accounts(database)

    def pass_on(tx: Transaction) -> None:
        me, account = people.get(tx, ana.person.id), tx.session.get_one(Account, other.id)
        options = [{"says": "/my", "label": "Mine", "means": ""}]
        choice = choices.add(tx, NOON, account, me, "", "Which?", options)
        body = {"text": "Which?", "buttons": [["Mine", f"{choice.token}1", False]]}
        outbox.add(tx, NOON, account, me.key_id, body, 1, choice_id=choice.id)
        tx.write()
        assert fates.pass_on(tx, NOON, tx.session.scalars(sa.select(Outbox)).one())

    await database.run(pass_on)
    buttons = {gateway: body["buttons"][0] for gateway, _address, body in await waiting(database)}
    assert buttons.keys() == {"console", "telegram"}
    tokens = {
        row.token: row.account_id
        for row in await database.run(lambda tx: tx.session.scalars(sa.select(Choice)).all())
    }
    for gateway, account_id in (("console", ana.account.id), ("telegram", other.id)):
        label, token, _asks_place = buttons[gateway]
        assert (label, token[-1], tokens[token[:-1]]) == ("Mine", "1", account_id)


# --- held up in a crisis --------------------------------------------------------------------------

LATER = NOON + fates.LONGEST_SILENCE


async def held_up(database: Database, *, lane: int = 0, alert: str = "", reachable: bool = True) -> None:
    """Ana's message waits on Telegram since noon; `alert`: the state of the alert that it is about."""
    ana, other = await two_accounts(database)

    def wait(tx: Transaction) -> None:
        tx.session.get_one(Account, ana.account.id).reachable = reachable
        about = None
        if alert:
            opened = alerts.add(tx, reference="A-1", kind="sos", policy={}, opened_at=NOON,
                                person_id=ana.person.id)  # fmt: skip
            opened.state, about = alert, opened.id
        account = tx.session.get_one(Account, other.id)
        outbox.add(tx, NOON, account, ana.person.key_id, {"text": "news"}, lane, alert_id=about)

    await database.run(wait)


@pytest.mark.parametrize("alert", ["", "open"])
async def test_what_waits_in_a_crisis_goes_to_the_other_platform_once(database: Database, alert: str) -> None:
    await held_up(database, alert=alert)
    assert (await database.run(due.earliest))[due.HELD_UP] == LATER
    assert await database.run(lambda tx: fates.pass_on_crisis(tx, LATER - SECOND, 50)) == 0
    assert await database.run(lambda tx: fates.pass_on_crisis(tx, LATER, 50)) == 1
    assert [(where, body["text"]) for where, _chat, body in await waiting(database)] == [
        ("telegram", "news"), ("console", "news"),
    ]  # fmt: skip
    again = LATER + fates.LONGEST_SILENCE
    assert (await database.run(due.earliest))[due.HELD_UP] == again, "the copy may have to go to a third one"
    assert await database.run(lambda tx: fates.pass_on_crisis(tx, again, 50)) == 1
    assert len(await waiting(database)) == 2, "it goes round in no circle"
    assert (await database.run(due.earliest))[due.HELD_UP] is None


@pytest.mark.parametrize("case", [{"lane": 1}, {"reachable": False}, {"alert": "resolved"}])
async def test_what_is_not_passed_on_costs_nothing(database: Database, case: dict[str, Any]) -> None:
    await held_up(database, **case)
    assert (await database.run(due.earliest))[due.HELD_UP] is None
    assert await database.run(lambda tx: fates.pass_on_crisis(tx, LATER, 50)) == 0


async def test_at_most_so_many_are_passed_on_at_once(database: Database) -> None:
    ana, other = await two_accounts(database)

    def wait(tx: Transaction) -> None:
        account = tx.session.get_one(Account, other.id)
        for _ in range(3):
            outbox.add(tx, NOON, account, ana.person.key_id, {"text": "news"}, 0)

    await database.run(wait)
    assert [await database.run(lambda tx: fates.pass_on_crisis(tx, LATER, 2)) for _ in range(3)] == [2, 1, 0]


async def test_what_cannot_be_opened_holds_up_no_other(database: Database) -> None:
    ana, other = await two_accounts(database)

    def wait(tx: Transaction) -> None:
        account = tx.session.get_one(Account, other.id)
        lost = tx.new_key(NOON)
        tx.write()
        for key_id in (lost, ana.person.key_id):
            outbox.add(tx, NOON, account, key_id, {"text": "news"}, 0)
        tx.write()
        tx.session.execute(sa.delete(Key).where(Key.id == lost))
        tx.vault.forget(lost)

    await database.run(wait)
    assert await database.run(lambda tx: fates.pass_on_crisis(tx, LATER, 50)) == 2
    found = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.gateway == "console")
    assert await database.run(lambda tx: tx.session.scalar(found)) == 1


async def test_both_questions_stand_on_the_index_of_what_waits(sqlite_database: Database) -> None:
    def plan(tx: Transaction, query: sa.Select[Any]) -> str:
        text = query.compile(tx.session.connection(), compile_kwargs={"literal_binds": True})
        return " ".join(str(row[3]) for row in tx.session.execute(sa.text(f"EXPLAIN QUERY PLAN {text}")))

    for query in (fates.held_up(LATER, 50), fates.OLDEST_HELD_UP):
        found = await sqlite_database.run(partial(plan, query=query))
        assert "outbox USING INDEX ix_outbox_queue" in found
