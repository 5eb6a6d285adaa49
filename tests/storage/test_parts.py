"""A need is filled part by part: never by more than it wants, whoever presses at the same moment."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import pytest

from storage import commitments, due, needs
from storage.database import Database, Transaction
from storage.people import Known
from tests.storage import BOTH_ENGINES, HOUR, a_need, person
from tests.world import NOON

pytestmark = BOTH_ENGINES


async def open_need(database: Database, requester: Known, *parts: tuple[str, int]) -> UUID:
    return await database.run(
        lambda tx: a_need(tx, requester.person, parts=parts, next_step_at=NOON + HOUR).id
    )


def take(tx: Transaction, need_id: UUID, helper: Known, position: int = 0) -> bool:
    """What accepting does: claim a place, and write the promise down."""
    need = needs.get(tx, need_id)
    part = needs.parts(tx, need_id)[position]
    if not needs.take_part(tx, need, part.id):
        return False
    needs.commit(tx, NOON, need, helper.person.id, part.id)
    return True


async def standing(database: Database, need_id: UUID) -> tuple[str, list[tuple[str, int, int]], int]:
    """The state, the parts as (skill, wanted, taken), and how many have promised to help."""

    def read(tx: Transaction) -> tuple[str, list[tuple[str, int, int]], int]:
        parts = [(each.skill, each.wanted, each.taken) for each in needs.parts(tx, need_id)]
        return needs.get(tx, need_id).state, parts, len(needs.commitments(tx, need_id))

    return await database.run(read)


@pytest.mark.parametrize("wanted", [1, 3])
async def test_of_a_hundred_who_accept_at_once_as_many_have_it_as_are_wanted(
    database: Database, wanted: int
) -> None:
    need_id = await open_need(database, await person(database, "ana"), ("medicine", wanted))
    helpers = [await person(database, f"helper {number}") for number in range(100)]
    won = await asyncio.gather(*(database.run(partial(take, need_id=need_id, helper=h)) for h in helpers))
    assert sum(won) == wanted
    assert await standing(database, need_id) == ("taken", [("medicine", wanted, wanted)], wanted)


@pytest.mark.parametrize("times", [100, pytest.param(1_000, marks=pytest.mark.faults)])
async def test_of_two_who_accept_in_the_same_moment_one_has_it_each_time(
    database: Database, times: int
) -> None:
    ana, ben, carla = [await person(database, name) for name in ("ana", "ben", "carla")]
    made = await database.run(lambda tx: [a_need(tx, ana.person, f"N-{n}").id for n in range(times)])
    for need_id in made:
        both = (database.run(partial(take, need_id=need_id, helper=each)) for each in (ben, carla))
        assert sorted(await asyncio.gather(*both)) == [False, True]
    promised = await database.run(
        lambda tx: [len(needs.commitments_of(tx, each.person.id)) for each in (ben, carla)]
    )
    assert sum(promised) == times


@pytest.mark.parametrize("times", [50, pytest.param(250, marks=pytest.mark.faults)])
async def test_of_four_who_accept_the_last_three_places_three_have_one(
    database: Database, times: int
) -> None:
    ana = await person(database, "ana")
    helpers = [await person(database, name) for name in ("ben", "carla", "dan", "eva")]
    parts = (("medicine", 3),)
    made = await database.run(
        lambda tx: [a_need(tx, ana.person, f"N-{n}", parts=parts).id for n in range(times)]
    )
    for need_id in made:
        won = await asyncio.gather(
            *(database.run(partial(take, need_id=need_id, helper=each)) for each in helpers)
        )
        assert sorted(won) == [False, True, True, True]
        assert (await standing(database, need_id))[1:] == ([("medicine", 3, 3)], 3)


async def test_two_kinds_of_help_are_filled_one_after_the_other(database: Database) -> None:
    ana, ben, carla = [await person(database, name) for name in ("ana", "ben", "carla")]
    need_id = await open_need(database, ana, ("transport", 2), ("medicine", 1))
    assert await database.run(partial(take, need_id=need_id, helper=ben))
    assert await standing(database, need_id) == ("open", [("transport", 2, 1), ("medicine", 1, 0)], 1)
    assert await database.run(partial(take, need_id=need_id, helper=carla, position=1))
    assert not await database.run(partial(take, need_id=need_id, helper=ben, position=1))
    assert await database.run(partial(take, need_id=need_id, helper=ana))
    assert await standing(database, need_id) == ("taken", [("transport", 2, 2), ("medicine", 1, 1)], 3)


async def test_a_part_that_is_given_back_opens_the_need_until_it_has_ended(database: Database) -> None:
    ana, ben = await person(database, "ana"), await person(database, "ben")
    need_id = await open_need(database, ana)

    def story(tx: Transaction) -> list[bool]:
        need = needs.get(tx, need_id)
        [part] = needs.parts(tx, need_id)
        accept = partial(take, tx, need_id, ben)
        return [
            needs.give_back(tx, need, part.id), accept(), accept(), needs.give_back(tx, need, part.id),
            accept(), needs.close(tx, NOON, need, "done"), needs.close(tx, NOON, need, "cancelled"),
            accept(), needs.give_back(tx, need, part.id),
        ]  # fmt: skip

    assert await database.run(story) == [False, True, False, True, True, True, False, False, False]
    need = await database.run(lambda tx: needs.get(tx, need_id))
    assert (need.state, need.closed_at, need.next_step_at) == ("done", NOON, None)
    assert (await database.run(due.earliest))[due.NEEDS] is None


async def test_one_who_accepts_and_one_who_cancels_at_once_do_not_both_succeed(database: Database) -> None:
    """Accepting looks for an open need: after a cancellation it is refused, whichever came first."""
    ana, ben = await person(database, "ana"), await person(database, "ben")
    for number in range(20):
        need_id = await database.run(lambda tx, n=number: a_need(tx, ana.person, f"N-{n}").id)  # type: ignore[misc]

        def cancel(tx: Transaction, need_id: UUID = need_id) -> bool:
            return needs.close(tx, NOON, needs.get(tx, need_id), "cancelled")

        accept = partial(take, need_id=need_id, helper=ben)
        _taken, cancelled = await asyncio.gather(database.run(accept), database.run(cancel))
        assert cancelled
        assert (await standing(database, need_id))[0] == "cancelled"


async def test_a_promise_that_clock_and_volunteer_end_at_once_frees_its_place_once(
    database: Database,
) -> None:
    ana, ben, cleo = [await person(database, name) for name in ("ana", "ben", "cleo")]
    need_id = await open_need(database, ana, ("carrying", 2))
    for helper in (ben, cleo):
        assert await database.run(partial(take, need_id=need_id, helper=helper))

    def end(tx: Transaction) -> bool:
        need = needs.get(tx, need_id)
        promise = needs.commitment(tx, need_id, ben.person.id)
        if promise is None or not commitments.hold(tx, promise):
            return False
        needs.end_commitment(tx, NOON, promise, "withdrawn")
        return needs.give_back(tx, need, promise.part_id)

    assert sum(await asyncio.gather(*(database.run(end) for _ in range(8)))) == 1
    assert await standing(database, need_id) == ("open", [("carrying", 2, 1)], 1)
