"""Someone is gone in the middle of a case: whoever is left hears the truth, and the case goes on."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from storage.database import Transaction
from storage.tables import Commitment, Need
from tests.conversations.neighbours import asks, neighbour
from tests.world import Friend, World


async def _two_helpers(world: World) -> tuple[Friend, Friend, Friend, str]:
    """Ben and Cleo carry together for Ana."""
    ben, cleo = [await neighbour(world, name, "carrying") for name in ("ben", "cleo")]
    reference = await asks(world, "ana", ("carrying", 2))
    for friend in (ben, cleo):
        await friend.presses("I can")
    world.clear()
    return world.person("ana"), ben, cleo, reference


async def _every_case_has_a_next_step(world: World) -> None:
    def read(tx: Transaction) -> None:
        for need in tx.session.scalars(sa.select(Need).where(Need.state.in_(("open", "taken")))):
            assert need.next_step_at is not None
            assert need.next_step_at > world.time() - timedelta(seconds=1)
            assert need.state == "taken" or need.confirm_at is not None or need.wave
        for each in tx.session.scalars(sa.select(Commitment).where(Commitment.state == "active")):
            assert tx.session.get_one(Need, each.need_id).state in ("open", "taken")
            assert each.check_at is not None or each.here_at is not None

    await world.database.run(read)


async def test_one_of_two_helpers_is_forgotten_and_the_other_hears_nothing(world: World) -> None:
    ana, ben, cleo, reference = await _two_helpers(world)
    await ben.says("/forget yes")
    ana.hears(reference, "can't come after all")
    cleo.hears_nothing()
    await _every_case_has_a_next_step(world)
    await cleo.says("I am at the corner")
    assert any("at the corner" in each.text for each in ana.inbox)
    world.clear()
    await ana.says(f"/done {reference}")
    cleo.hears(f"{reference} is done")
    assert not any(reference in each.text for each in ben.inbox)


async def test_one_of_two_helpers_is_blocked_and_what_they_say_reaches_nobody(world: World) -> None:
    ana, ben, cleo, reference = await _two_helpers(world)
    await ana.says("/block")
    label = next(each for each in ana.inbox[-1].labels if reference in each)
    world.clear()
    await ana.presses(label)
    gone = ben if ben.inbox else cleo
    left = cleo if gone is ben else ben
    assert any("no longer with you" in each.text for each in gone.inbox)
    assert not left.inbox
    await _every_case_has_a_next_step(world)
    world.clear()
    await gone.says("Why not me?")
    ana.hears_nothing()
    left.hears_nothing()


async def test_the_requester_is_forgotten_while_two_are_coming(world: World) -> None:
    _ana, ben, cleo, reference = await _two_helpers(world)
    await world.person("ana").says("/forget yes")
    for friend in (ben, cleo):
        assert any(f"{reference} is not needed any more" in each.text for each in friend.inbox)
    await _every_case_has_a_next_step(world)
    world.clear()
    await world.forward(days=2)
    ben.hears_nothing()
    cleo.hears_nothing()


async def test_a_withdrawal_by_one_of_two_closes_what_that_one_was_shown_only(world: World) -> None:
    _ana, ben, cleo, reference = await _two_helpers(world)
    await ben.presses("I can't after all")
    ben.hears("Thank you for telling me")
    ben.sees_changed("Closed:", reference)
    cleo.hears_nothing()
    await _every_case_has_a_next_step(world)
    await world.forward(hours=30)
    await _every_case_has_a_next_step(world)
