"""The code of /link: who may join whom with it, and what they are asked first."""

from __future__ import annotations

from storage.tables import Person
from tests.conversations.chats import YES, code_of, count, links
from tests.world import World


async def test_who_writes_a_code_is_asked_first_and_it_stays_valid(world: World) -> None:
    """A stranger may have given it to them as something else."""
    ana, phone = world.person("ana"), world.person("phone")
    code = await code_of(ana)
    await phone.says(f"/join {code}")
    phone.hears("They will read what comes here and act in your name", "only if you made it yourself", YES)
    phone.inbox.clear()
    await phone.presses("No")
    phone.hears("All right")
    ana.hears_nothing()
    assert await count(world, Person) == 2
    await links(phone, code)
    phone.hears("the same person now")
    ana.hears("Your account on Console was joined")


async def test_a_coordinator_is_not_talked_into_the_code_of_a_stranger(world: World) -> None:
    carla, eve = await world.coordinator("carla"), world.person("eve")
    code = await code_of(eve)
    for words in (code, f"/link {code} yes"):
        await carla.says(words)
        carla.hears("As a coordinator", "/link here", without=[YES])
        world.nobody_hears_anything_else()
    assert await count(world, Person) == 2
    await eve.says("/board")
    eve.hears("for coordinators")
    eve.inbox.clear()
    await links(eve, await code_of(carla))
    eve.hears("the same person now")
    carla.hears("was joined")
    await eve.says("/board")
    assert not any("for coordinators" in each.text for each in eve.inbox)


async def test_a_code_joins_once_and_for_ten_minutes(world: World) -> None:
    ana, ben, cleo = (world.person(name) for name in ("ana", "ben", "cleo"))
    code = await code_of(ana)
    await links(ben, code)
    await cleo.says(code)
    cleo.hears("not valid")
    late = await code_of(ana)
    await world.forward(minutes=10)
    cleo.inbox.clear()
    await cleo.says(late)
    cleo.hears("not valid")
    assert await count(world, Person) == 2


async def test_the_maker_is_told_to_write_the_code_in_the_other_chat(world: World) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    code = await code_of(ana)
    await ana.says(code)
    ana.hears("for your other chat")
    await links(ben, code)
    ben.hears("the same person now")


async def test_wrong_codes_are_counted_here_too(world: World) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    code = await code_of(ana)
    for _ in range(5):
        await ben.says("/link AAAA-BBBB-CCCC")
    ben.inbox.clear()
    await ben.says(f"/link {code}")
    ben.hears("too many wrong codes")
    ana.hears_nothing()
    await ben.says("/link me please")
    ben.hears("/join AB12-CD34-EF56")


async def test_the_code_of_someone_who_was_forgotten_lets_nobody_in(world: World) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    code = await code_of(ana)
    await ana.says("/forget yes")
    await ben.says(code)
    ben.hears("not valid")
    ben.inbox.clear()
    await ben.says("/my")
    ben.hears("not a member yet")
