"""Joining two people to one: what is kept opens with one key, and nothing of the other is left."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from storage import (
    alerts,
    candidates,
    choices,
    conversations,
    linking,
    needs,
    offers,
    outbox,
    people,
    work,
)
from storage.candidates import Search
from storage.database import Database, Transaction
from storage.people import Known
from storage.tables import (
    Account,
    Audit,
    Base,
    Block,
    Choice,
    Consent,
    Conversation,
    Forgotten,
    Invitation,
    Outbox,
    Person,
    Talk,
)
from tests.storage import BOTH_ENGINES, DAY, HOUR, MINUTE, SECOND, a_need, meet, person
from tests.world import NOON

pytestmark = BOTH_ENGINES


def a_past(tx: Transaction, name: str, other: Person) -> Known:
    """Someone with one of everything that may be kept or must go, and no open case."""
    known = meet(tx, name, member_since=NOON - HOUR, coordinator_since=NOON, on_duty=True)
    me, account = known.person, known.account
    me.sealed_name = tx.seal(me.key_id, "name", "Zuleika")
    account.sealed_contact = tx.seal(me.key_id, "contact", "@zuleika")
    closed = a_need(tx, me, f"N-{name}", state="done")
    photo = work.add_attachment(tx, NOON, me.key_id, "photo", "image/jpeg", b"pixels", DAY)
    alert = alerts.add(tx, reference=f"A-{name}", kind="sos", person_id=me.id, policy={}, opened_at=NOON)
    alert.state, alert.resolved_at = "resolved", NOON
    alerts.note(tx, NOON, alert, me, "smoke", photo)
    helped = a_need(tx, other, f"N-of-{name}", state="done")
    needs.invite(tx, NOON, helped, [me.id])
    conversations.open_talk(tx, NOON, other.id, me.id, need_id=helped.id).closed_at = NOON
    report = alerts.add(tx, reference=f"A-about-{name}", kind="report", about_id=me.id, policy={},
                        person_id=other.id, opened_at=NOON)  # fmt: skip
    alerts.page(tx, NOON, report, "all", [me])
    offers.save(tx, NOON, me, "UTC", offers.Terms(("medicine",), "pills", (1.0, 2.0), 5000))
    people.agree(tx, NOON, me, "I agree")
    people.block(tx, NOON, me.id, other.id)
    work.audit(tx, NOON, other.id, "opened", subject=me, case_id=closed.id, detail="the place")
    work.audit(tx, NOON, me.id, "looked")
    work.add_code(tx, NOON, f"code of {name}", "link", 1, HOUR, me.id)
    work.add_job(tx, NOON, account, me.key_id, "fetch attachment", {"reference": "x"})
    conversations.save_form(tx, NOON, account, me, None, "need", {"words": "pills"})
    choice = choices.add(tx, NOON, account, me, "", "Which?", [{"says": "/my", "label": "Mine", "means": ""}])
    outbox.add(tx, NOON, account, me.key_id, {"text": "still waits"}, 1, choice_id=choice.id)
    tx.write()
    return known


def rows(tx: Transaction) -> list[tuple[str, dict[str, Any]]]:
    return [
        (table.name, dict(row))
        for table in Base.metadata.sorted_tables
        for row in tx.session.execute(sa.select(table)).mappings()
    ]


async def joined(database: Database) -> tuple[Known, Known]:
    """Ana, who is fresh, and Zuleika, who has a past and becomes Ana."""
    ana = await person(database, "ana")
    ben = await person(database, "ben")
    zuleika = await database.run(lambda tx: a_past(tx, "zuleika", tx.session.get_one(Person, ben.person.id)))

    def join(tx: Transaction) -> None:
        one, other = (tx.session.get_one(Person, each.person.id) for each in (ana, zuleika))
        linking.join(tx, one, other)

    await database.run(join)
    return ana, zuleika


async def test_nothing_names_the_other_person_or_needs_their_key_any_more(database: Database) -> None:
    _ana, zuleika = await joined(database)

    def traces(tx: Transaction) -> list[str]:
        gone = {zuleika.person.id, zuleika.person.key_id}
        return [name for name, row in rows(tx) if gone & {x for x in row.values() if isinstance(x, UUID)}]

    assert await database.run(traces) == []
    assert not database.vault.knows(zuleika.person.key_id)
    counts = [sa.select(sa.func.count(each)) for each in
              (Person.id, Account.id, Forgotten.person_id, Conversation.id)]  # fmt: skip
    left = await database.run(lambda tx: [tx.session.scalar(each) for each in counts])
    assert left == [2, 3, 0, 0], "nobody asked to be forgotten"
    closed = await database.run(lambda tx: needs.by_reference(tx, "N-zuleika"))
    assert closed is None


async def test_what_is_kept_opens_with_the_one_key_that_is_left(database: Database) -> None:
    ana, zuleika = await joined(database)

    def opened(tx: Transaction) -> list[Any]:
        me = people.get(tx, ana.person.id)
        account = tx.session.get_one(Account, zuleika.account.id)
        offer = offers.of(tx, me.id)
        kept = choices.get(tx, tx.session.scalars(sa.select(Choice.id)).one())
        row = tx.session.scalars(sa.select(Outbox)).one()
        assert offer is not None
        assert kept is not None
        assert row.sealed_body is not None
        return [
            people.name_of(tx, me),
            tx.open(me.key_id, "address", account.sealed_address),
            tx.open(me.key_id, "contact", account.sealed_contact or b""),
            tx.open(me.key_id, "offer words", offer.sealed_words),
            choices.options(tx, me, kept).options[0]["says"],
            tx.open(row.key_id, "message", row.sealed_body)["text"],
            tx.open(row.key_id, "address", row.sealed_address),
            row.key_id == me.key_id and row.person_id == me.id,
        ]

    assert await database.run(opened) == [
        "Zuleika", "zuleika", "@zuleika", "pills", "/my", "still waits", "zuleika", True,
    ]  # fmt: skip


async def test_standing_meetings_and_what_others_said_are_carried_over(database: Database) -> None:
    ana, _zuleika = await joined(database)

    def kept(tx: Transaction) -> None:
        me = people.get(tx, ana.person.id)
        assert (me.member_since, me.coordinator_since, me.on_duty) == (NOON - HOUR, None, False)
        assert me.consented_at == NOON
        for column in (Consent.person_id, Block.blocker_id, Talk.helper_id, Invitation.person_id):
            assert tx.session.scalars(sa.select(column)).all() == [me.id]
        reported = alerts.by_reference(tx, "A-about-zuleika")
        assert reported is not None
        assert reported.about_id == me.id
        assert alerts.paged(tx, reported.id) == [me.id]
        [looked] = tx.session.scalars(sa.select(Audit).where(Audit.action == "looked"))
        [seen] = tx.session.scalars(sa.select(Audit).where(Audit.action == "opened"))
        assert looked.actor_id == me.id
        assert (seen.subject_id, seen.key_id, seen.sealed_detail) == (me.id, me.key_id, None)
        matched = a_need(tx, people.meet(tx, NOON, "console", "new", "en").person, "N-new",
                         latitude=1.0, longitude=2.0)  # fmt: skip
        search = Search(matched.id, matched.person_id, matched.skill, 1.0, 2.0, NOON, "UTC")
        assert [each.person_id for each in candidates.find(tx, NOON, search, 5)] == [me.id]

    await database.run(kept)


async def test_of_what_both_have_the_makers_own_stays(database: Database) -> None:
    ben = await person(database, "ben")

    def two(tx: Transaction) -> UUID:
        other = tx.session.get_one(Person, ben.person.id)
        ana, zuleika = a_past(tx, "ana", other), a_past(tx, "zuleika", other)
        ana.person.member_since, ana.person.consented_at = NOON - DAY, NOON - DAY
        people.block(tx, NOON, other.id, ana.person.id)
        people.block(tx, NOON, other.id, zuleika.person.id)
        people.block(tx, NOON, ana.person.id, zuleika.person.id)
        need = a_need(tx, other, "N-both")
        needs.invite(tx, NOON, need, [ana.person.id, zuleika.person.id])
        conversations.open_talk(tx, NOON, ana.person.id, zuleika.person.id, need_id=need.id)
        needs.invite(tx, NOON, a_need(tx, ana.person, "N-hers"), [zuleika.person.id])
        tx.session.flush()
        linking.join(tx, ana.person, zuleika.person)
        return ana.person.id

    ana_id = await database.run(two)

    def kept(tx: Transaction) -> None:
        me = people.get(tx, ana_id)
        assert (me.member_since, me.consented_at) == (NOON - DAY, NOON - DAY)
        assert {(each.blocker_id, each.blocked_id) for each in tx.session.scalars(sa.select(Block))} == {
            (me.id, ben.person.id),
            (ben.person.id, me.id),
        }
        asked = tx.session.scalars(sa.select(Invitation.need_id).where(Invitation.person_id == me.id)).all()
        assert len(asked) == len(set(asked)) == 3, "each need once, and not her own"
        assert not tx.session.scalars(sa.select(Talk).where(Talk.requester_id == me.id)).all()
        assert tx.session.scalars(sa.select(Consent.person_id)).all() == [me.id]

    await database.run(kept)


@pytest.mark.parametrize("is_one", [True, False])
async def test_nobody_becomes_a_coordinator_by_being_joined(database: Database, is_one: bool) -> None:
    def join(tx: Transaction) -> tuple[datetime | None, bool]:
        since = NOON if is_one else None
        ana = meet(tx, "ana", coordinator_since=since).person
        carla = meet(tx, "carla", coordinator_since=NOON - HOUR, on_duty=True).person
        linking.join(tx, ana, carla)
        return ana.coordinator_since, ana.on_duty

    assert await database.run(join) == ((NOON - HOUR, True) if is_one else (None, False))


async def test_a_turn_that_fails_joins_nobody(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    zuleika = await database.run(lambda tx: a_past(tx, "zuleika", tx.session.get_one(Person, ben.person.id)))
    before = await database.run(rows)

    def broken(tx: Transaction) -> None:
        linking.join(tx, *(tx.session.get_one(Person, each.person.id) for each in (ana, zuleika)))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await database.run(broken)
    assert await database.run(rows) == before
    name = await database.run(lambda tx: people.name_of(tx, people.get(tx, zuleika.person.id)))
    assert name == "Zuleika", "the key is found again"


@pytest.mark.parametrize(
    ("at", "code", "found"),
    [(NOON, "ours", True), (NOON + 10 * MINUTE - SECOND, "ours", True), (NOON + 10 * MINUTE, "ours", False),
     (NOON, "spent", False), (NOON, "member", False), (NOON, "none", False)],
)  # fmt: skip
async def test_who_made_a_code(database: Database, at: datetime, code: str, found: bool) -> None:
    def made(tx: Transaction) -> UUID:
        ana = meet(tx, "ana").person
        work.add_code(tx, NOON, "ours", "link", 1, 10 * MINUTE, ana.id)
        work.add_code(tx, NOON, "spent", "link", 0, 10 * MINUTE, ana.id)
        work.add_code(tx, NOON, "member", "member", 1, 10 * MINUTE)
        return ana.id

    ana_id = await database.run(made)
    maker = await database.run(lambda tx: linking.maker(tx, at, code))
    assert (maker.id if maker else None) == (ana_id if found else None)


async def test_what_someone_is_in_the_middle_of(database: Database) -> None:
    def live(tx: Transaction) -> dict[str, list[str]]:
        ana, ben, carla, zoe = (meet(tx, name).person for name in ("ana", "ben", "carla", "zoe"))
        need = a_need(tx, ana, "N-1", state="taken")
        needs.commit(tx, NOON, need, ben.id)
        conversations.open_talk(tx, NOON, ana.id, ben.id, need_id=need.id)
        alert = alerts.add(tx, reference="A-1", kind="sos", person_id=zoe.id, policy={}, opened_at=NOON)
        tx.session.flush()
        alerts.take(tx, NOON, alert.id, carla.id, NOON)
        conversations.open_talk(tx, NOON, zoe.id, carla.id, alert_id=alert.id)
        a_need(tx, zoe, "N-2", state="done")
        return {each: linking.open_cases(tx, who.id)
                for each, who in zip("abcz", (ana, ben, carla, zoe), strict=True)}  # fmt: skip

    assert await database.run(live) == {"a": ["N-1"], "b": ["N-1"], "c": ["A-1"], "z": ["A-1"]}
