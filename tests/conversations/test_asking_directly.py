"""A coordinator in charge asks one volunteer directly: chosen by kind and rough distance, never by name."""

from __future__ import annotations

from storage.database import Transaction
from storage.tables import Alert, Need, Offer, Person
from tests.world import BARCELONA, Friend, World

FAR = (41.45, 2.16)  # about five and a half kilometres away


async def _need_nobody_takes(world: World) -> tuple[Friend, Friend, str]:
    """Ana's need, for which there is nobody, and Carla, who has taken charge of it."""
    carla = await world.coordinator("carla")
    reference = await world.need("ana")
    await carla.presses("I take it")
    world.clear()
    return world.person("ana"), carla, reference


async def test_the_best_are_shown_without_names_and_one_press_asks_one(any_world: World) -> None:
    world = any_world
    ana, carla, reference = await _need_nobody_takes(world)
    ben = await world.volunteer("ben")
    cleo = await world.volunteer("cleo", place=FAR, radius="20 km")
    world.clear()
    await carla.presses("Ask a volunteer")
    shown = carla.hears(
        "Whom shall I ask?", "1 · Fetch medicine", "a few minutes away", "half an hour or more away",
        without=["Ben", "Cleo", "insulin", "41."],
    )  # fmt: skip
    assert [each for each in shown.labels if "number" in each] == ["Ask number 1", "Ask number 2"]
    world.nobody_hears_anything_else()

    await carla.presses("Ask number 2")
    carla.hears("Asked.", reference)
    cleo.hears(reference, "Can you help a neighbour", "I can", without=["insulin", "Ana"])
    ben.hears_nothing()
    await cleo.presses("I can")
    cleo.hears("insulin")
    ana.hears(reference, "Someone has accepted")


async def test_limits_hold_and_quiet_hours_only_bend_for_those_who_agreed(world: World) -> None:
    _ana, carla, _reference = await _need_nobody_takes(world)
    await world.volunteer("ben")
    await world.volunteer("cleo", place=FAR, radius="20 km")
    await world.volunteer("dan")

    def bounds(tx: Transaction) -> None:
        offers = tx.session.query(Offer).order_by(Offer.created_at, Offer.id).all()
        names = {
            str(tx.open(person.key_id, "name", person.sealed_name)): person.id
            for person in tx.session.query(Person).all()
            if person.sealed_name
        }
        of = {each.person_id: each for each in offers}
        for name in ("Ben", "Cleo"):  # noon is in their night
            of[names[name]].quiet_from, of[names[name]].quiet_until = 0, 23
        of[names["Cleo"]].wakes_for_urgent = True
        of[names["Dan"]].weekly_limit = 0
        tx.session.query(Alert).one().severity = 1

    await world.database.run(bounds)
    world.clear()
    await carla.presses("Ask a volunteer")
    shown = carla.hears("Whom shall I ask?", "half an hour or more away", without=["a few minutes away"])
    assert "Ask number 2" not in shown.labels


async def _sos_with_place(world: World) -> tuple[Friend, Friend]:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says("sos")
    await ana.sends_place(*BARCELONA)
    await carla.presses("I take it")
    world.clear()
    return ana, carla


async def test_for_an_sos_the_kind_is_chosen_and_the_words_stay_closed(world: World) -> None:
    ben = await world.volunteer("ben", "I can drive people")
    ana, carla = await _sos_with_place(world)
    await carla.presses("Ask a volunteer")
    carla.hears("Which kind of help?", "A ride", "First aid and care")
    await carla.presses("A ride")
    carla.hears("1 · A ride", "a few minutes away", "Ask number 1")
    world.nobody_hears_anything_else()
    await carla.presses("Ask number 1")
    carla.hears("You will hear if they accept N-", "Ask another one")
    ben.hears("A ride", "urgent", "I can", without=["sos", "Ana"])
    ana.hears("A coordinator asks volunteers for you: A ride")
    world.nobody_hears_anything_else()

    await ben.presses("I can")
    carla.hears("A volunteer has accepted N-")
    opened = ben.hears("A ride", without=["sos"])
    assert opened.place is not None
    ana.hears("Someone has accepted")
    world.clear()
    await ben.says("Five minutes")
    ana.hears("from your volunteer", "Five minutes")


async def test_what_nobody_has_accepted_ends_with_the_sos(world: World) -> None:
    ben = await world.volunteer("ben", "I can drive people")
    _ana, carla = await _sos_with_place(world)
    await carla.says("/ask")
    await carla.presses("A ride")
    await carla.presses("Ask number 1")
    world.clear()
    await carla.says("/resolve services")
    ben.hears("is not needed any more")
    states = await world.database.run(lambda tx: [each.state for each in tx.session.query(Need)])
    assert states == ["cancelled"]


async def test_nobody_is_sent_to_a_minor_or_to_someone_who_may_be_watched(world: World) -> None:
    await world.volunteer("ben", "I can drive people")
    _ana, carla = await _sos_with_place(world)

    def watched(tx: Transaction) -> None:
        tx.session.query(Alert).one().writing = "unknown"

    def minor(tx: Transaction) -> None:
        alert = tx.session.query(Alert).one()
        tx.session.get_one(Person, alert.person_id).minor_since = world.time()

    await world.database.run(watched)
    await carla.says("/ask")
    carla.hears("They may be watched")
    await world.database.run(minor)
    await carla.says("/ask")
    carla.hears("They are under 18")
    world.nobody_hears_anything_else()


async def test_without_a_place_the_coordinator_is_told_to_ask_for_it(world: World) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says("sos")
    await carla.presses("I take it")
    world.clear()
    await carla.presses("Ask a volunteer")
    carla.hears("I don't know where they are")


async def test_someone_who_can_not_be_asked_any_more_is_not(world: World) -> None:
    ben = await world.volunteer("ben", "I can drive people")
    _ana, carla = await _sos_with_place(world)
    await carla.says("/ask")
    await carla.presses("A ride")
    await ben.says("/pause")
    world.clear()
    await carla.presses("Ask number 1")
    carla.hears("There is nobody I can ask for this now: A ride")
    world.nobody_hears_anything_else()
