"""`onecloak explain`: the operator sees why each person was or was not asked, and nobody's name or place."""

from __future__ import annotations

from handlers import explaining
from handlers.context import Moment
from tests.world import World


async def explained(world: World, reference: str) -> list[str]:
    return await world.database.run(
        lambda tx: explaining.explain(Moment(world.core, tx, world.time()), reference)
    )


async def test_each_volunteer_has_a_line_with_the_reason(world: World) -> None:
    ben = await world.volunteer("ben", "I can fetch medicine")
    cleo = await world.volunteer("cleo", "I can fetch medicine")
    await cleo.says("/pause")
    reference = await world.need("ana", "/need someone to fetch my medicine")
    await ben.presses("Not now")
    lines = await explained(world, reference)
    assert lines[0] == f"{reference}: open, 1 person asked so far."
    assert sorted(line.split("  ")[-1] for line in lines[2:]) == [
        "asked, and said no",
        "not asked: is resting",
    ]


async def test_who_could_be_asked_now_is_shown_with_points_but_without_metres(world: World) -> None:
    reference = await world.need("ana", "/need someone to fetch my medicine")
    await world.volunteer("ben", "I can fetch medicine")
    lines = await explained(world, reference)
    assert "could be asked" in lines[2]
    assert "points: It is a few minutes from you" in lines[2]
    told = "\n".join(lines).lower()
    for secret in ("ben", "41.4", "2.16", "metre", " km"):
        assert secret not in told


async def test_the_same_person_always_has_the_same_letters(world: World) -> None:
    await world.volunteer("ben", "I can fetch medicine")
    one = await explained(world, await world.need("ana", "/need someone to fetch my medicine"))
    other = await explained(world, await world.need("zoe", "/need someone to fetch my medicine"))
    assert one[2].split("  ")[1] == other[2].split("  ")[1]


async def test_a_reference_that_no_need_bears_is_said(world: World) -> None:
    assert await explained(world, "N-0000") == ["There is no need with this reference."]
