"""Coordinators and alerts of a story that are there when it begins, and what their phones did since."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from handlers import alarms
from handlers.context import Moment
from handlers.post import post
from storage import needs, offers, people
from storage.database import Transaction
from storage.offers import Terms
from storage.tables import Alert, Person
from tests.conversations.neighbours import asks
from tests.world import BARCELONA, Friend, World

FAR = (41.98, 2.82)  # Girona, some 90 km away


def known(world: World, tx: Transaction, name: str) -> people.Known:
    index = people.address_index(tx, world.platform.adapter.platform, name)
    return people.load(tx, [index])[index]


async def change(world: World, name: str, **columns: Any) -> None:
    """Set what is known of a person, as some command of another story would."""

    def write(tx: Transaction) -> None:
        person = known(world, tx, name).person
        for column, value in columns.items():
            setattr(person, column, value)

    await world.database.run(write)


async def coordinator(
    world: World, name: str, *, on_duty: bool = True, place: tuple[float, float] | None = None, **columns: Any
) -> Friend:
    """A coordinator who offers help from a place."""
    friend = await world.coordinator(name)
    await change(world, name, on_duty=on_duty, **columns)

    def offer(tx: Transaction) -> None:
        zone = world.core.union.time_zone
        offers.save(tx, world.time(), known(world, tx, name).person, zone, Terms(("company",), place=place))

    if place is not None:
        await world.database.run(offer)
    return friend


async def contact(world: World, name: str) -> Friend:
    """A contact in a neighbouring union, let in with a code."""
    friend = world.person(name)
    await friend.says(f"/join {await world.code('neighbour')}")
    friend.inbox.clear()
    return friend


async def crew(world: World) -> None:
    """One for each tier: Carla on duty near, Dora on duty far away, Eva off duty, Nils next door."""
    await coordinator(world, "carla", place=BARCELONA)
    await coordinator(world, "dora", place=FAR)
    await coordinator(world, "eva", on_duty=False, place=BARCELONA)
    await contact(world, "nils")


async def raises(world: World, kind: str, *, severity: int | None = None, about: str = "") -> str:
    """An alert of this kind is raised about what Ana asked for; gives its reference.

    Ana's need waits meanwhile, so that only the alert is heard of.
    """
    reference = await asks(world, "ana", ("company", 1))
    world.clear()

    def tell(tx: Transaction) -> str:
        moment = Moment(world.core, tx, world.time())
        need = needs.by_reference(tx, reference)
        assert need is not None
        need.next_step_at = need.confirm_at = None
        alert = alarms.open_alert(
            moment, kind, person_id=need.person_id, need=need, severity=severity,
            about_id=known(world, tx, about).person.id if about else None,
        )  # fmt: skip
        post(moment, alarms.page(moment, alert))
        return alert.reference

    # The need's own searching would tell coordinators too.
    await world.database.run(lambda tx: tx.session.execute(sa.delete(Alert)))
    alert = await world.database.run(tell)
    await world.settle()
    return alert


def rung(world: World) -> str:
    """Whose phones rang with a card to take, in the order of their names; all that was heard is cleared."""
    names = sorted(
        name
        for name, friend in world.people.items()
        if any("I take it" in each.labels and not each.changed for each in friend.inbox)
    )
    world.clear()
    return " ".join(names)


async def rings_at(world: World, **length: float) -> list[tuple[float, str]]:
    """Let time pass second by second of what is due: at how many seconds whose phones rang."""
    begin, end, found = world.time.moment, world.time.moment + timedelta(**length), list[tuple[float, str]]()
    while (due := await world.app.clock.next_due()) is not None and due <= end:
        world.time.moment = max(due, world.time.moment + timedelta(milliseconds=1))
        await world.settle()
        if names := rung(world):
            found.append((round((world.time.moment - begin) / timedelta(seconds=1)), names))
    world.time.moment = end
    await world.settle()
    return found


async def the_alert(world: World) -> Alert:
    """The only open alert."""
    query = sa.select(Alert).where(Alert.resolved_at.is_(None))
    return await world.database.run(lambda tx: tx.session.scalars(query).one())


async def person_of(world: World, name: str) -> Person:
    return await world.database.run(lambda tx: known(world, tx, name).person)


async def weigh(world: World, severity: int) -> None:
    """It has become known how grave the open alert is."""

    def run(tx: Transaction) -> None:
        query = sa.select(Alert).where(Alert.resolved_at.is_(None))
        alarms.weigh(Moment(world.core, tx, world.time()), tx.session.scalars(query).one(), severity)

    await world.database.run(partial(run))
