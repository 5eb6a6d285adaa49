"""The way out: by lane, in order for each reader, taken back when untrue, purged when old."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from storage import conversations, counters, outbox, work
from storage.database import Database, Transaction
from storage.people import Known, address_index
from storage.tables import Account, Outbox, Person
from tests.storage import (
    BOTH_ENGINES,
    DAY,
    HOUR,
    KEEP,
    MINUTE,
    SECOND,
    a_need,
    empty,
    meet,
    person,
    some,
)
from tests.world import NOON

pytestmark = BOTH_ENGINES
HOLD = timedelta(minutes=5)
CRISIS, REPLY, INVITATION, BROADCAST = range(4)


async def say(database: Database, to: Known, text: str, lane: int = REPLY, **columns: Any) -> int:
    """Queue a message; gives its number."""

    def add(tx: Transaction) -> int:
        outbox.add(tx, NOON, to.account, to.person.key_id, {"text": text}, lane, **columns)
        tx.write()
        return tx.session.scalars(sa.select(sa.func.max(Outbox.id))).one()

    return await database.run(add)


async def take(database: Database, limit: int = 64, skip: Collection[bytes] = (), most_lane: int = 9,
               now: datetime = NOON) -> list[str]:  # fmt: skip
    """Claim the next messages; gives what they say."""

    def claim(tx: Transaction) -> list[str]:
        rows = outbox.claim(tx, now, "console", "courier", limit, HOLD, skip, most_lane)
        return [tx.open(row.key_id, "message", row.sealed_body or b"")["text"] for row in rows]

    return await database.run(claim)


async def test_numbers_that_a_homeserver_may_have_seen_are_not_given_again(database: Database) -> None:
    """The last rows may be missing too after a failover that copied rows and no counters."""
    if database.is_sqlite:
        pytest.skip("SQLite has no counters beside the rows")
    ana = await person(database, "ana")
    await say(database, ana, "one")
    await database.run(lambda tx: tx.session.execute(sa.text("ALTER SEQUENCE outbox_id_seq RESTART")))
    for _time in range(2):  # as each start does
        await database.run(lambda tx: counters.catch_up(tx.session.connection()))
    assert await say(database, ana, "two") == counters.LEFT_FREE["outbox"] + 2


async def sent(database: Database, row_id: int, message_id: str = "m0") -> None:
    await database.run(lambda tx: outbox.sent(tx, NOON, {row_id: [message_id]}))


async def give_up(database: Database, row_id: int) -> None:
    await database.run(lambda tx: outbox.give_up(tx, NOON, row_id, "refused", "blocked"))


async def postpone(database: Database, row_id: int, until: datetime) -> None:
    await database.run(lambda tx: outbox.postpone(tx, row_id, until, "too fast"))


async def row(database: Database, row_id: int) -> Outbox:
    return await database.run(lambda tx: tx.session.get_one(Outbox, row_id))


async def test_a_crisis_leaves_first_then_replies_then_the_rest(database: Database) -> None:
    everyone = [await person(database, name) for name in "abcd"]
    for lane, to in zip((BROADCAST, INVITATION, REPLY, CRISIS), everyone, strict=True):
        await say(database, to, f"lane {lane}", lane)
    assert await take(database, limit=1) == ["lane 0"]
    assert await take(database, most_lane=CRISIS) == []
    assert await take(database, most_lane=INVITATION) == ["lane 1", "lane 2"]
    assert await take(database) == ["lane 3"]


async def test_each_reader_gets_their_messages_in_order(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    a1, _a2 = await say(database, ana, "a1"), await say(database, ana, "a2")
    await say(database, ben, "b1")
    assert await take(database) == ["a1", "b1"]
    assert await take(database) == [], "the first is still on its way"
    await sent(database, a1)
    assert await take(database) == ["a2"]


async def test_even_a_crisis_waits_for_what_is_on_its_way_to_the_same_reader(database: Database) -> None:
    ana = await person(database, "ana")
    a1 = await say(database, ana, "a1")
    await say(database, ana, "a2")
    assert await take(database) == ["a1"]
    await say(database, ana, "SOS", CRISIS)
    assert await take(database) == []
    await sent(database, a1)
    assert await take(database) == ["SOS"]


async def test_one_claim_holds_one_message_for_each_reader(database: Database) -> None:
    ana = await person(database, "ana")
    for lane in (BROADCAST, REPLY, CRISIS):
        await say(database, ana, f"lane {lane}", lane)
    assert await take(database) == ["lane 0"]


async def test_a_postponed_message_holds_back_those_behind_it(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    a1 = await say(database, ana, "a1")
    await say(database, ana, "a2")
    await say(database, ben, "b1")
    assert await take(database, limit=1) == ["a1"]
    later = NOON + MINUTE
    await postpone(database, a1, later)
    assert await take(database) == ["b1"], "a2 must not overtake a1"
    assert await take(database, now=later - SECOND) == []
    sos = await say(database, ana, "SOS", CRISIS)
    assert await take(database, now=later - SECOND) == ["SOS"], "another lane does not wait for it"
    await sent(database, sos)
    assert await take(database, now=later) == ["a1"]
    kept = await row(database, a1)
    assert (kept.attempts, kept.reason, kept.claimed_until) == (2, "too fast", later + HOLD)


async def test_nothing_leaves_before_it_is_due(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    a1, b1 = await say(database, ana, "a1"), await say(database, ben, "b1")
    await postpone(database, a1, NOON + HOUR)
    await postpone(database, b1, NOON + MINUTE)
    assert await take(database) == []
    assert await database.run(outbox.next_due) == NOON + MINUTE
    assert await take(database, now=NOON + MINUTE) == ["b1"]
    assert await database.run(outbox.next_due) == NOON + HOUR


async def test_what_waits_for_its_reader_to_write_holds_up_nothing(database: Database) -> None:
    ana = await person(database, "ana")
    await say(database, ana, "are you alone?", CRISIS, due_at=outbox.HELD)
    await say(database, ana, "help is on its way", CRISIS)
    assert await take(database) == ["help is on its way"]


async def test_readers_to_whom_nothing_may_be_sent_now_are_skipped(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    await say(database, ana, "a1")
    await say(database, ben, "b1")
    assert await take(database, limit=1, skip=[ana.account.address_index]) == ["b1"]
    assert await take(database, skip=[]) == ["a1"]


async def test_each_gateway_takes_only_its_own(database: Database) -> None:
    elsewhere = await database.run(lambda tx: meet(tx, "ana", platform="telegram"))
    await say(database, elsewhere, "hello")
    assert await take(database) == []


async def test_what_is_no_longer_true_is_taken_back_unless_it_has_left(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    alert, invitation = UUID(int=1), UUID(int=2)
    left = await say(database, ana, "SOS of dan", alert_id=alert)
    assert await take(database) == ["SOS of dan"]
    waiting = await say(database, ben, "SOS of dan", alert_id=alert)
    asked = await say(database, ben, "Can you?", invitation_id=invitation)
    plain = await say(database, ben, "hello")

    drop = partial(outbox.drop, now=NOON)
    assert await database.run(partial(drop, alert_id=alert)) == 1
    assert await database.run(partial(drop, alert_id=alert)) == 0
    assert await database.run(partial(drop, invitation_id=invitation)) == 1
    states = [(await row(database, each)).state for each in (left, waiting, asked, plain)]
    assert states == ["sending", "dropped", "dropped", "waiting"]
    assert (await row(database, waiting)).sealed_body is None
    assert await take(database) == ["hello"]


async def test_taking_back_needs_to_be_told_what(database: Database) -> None:
    """Without a case it would take back every message that is about none."""
    hello = await say(database, await person(database, "ana"), "hello")
    with pytest.raises(ValueError, match="alert or an invitation"):
        await database.run(lambda tx: outbox.drop(tx, NOON))
    assert (await row(database, hello)).state == "waiting"


async def test_what_was_being_sent_when_the_process_ended_is_found(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    a1, b1 = await say(database, ana, "a1"), await say(database, ben, "b1")
    await say(database, ana, "a2")
    await take(database)

    async def found(*in_hand: int, gateway: str = "console") -> list[int]:
        return await database.run(lambda tx: [each.id for each in outbox.interrupted(tx, gateway, in_hand)])

    assert await found() == [a1, b1]
    assert await found(gateway="telegram") == []
    assert await found(a1) == [b1], "what this courier is sending is not interrupted"


async def test_a_claim_of_which_the_courier_never_heard_is_put_back(database: Database) -> None:
    """The database was cut off between the commit and its answer: certainly nothing was sent."""
    ana, ben = await person(database, "ana"), await person(database, "ben")
    a1, b1 = await say(database, ana, "a1"), await say(database, ben, "b1")
    await take(database)
    await database.run(lambda tx: outbox.unclaim(tx, "someone else", ()))
    assert await take(database) == []
    await database.run(lambda tx: outbox.unclaim(tx, "courier", (a1,)))
    assert ((await row(database, a1)).state, (await row(database, b1)).attempts) == ("sending", 0)
    assert await take(database) == ["b1"]


async def test_what_waits_for_a_moved_chat_goes_to_its_new_address(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    gone, waiting = await say(database, ana, "a1"), await say(database, ana, "a2")
    other = await say(database, ben, "b1")
    await sent(database, gone)

    def move(tx: Transaction) -> None:
        new = tx.seal(ana.person.key_id, "address", "ana's new chat")
        outbox.readdress(tx, ana.account.id, address_index(tx, "console", "ana's new chat"), new)

    def address(tx: Transaction, row_id: int) -> object:
        found = tx.session.get_one(Outbox, row_id)
        return tx.open(found.key_id, "address", found.sealed_address)

    await database.run(move)
    where = [await database.run(partial(address, row_id=each)) for each in (gone, waiting, other)]
    assert where == ["ana", "ana's new chat", "ben"]


async def test_a_card_is_changed_where_it_was_last_delivered(database: Database) -> None:
    ana = await person(database, "ana")
    first = await say(database, ana, "open", card="need")
    await sent(database, first, "m1")
    second = await say(database, ana, "taken", card="need", edits_id=first)
    third = await say(database, ana, "done", card="need", edits_id=second)
    other = await say(database, ana, "other", card="other need")

    def look(tx: Transaction, name: str = "need") -> tuple[int | None, str]:
        found = outbox.card(tx, ana.account.id, name)
        return (found.id, " ".join(outbox.original(tx, found))) if found else (None, "")

    assert await database.run(look) == (third, "m1")
    await give_up(database, third)
    assert await database.run(look) == (second, "m1")
    assert await database.run(partial(look, name="other need")) == (other, "")
    assert await database.run(partial(look, name="no need")) == (None, "")
    await database.run(lambda tx: tx.session.execute(sa.delete(Outbox).where(Outbox.id == first)))
    assert await database.run(look) == (second, "")


async def test_the_message_that_is_replied_to_and_the_copies_of_a_relayed_one(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    copies = [
        await say(database, to, text, source_account_id=ana.account.id, source_message_id=source)
        for to, text, source in ((ben, "one", "7"), (ana, "two", "7"), (ben, "three", "8"))
    ]
    await sent(database, copies[0], "m1")

    def look(tx: Transaction) -> tuple[list[int], int | None, int | None]:
        passed_on = [each.id for each in outbox.relayed_from(tx, ana.account.id, "7")]
        to_ben = outbox.by_message(tx, ben.account.id, "m1")
        to_ana = outbox.by_message(tx, ana.account.id, "m1")
        return passed_on, to_ben.id if to_ben else None, to_ana.id if to_ana else None

    assert await database.run(look) == (copies[:2], copies[0], None)


async def test_what_was_sent_is_emptied_at_once_and_deleted_later(database: Database) -> None:
    ana = await person(database, "ana")
    done, waiting = await say(database, ana, "a1"), await say(database, ana, "a2")
    await sent(database, done)
    assert (await row(database, done)).sealed_body is None
    await database.run(lambda tx: outbox.purge(tx, NOON + 30 * DAY, 30 * DAY))
    assert await row(database, done)
    await database.run(lambda tx: outbox.purge(tx, NOON + 30 * DAY + SECOND, 30 * DAY))
    left = await database.run(lambda tx: list(tx.session.scalars(sa.select(Outbox.id))))
    assert left == [waiting], "what waits is never purged"


async def test_relayed_words_that_wait_go_when_their_talk_goes(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")

    def begin(tx: Transaction) -> UUID:
        need = a_need(tx, ana.person)
        talk = conversations.open_talk(tx, NOON, ana.person.id, ben.person.id, need_id=need.id)
        return talk.id

    await say(database, ben, "the door is green", talk_id=await database.run(begin))
    await database.run(lambda tx: tx.session.delete(tx.session.get_one(Person, ana.person.id)))
    assert await take(database) == []


async def test_the_goodbye_bears_its_own_address_and_names_nobody(database: Database) -> None:
    ana = await person(database, "ana")

    def go(tx: Transaction) -> None:
        account = tx.session.get_one(Account, ana.account.id)
        outbox.say_goodbye(tx, NOON, account, "Take care.", KEEP)

    await database.run(go)
    await database.run(lambda tx: tx.session.delete(tx.session.get_one(Person, ana.person.id)))
    [left] = await database.run(lambda tx: list(tx.session.scalars(sa.select(Outbox))))
    assert (left.account_id, left.person_id) == (None, None)
    assert left.recipient != ana.account.address_index
    assert left.key_id != ana.person.key_id
    assert await database.run(lambda tx: tx.open(left.key_id, "address", left.sealed_address)) == "ana"
    await database.run(lambda tx: work.purge(tx, NOON + 9 * DAY))
    database.vault.forget(left.key_id)
    assert await take(database) == ["Take care."], "the key of the day waits for it"


messages = st.lists(st.tuples(st.sampled_from("abc"), st.integers(CRISIS, BROADCAST)), max_size=14)


@some(25)
@given(messages, st.integers(1, 4), st.sets(st.integers(0, 13)))
async def test_whatever_is_queued_leaves_once_and_in_order(
    database: Database, queued: list[tuple[str, int]], limit: int, failing: set[int]
) -> None:
    """Messages are sent, or postponed and sent later; none is lost or overtakes its lane."""
    await empty(database)
    readers = {name: await person(database, name) for name in "abc"}
    texts = [f"{to}{lane}{number}" for number, (to, lane) in enumerate(queued)]
    ids = {
        text: await say(database, readers[to], text, lane)
        for text, (to, lane) in zip(texts, queued, strict=True)
    }
    left: list[str] = []
    now = NOON
    while len(left) < len(texts):
        said = await take(database, limit, now=now)
        assert len({text[0] for text in said}) == len(said)
        assert [text[1] for text in said] == sorted(text[1] for text in said)
        if not said:
            now += MINUTE
        for text in said:
            if texts.index(text) in failing:
                failing = failing - {texts.index(text)}
                await postpone(database, ids[text], now + MINUTE)
            else:
                await sent(database, ids[text])
                left.append(text)
    assert await take(database, now=now + DAY) == []
    for to, lane in set(queued):
        mine = [text for text in texts if text.startswith(f"{to}{lane}")]
        assert [text for text in left if text.startswith(f"{to}{lane}")] == mine
