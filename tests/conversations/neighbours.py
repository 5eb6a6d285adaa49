"""Volunteers and needs of a story that are there when it begins, without the talk that made them."""

from __future__ import annotations

from typing import Any

from handlers import references, waves
from handlers.context import Moment
from handlers.post import post
from storage import needs, offers, people
from storage.database import Transaction
from storage.offers import Terms
from storage.tables import Need, Verification
from tests.world import BARCELONA, Friend, World


def _meet(world: World, tx: Transaction, name: str) -> people.Known:
    index = people.address_index(tx, world.platform.adapter.platform, name)
    known = people.load(tx, [index]).get(index)
    if known is None:
        known = people.meet(tx, world.time(), world.platform.adapter.platform, name, "en")
        known.person.welcomed_at = known.person.consented_at = known.person.consent_asked_at = world.time()
        tx.session.flush()
    return known


async def neighbour(world: World, name: str, *skills: str, place: tuple[float, float] = BARCELONA,
                    verified: bool = False, **terms: Any) -> Friend:  # fmt: skip
    """A member who offers these skills, else to fetch medicine; `terms` as in `storage.offers.Terms`."""

    def join(tx: Transaction) -> None:
        known = _meet(world, tx, name)
        known.person.member_since = world.time()
        offered = Terms(skills or ("medicine",), place=place, **terms)
        offers.save(tx, world.time(), known.person, world.core.union.time_zone, offered)
        if verified:
            tx.session.add_all(
                Verification(person_id=known.person.id, skill=skill, verified_at=world.time())
                for skill in offered.skills
            )

    await world.database.run(join)
    return world.person(name)


async def asks(world: World, name: str, *parts: tuple[str, int], urgent: bool = False,
               place: tuple[float, float] = BARCELONA) -> str:  # fmt: skip
    """Someone has asked for helpers, of each skill so many; gives the reference."""
    wanted = parts or (("medicine", 1),)

    def ask(tx: Transaction) -> str:
        known, moment = _meet(world, tx, name), Moment(world.core, tx, world.time())
        reference = references.new(tx, Need)
        need = needs.add(
            tx, parts=wanted, reference=reference, person_id=known.person.id, skill=wanted[0][0],
            urgent=urgent, state="open", latitude=place[0], longitude=place[1], created_at=world.time(),
            sealed_words=tx.seal(known.person.key_id, "need words", "I need you"),
        )  # fmt: skip
        post(moment, waves.first_wave(moment, need))
        return reference

    reference = await world.database.run(ask)
    await world.settle()
    return reference


async def answered(world: World, yes: int, no: int) -> None:
    """The union's volunteers have answered so many questions before."""

    def answer(tx: Transaction) -> None:
        ana, ben = _meet(world, tx, "ana before"), _meet(world, tx, "ben before")
        for number in range(yes + no):
            need = needs.add(
                tx, reference=f"N-{yes}-{no}-{number}", person_id=ana.person.id,
                skill="medicine", urgent=False,
                state="done", sealed_words=b"", created_at=world.time(),
            )  # fmt: skip
            [invitation] = needs.invite(tx, world.time(), need, [ben.person.id])
            invitation.state = "accepted" if number < yes else "declined"

    await world.database.run(answer)


def asked(world: World) -> list[str]:
    """Who was asked to help since, in the order of their names; what they heard is cleared."""
    names = [
        name
        for name, friend in world.people.items()
        if any("Can you help" in message.text for message in friend.inbox)
    ]
    world.clear()
    return sorted(names)
