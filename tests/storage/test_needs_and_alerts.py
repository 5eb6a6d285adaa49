"""Cases have one owner, whoever is fast; forms, talks, codes, leases and slow work keep their word."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa

from handlers import references
from storage import alerts, choices, conversations, due, inbox, needs, work
from storage.database import Database, Transaction
from storage.inbox import Arrival
from storage.people import Known
from storage.tables import Alert, Attachment, Choice, Code, Conversation, Job, Key, Need
from tests.storage import BOTH_ENGINES, DAY, HOUR, KEEP, MINUTE, SECOND, a_need, person
from tests.world import NOON

pytestmark = BOTH_ENGINES
HOLD = timedelta(minutes=2)
LEASE = timedelta(seconds=10)


async def open_need(database: Database, requester: Known) -> UUID:
    return await database.run(lambda tx: a_need(tx, requester.person, next_step_at=NOON + HOUR).id)


async def open_alert(database: Database, kind: str = "sos", of: Known | None = None) -> UUID:
    def add(tx: Transaction) -> UUID:
        return alerts.add(tx, reference=f"A-{kind}", kind=kind, person_id=of.person.id if of else None,
                          policy={"steps": []}, opened_at=NOON, next_step_at=NOON + MINUTE).id  # fmt: skip

    return await database.run(add)


# --- one owner ------------------------------------------------------------------------------------


async def test_no_two_references_of_one_transaction_are_alike(database: Database) -> None:
    made = await database.run(lambda tx: [references.new(tx, Need) for _ in range(3_000)])
    assert len(set(made)) == len(made)


async def test_of_a_hundred_who_take_charge_at_once_one_has_it(database: Database) -> None:
    alert_id = await open_alert(database)
    coordinators = [(await person(database, f"c{number}")).person.id for number in range(100)]
    take = partial(alerts.take, now=NOON, alert_id=alert_id, ask_at=NOON + HOUR)
    won = await asyncio.gather(*(database.run(partial(take, owner_id=each)) for each in coordinators))
    assert sum(won) == 1
    alert = await database.run(lambda tx: alerts.get(tx, alert_id))
    assert (alert.state, alert.owner_id) == ("taken", coordinators[won.index(True)])
    assert alert.next_step_at == NOON + HOUR


async def test_an_alert_is_resolved_once_from_any_state(database: Database) -> None:
    carla = await person(database, "carla")
    one, other = await open_alert(database, "sos"), await open_alert(database, "fault")

    def story(tx: Transaction) -> list[bool]:
        return [
            alerts.take(tx, NOON, one, carla.person.id, NOON), alerts.resolve(tx, NOON, one, "over"),
            alerts.resolve(tx, NOON, one, "again"), alerts.take(tx, NOON, one, carla.person.id, NOON),
            alerts.resolve(tx, NOON, other, "mistake"),
        ]  # fmt: skip

    assert await database.run(story) == [True, True, False, False, True]
    kept = await database.run(lambda tx: alerts.get(tx, one))
    assert (kept.state, kept.outcome, kept.next_step_at) == ("resolved", "over", None)
    assert await database.run(alerts.unresolved) == []
    assert (await database.run(due.earliest))[due.ALERTS] is None


async def test_what_is_due_is_found_once_by_two_clocks(database: Database) -> None:
    ana = await person(database, "ana")
    await open_need(database, ana)
    alert_id = await open_alert(database)
    assert await database.run(lambda tx: needs.due(tx, NOON + HOUR - SECOND, 9)) == []
    assert len(await database.run(lambda tx: needs.due(tx, NOON + HOUR, 9))) == 1
    runs: list[UUID] = []

    def run(tx: Transaction) -> None:
        for alert in alerts.due(tx, NOON + MINUTE, 9):
            alert.next_step_at = NOON + HOUR
            runs.append(alert.id)

    await asyncio.gather(*(database.run(run) for _ in range(8)))
    assert runs == [alert_id]
    assert (await database.run(due.earliest))[due.ALERTS] == NOON + HOUR


async def test_pages_and_notes_of_an_alert(database: Database) -> None:
    ana, carla = await person(database, "ana"), await person(database, "carla")
    alert_id = await open_alert(database, of=ana)

    def story(tx: Transaction) -> None:
        alert = alerts.get(tx, alert_id)
        alerts.page(tx, NOON, alert, "on duty", [carla.person])
        alerts.page(tx, NOON + MINUTE, alert, "everyone", [carla.person, ana.person])
        alerts.note(tx, NOON, alert, ana.person, "smoke")
        alerts.note(tx, NOON + SECOND, alert, ana.person, "second floor")

    await database.run(story)
    assert await database.run(lambda tx: alerts.paged(tx, alert_id)) == [carla.person.id, ana.person.id]
    said = await database.run(
        lambda tx: [
            tx.open(each.key_id, "alert note", each.sealed_words) for each in alerts.notes(tx, alert_id)
        ]
    )
    assert said == ["smoke", "second floor"]


# --- forms, buttons, talks --------------------------------------------------------------------------


async def test_a_chat_has_one_open_form(database: Database) -> None:
    ana = await person(database, "ana")

    def save(tx: Transaction, form: str, **answers: str) -> None:
        current = conversations.open_forms(tx, [ana.account.id]).get(ana.account.id)
        conversations.save_form(tx, NOON, ana.account, ana.person, current, form, answers)

    def read(tx: Transaction) -> tuple[str, dict[str, str]]:
        form = conversations.open_forms(tx, [ana.account.id])[ana.account.id]
        return form.form, conversations.answers(tx, ana.person, form)

    await database.run(partial(save, form="need", words="insulin"))
    await database.run(partial(save, form="need", words="insulin", place="home"))
    assert await database.run(read) == ("need", {"words": "insulin", "place": "home"})
    await database.run(partial(save, form="offer", words="a van"))
    assert await database.run(read) == ("offer", {"words": "a van"})

    def purge(tx: Transaction, passed: timedelta) -> int:
        conversations.purge(tx, NOON + passed, 2 * DAY)
        return len(list(tx.session.scalars(sa.select(Conversation))))

    assert await database.run(partial(purge, passed=2 * DAY)) == 1
    assert await database.run(partial(purge, passed=2 * DAY + SECOND)) == 0


async def test_buttons_are_found_by_token_or_as_the_latest_of_the_chat(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")

    def add(tx: Transaction, to: Known, text: str) -> str:
        says = [{"says": f"/{text}", "label": text}]
        return choices.add(tx, NOON, to.account, to.person, "need", text, says).token

    tokens = await database.run(lambda tx: [add(tx, ana, f"{number}") for number in range(7)])
    await database.run(partial(add, to=ben, text="other"))

    def read(tx: Transaction, together: bool) -> list[str]:
        if together:
            choices.load_recent(tx, [ben.account.id, ana.account.id])
        found = choices.recent(tx, ana.account.id)
        return [choices.options(tx, ana.person, each).summary for each in found]

    assert await database.run(partial(read, together=True)) == ["6", "5", "4", "3", "2"]
    assert await database.run(partial(read, together=False)) == ["6", "5", "4", "3", "2"]
    first = await database.run(lambda tx: choices.pressed(tx, tokens[0]))
    assert first is not None
    assert first.account_id == ana.account.id
    assert await database.run(lambda tx: choices.pressed(tx, "guessed")) is None
    assert len(set(tokens)) == 7
    assert all(len(token) == 16 for token in tokens)

    def late(tx: Transaction) -> list[str]:
        choices.load_recent(tx, [ana.account.id])
        add(tx, ana, "new")
        return [choices.options(tx, ana.person, each).summary
                for each in choices.recent(tx, ana.account.id)]  # fmt: skip

    assert await database.run(late) == ["new", "6", "5", "4", "3"]
    await database.run(lambda tx: choices.purge(tx, NOON + 30 * DAY + SECOND, 30 * DAY))
    assert await database.run(lambda tx: tx.session.scalars(sa.select(Choice)).all()) == []


async def test_talks_of_a_person_are_the_same_loaded_one_by_one_or_together(database: Database) -> None:
    ana, ben, cleo = [await person(database, name) for name in ("ana", "ben", "cleo")]
    need_id, alert_id = await open_need(database, ana), await open_alert(database, of=ana)

    def begin(tx: Transaction) -> None:
        conversations.open_talk(tx, NOON, ana.person.id, ben.person.id, need_id=need_id)
        conversations.open_talk(tx, NOON + SECOND, ana.person.id, cleo.person.id, alert_id=alert_id)

    def read(tx: Transaction, together: bool) -> list[list[UUID | None]]:
        everyone = [each.person.id for each in (ana, ben, cleo)]
        if together:
            conversations.load_talks(tx, everyone)
        return [[talk.alert_id for talk in conversations.talks_of(tx, each)] for each in everyone]

    async def both() -> list[list[UUID | None]]:
        one = await database.run(partial(read, together=False))
        assert await database.run(partial(read, together=True)) == one
        return one

    await database.run(begin)
    assert await both() == [[alert_id, None], [None], [alert_id]]

    def end(tx: Transaction) -> list[list[UUID | None]]:
        conversations.load_talks(tx, [ana.person.id, ben.person.id, cleo.person.id])
        conversations.close_talks(tx, NOON + MINUTE, alert_id=alert_id)
        return read(tx, together=False)

    assert await database.run(end) == [[None], [None], []], "what was closed in this turn is closed"
    assert await both() == [[None], [None], []]
    with pytest.raises(ValueError, match="name a need or an alert"):
        await database.run(lambda tx: conversations.close_talks(tx, NOON))
    await database.run(lambda tx: conversations.close_talks(tx, NOON, need_id=need_id))
    assert await both() == [[], [], []]
    lately = await database.run(
        lambda tx: conversations.last_talk_of(tx, ana.person.id, opened_after=NOON - SECOND)
    )
    assert [talk.alert_id for talk in lately] == [alert_id, None]


async def test_open_alerts_are_the_same_loaded_one_by_one_or_together(database: Database) -> None:
    ana = await person(database, "ana")

    def story(tx: Transaction, together: bool) -> list[str | None]:
        if together:
            alerts.load(tx, [ana.person.id])
        seen = []
        for kind in ("sos", "report"):
            alert = alerts.add(tx, reference=f"A-{kind}{together}", kind=kind, person_id=ana.person.id,
                               policy={}, opened_at=NOON)  # fmt: skip
            tx.session.flush()
            found = alerts.unresolved_of(tx, ana.person.id, "sos")
            seen.append(found.reference if found else None)
            alerts.resolve(tx, NOON, alert.id, "over")
        found = alerts.unresolved_of(tx, ana.person.id, "sos")
        return [*seen, found.reference if found else None]

    assert await database.run(partial(story, together=True)) == ["A-sosTrue", None, None]
    assert await database.run(partial(story, together=False)) == ["A-sosFalse", None, None]
    assert await database.run(lambda tx: len(tx.session.scalars(sa.select(Alert)).all())) == 4


# --- codes, leases, slow work -----------------------------------------------------------------------


async def test_a_code_is_spent_as_often_as_it_says(database: Database) -> None:
    await database.run(lambda tx: work.add_code(tx, NOON, "AB12-CD34-EF56", "member", 3, DAY))
    use = partial(work.use_code, now=NOON, code="AB12-CD34-EF56")
    roles = await asyncio.gather(*(database.run(use) for _ in range(40)))
    assert sorted(role or "" for role in roles) == [""] * 37 + ["member"] * 3
    assert await database.run(partial(work.use_code, now=NOON, code="AB12-CD34-EF57")) is None


async def test_a_code_runs_out_and_only_its_fingerprint_was_kept(database: Database) -> None:
    await database.run(lambda tx: work.add_code(tx, NOON, "AB12", "coordinator", 2, DAY))
    kept = await database.run(lambda tx: tx.session.scalars(sa.select(Code.fingerprint)).one())
    assert kept == database.vault.index("code", "AB12")
    assert await database.run(lambda tx: work.use_code(tx, NOON + DAY - SECOND, "AB12")) == "coordinator"
    assert await database.run(lambda tx: work.use_code(tx, NOON + DAY, "AB12")) is None
    await database.run(lambda tx: work.purge(tx, NOON + DAY + SECOND))
    assert await database.run(lambda tx: tx.session.scalars(sa.select(Code)).all()) == []


async def test_a_lease_is_renewed_by_its_holder_and_refused_to_others(database: Database) -> None:
    async def lease(holder: str, lasts: timedelta = LEASE, alone: bool = False) -> int | None:
        return await database.run(lambda tx: work.lease(tx, "gateway x", holder, lasts, alone=alone))

    assert [await lease("one"), await lease("one"), await lease("two")] == [1, 1, None]
    assert await lease("one", lasts=-SECOND) == 1, "renewed, but only until a second ago"
    assert await lease("two") == 2, "what ran out is free, under a higher number"
    assert await lease("one") is None
    assert await lease("one", alone=True) == 3, "no other process can be running"
    assert await database.run(lambda tx: work.lease(tx, "gateway y", "two", LEASE, alone=False)) == 1


async def test_a_lease_given_up_is_free_and_its_number_never_returns(database: Database) -> None:
    async def lease(holder: str) -> int | None:
        return await database.run(lambda tx: work.lease(tx, "gateway x", holder, LEASE, alone=False))

    assert await lease("one") == 1
    await database.run(lambda tx: work.end_lease(tx, "gateway x", "two"))
    assert await lease("two") is None, "only its holder gives it up"
    await database.run(lambda tx: work.end_lease(tx, "gateway x", "one"))
    assert await lease("two") == 2


async def test_a_lease_of_the_version_before_which_lasted_longer_is_not_taken_while_it_lasts(
    database: Database,
) -> None:
    """Its holder would be told that another program receives with the token, and tell the coordinators."""

    async def lease(holder: str, lasts: timedelta) -> int | None:
        return await database.run(lambda tx: work.lease(tx, "gateway x", holder, lasts, alone=False))

    assert await lease("before", timedelta(seconds=10)) == 1
    assert await lease("new", timedelta(seconds=6)) is None


async def test_of_many_that_ask_for_a_new_lease_at_once_one_gets_it(database: Database) -> None:
    for number in range(10):
        lease = partial(work.lease, name=f"gateway {number}", lasts=LEASE, alone=False)
        fences = await asyncio.gather(*(database.run(partial(lease, holder=f"h{each}")) for each in range(6)))
        assert sorted(fences, key=str) == [1, None, None, None, None, None]


async def test_slow_work_is_claimed_once_put_off_and_done(database: Database) -> None:
    ana = await person(database, "ana")
    add = partial(work.add_job, now=NOON, account=ana.account, key_id=ana.person.key_id, kind="fetch")
    await database.run(lambda tx: [add(tx, payload={"reference": each}) for each in "ab"])

    async def claim(after: timedelta = timedelta(), limit: int = 1, gateway: str = "console") -> list[Job]:
        return await database.run(lambda tx: work.claim_jobs(tx, NOON + after, gateway, limit, HOLD))

    claimed = [job for jobs in await asyncio.gather(*(claim() for _ in range(6))) for job in jobs]
    assert len({job.id for job in claimed}) == len(claimed) == 2
    first, second = sorted(claimed, key=lambda job: job.id)
    opened = await database.run(lambda tx: tx.open(first.key_id, "job", first.sealed_payload))
    assert (opened, first.attempts) == ({"reference": "a"}, 1)

    assert await claim(HOLD) == await claim(gateway="telegram") == []
    assert [(job.id, job.attempts) for job in await claim(HOLD + SECOND)] == [(first.id, 2)]
    await database.run(lambda tx: work.finish_job(tx, first.id))
    await database.run(lambda tx: work.postpone_job(tx, second.id, NOON + HOUR))
    assert await claim(HOUR - SECOND) == []
    assert (await database.run(due.earliest))[due.JOBS] == NOON + HOUR
    assert [job.id for job in await claim(HOUR, limit=9)] == [second.id]
    await database.run(lambda tx: work.release_jobs(tx, "console"))
    assert [job.attempts for job in await claim(HOUR)] == [3]


async def test_an_attachment_is_kept_sealed_for_its_time(database: Database) -> None:
    ana = await person(database, "ana")
    keep = partial(work.add_attachment, now=NOON, key_id=ana.person.key_id, media="photo", mime="image/png")
    photo = await database.run(partial(keep, body=b"violet pixels", keep=DAY))
    sealed = await database.run(lambda tx: tx.session.get_one(Attachment, photo).sealed_body)
    assert b"violet" not in sealed
    await database.run(lambda tx: work.purge(tx, NOON + DAY))
    kept = await database.run(lambda tx: work.attachment(tx, photo))
    assert kept == ("photo", "image/png", b"violet pixels")
    await database.run(lambda tx: work.purge(tx, NOON + DAY + SECOND))
    assert await database.run(lambda tx: work.attachment(tx, photo)) is None


async def test_the_key_of_a_day_goes_with_its_day_but_not_before_its_events_are_handled(
    database: Database,
) -> None:
    """A union whose machine stood still for a week still reads what had arrived before."""
    for key, day in (("handled", 0), ("waiting", 2)):
        arrival = [Arrival(key, key, {"text": key}, False)]
        await database.run(partial(inbox.accept, now=NOON + day * DAY, gateway="console", arrivals=arrival,
                                   cursor=None, keep=KEEP))  # fmt: skip
        if key == "handled":
            await database.run(lambda tx: inbox.finish(tx, NOON, [1], "handled"))

    async def opened_after(days: int) -> list[object]:
        await database.run(lambda tx: work.purge(tx, NOON + days * DAY))
        return await database.run(
            lambda tx: [tx.open(row.key_id, "event", row.sealed_payload or b"")["chat"]
                        for row in inbox.load(tx, "w", inbox.claim(tx, NOON + days * DAY, "w", 9, HOLD))]
        )  # fmt: skip

    assert len(await database.run(lambda tx: tx.session.scalars(sa.select(Key)).all())) == 2
    assert await opened_after(9) == ["waiting"]
    assert len(await database.run(lambda tx: tx.session.scalars(sa.select(Key)).all())) == 1
    await database.run(lambda tx: inbox.finish(tx, NOON + 9 * DAY, [2], "handled"))
    await database.run(lambda tx: work.purge(tx, NOON + 9 * DAY))
    assert await database.run(lambda tx: tx.session.scalars(sa.select(Key)).all()) == []


async def test_the_audit_is_in_order_and_its_detail_is_the_subjects(database: Database) -> None:
    ana, carla = await person(database, "ana"), await person(database, "carla")
    case = UUID(int=7)

    def look(tx: Transaction) -> None:
        for detail in ("the place", ""):
            work.audit(tx, NOON, carla.person.id, "opened", subject=ana.person, case_id=case, detail=detail)
        work.audit(tx, NOON, carla.person.id, "elsewhere", case_id=UUID(int=8))

    await database.run(look)
    first, second = await database.run(lambda tx: work.audit_of(tx, [case]))
    assert (first.actor_id, first.subject_id) == (carla.person.id, ana.person.id)
    assert second.sealed_detail is None
    opened = await database.run(lambda tx: tx.open(ana.person.key_id, "audit", first.sealed_detail or b""))
    assert opened == "the place"
