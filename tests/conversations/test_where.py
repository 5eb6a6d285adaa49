"""Saying where: names of places, several that fit, far ones, whose place a pin is, home, live positions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.adapters.console import Console
from handlers.context import Union
from storage import cells, gathering
from storage.database import Database
from storage.gathering import Entry
from storage.tables import Alert, Need, Offer, Person
from tests.world import BARCELONA, Friend, World, console_world

GRACIA = (41.40237, 2.15641)
SANTS = (41.3756, 2.1333)
PARIS = (48.85341, 2.3488)
PLACES = {
    "ES": [
        Entry(1, "Barcelona", (("Барселона", ""), ("برشلونة", "")), 41.38879, 2.15899, "ES", "town",
              1_620_343),
        Entry(2, "Gràcia", (("Gracia", ""),), *GRACIA, "ES", "town", 121_502, "Europe/Madrid"),
        Entry(3, "Santa Coloma de Gramenet", (("Santa Coloma", ""),), 41.4515, 2.2081, "ES", "town", 119_215),
        Entry(4, "Santa Coloma de Cervelló", (("Santa Coloma", ""),), 41.3671, 2.0145, "ES", "town", 7_931),
    ],
    "FR": [Entry(5, "Paris", (("París", ""),), *PARIS, "FR", "town", 2_138_551)],
}  # fmt: skip
OWN = [
    Entry(-1, "Escola del Carme", (("Escuela del Carmen", "es"),), 41.4031, 2.1571, kind="school"),
    Entry(-2, "Vallcarca", (("Vallcarca nord", "en"),), 41.4125, 2.1420, kind="neighbourhood"),
]


@pytest.fixture
async def town(sqlite_database: Database) -> AsyncIterator[World]:
    """A union in Barcelona that knows its places by name."""
    union = Union(country="ES", centre=(41.39, 2.17), countries=("ES", "FR"))

    def load(tx: object) -> None:
        for country, entries in PLACES.items():
            gathering.replace_batch(tx, country, entries)  # type: ignore[arg-type]
        gathering.merge_own(tx, OWN)  # type: ignore[arg-type]

    await sqlite_database.run(load)
    async with console_world(sqlite_database, union=union) as made:
        yield made


async def asked_where(world: World, words: str = "I need insulin") -> Friend:
    """Ana has asked for something and is asked where."""
    ana = world.person("ana")
    await ana.says(words)
    await ana.presses("Yes")
    world.clear()
    return ana


async def the_need(world: World) -> Need:
    return await world.database.run(lambda tx: tx.session.scalars(sa.select(Need)).one())


async def the_place(world: World) -> dict[str, object]:
    """What is sealed of the only need's place."""

    def read(tx: object) -> dict[str, object]:
        need = tx.session.scalars(sa.select(Need)).one()  # type: ignore[attr-defined]
        person = tx.session.get_one(Person, need.person_id)  # type: ignore[attr-defined]
        return dict(tx.open(person.key_id, "need place", need.sealed_place))  # type: ignore[attr-defined]

    return await world.database.run(read)


# --- names ----------------------------------------------------------------------------------------


async def test_an_area_written_in_words_is_found_and_named_instead_of_coordinates(town: World) -> None:
    ben = await town.volunteer("ben", "I can fetch medicine")
    ana = await asked_where(town)
    await ana.says("carrer de verdi 12, gracia")
    ana.hears("N-", "Fetch medicine · Gràcia", "I have asked 1 person")
    ben.hears("Fetch medicine · Gràcia · as soon as you can", without=["verdi", "41."])
    need = await the_need(town)
    assert (need.latitude, need.longitude) == cells.snap(*GRACIA)


async def test_the_volunteer_gets_the_written_words_and_no_pin_in_the_middle_of_town(town: World) -> None:
    ben = await town.volunteer("ben", "I can fetch medicine")
    ana = await asked_where(town)
    await ana.says("Carrer de Verdi 12, Gràcia, Barcelona")
    ben.hears("Gràcia")
    await ben.presses("I can")
    assert ben.hears("Thank you", "📍 Carrer de Verdi 12, Gràcia, Barcelona").place is None


async def test_a_landmark_of_the_unions_own_has_a_pin(town: World) -> None:
    ben = await town.volunteer("ben", "I can fetch medicine")
    ana = await asked_where(town)
    await ana.says("we are at the Escola del Carme")
    ben.hears("Gràcia")
    await ben.presses("I can")
    opened = ben.hears("Thank you").place
    assert opened is not None
    assert opened.latitude == pytest.approx(41.4031)


async def test_a_misspelt_place_in_a_sentence_is_asked_about(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("estoy en Grasia junto al mercado")
    ana.hears("Do you mean this place?", "Gràcia", "None of these")
    await ana.presses("Gràcia")
    ana.hears("Fetch medicine · Gràcia")


async def test_another_alphabet_finds_the_same_town(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("мы в Барселоне")
    ana.hears("Do you mean this place?", "Barcelona")
    await ana.presses("Barcelona")
    ana.hears("N-", "Fetch medicine · Barcelona")


async def test_of_several_places_of_one_name_the_nearest_stands_first(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Santa Coloma")
    labels = ana.hears("Which of these places do you mean?").labels
    assert labels[:3] == ["Santa Coloma de Gramenet", "Santa Coloma de Cervelló", "None of these"]
    await ana.presses("Santa Coloma de Cervelló")
    ana.hears("Santa Coloma de Cervelló", "Stop")


async def test_none_of_these_keeps_the_words_only(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Santa Coloma")
    ana.hears("Which of these places")
    await ana.presses("None of these")
    ana.hears("N-", "Fetch medicine")
    assert (await the_need(town)).latitude is None
    assert (await the_place(town))["words"] == "Santa Coloma"


async def test_another_place_may_be_said_instead_of_choosing(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Santa Coloma")
    ana.hears("Which of these places")
    await ana.says("Gràcia")
    ana.hears("Fetch medicine · Gràcia")


async def test_back_from_the_choice_asks_for_the_place_again(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Santa Coloma")
    ana.hears("Which of these places", "Back")
    await ana.presses("Back")
    ana.hears("Where is help needed?")


async def test_an_area_is_called_in_the_language_of_its_reader(town: World) -> None:
    await town.volunteer("ben", "I can fetch medicine")
    await town.person("ben").says("/language es")
    town.clear()
    ana = await asked_where(town)
    await ana.sends_place(41.4125, 2.1420)
    ana.hears("Vallcarca nord")
    town.person("ben").hears("Vallcarca · ")


async def test_a_short_plus_code_is_read_beside_the_town_that_is_named(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("C524+X5 Barcelona")
    ana.hears("N-", "Fetch medicine")
    place = await the_place(town)
    assert (place["latitude"], place["longitude"]) == pytest.approx((41.4024, 2.1554), abs=1e-3)


# --- what is questioned ---------------------------------------------------------------------------


async def test_a_shortened_link_is_answered_with_a_request_for_a_pin(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("https://maps.app.goo.gl/AbCdEf12")
    ana.hears("I can't open a shortened link", "Where is help needed?", "Send my place")


@pytest.mark.parametrize("text", ["0.0, 0.0", "91.5, 2.1", "geo:41.4,200.5"])
async def test_a_place_outside_the_world_is_questioned(town: World, text: str) -> None:
    ana = await asked_where(town)
    await ana.says(text)
    ana.hears("Those coordinates can't be right", "Where is help needed?")


async def test_a_far_place_is_questioned_before_it_counts(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("48.8534, 2.3488")
    ana.hears("Paris is far from here.", "Is it right?", "Yes", "Another place")
    await ana.presses("Another place")
    ana.hears("Where is help needed?")
    await ana.says("Paris")
    ana.hears("Paris is far from here.")
    await ana.presses("Yes")
    ana.hears("N-", "Fetch medicine · Paris")


async def test_without_a_known_centre_no_place_is_far(world: World) -> None:
    ana = await asked_where(world)
    await ana.says("48.8534, 2.3488")
    ana.hears("N-", "Fetch medicine")


# --- whose place a pin is -------------------------------------------------------------------------


async def test_whoever_asks_in_their_own_name_is_not_asked_for_whom(town: World) -> None:
    ana = await asked_where(town, "I need insulin")
    await ana.sends_place(*BARCELONA)
    ana.hears("N-", "Fetch medicine")
    assert (await the_need(town)).for_other is False


async def test_a_pin_is_not_taken_for_the_place_of_someone_else(town: World) -> None:
    ana = await asked_where(town, "/need insulin")
    await ana.sends_place(*BARCELONA)
    ana.hears("Is this for you or for someone else?", "For me", "For someone else")
    await ana.presses("For someone else")
    ana.hears("Where is help needed? Write the address", without=["Send my place"])
    await ana.says("Gràcia")
    ana.hears("Fetch medicine · Gràcia")
    assert (await the_need(town)).for_other is True


async def test_for_me_needs_no_more_questions(town: World) -> None:
    ana = await asked_where(town, "/need insulin")
    await ana.sends_place(*BARCELONA)
    ana.hears("Is this for you")
    await ana.presses("For me")
    ana.hears("N-", "Fetch medicine")


@pytest.mark.parametrize("words", ["I need insulin for my father", "mi madre necesita insulina"])
async def test_where_words_name_someone_else_no_ones_own_place_is_offered(town: World, words: str) -> None:
    ana = town.person("ana")
    await ana.says(words)
    await ana.presses(ana.inbox[-1].labels[0])
    ana.inbox.clear()
    await ana.sends_place(*BARCELONA)
    labels = ana.inbox.popleft().labels
    await ana.presses(labels[0])
    ana.hears("N-")
    assert (await the_need(town)).for_other is True


# --- home -----------------------------------------------------------------------------------------


async def test_a_typed_place_is_kept_as_home_and_then_is_one_tap(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Carrer de Verdi 12, Gràcia")
    ana.hears("N-", "Keep this place as my home")
    town.clear()
    await ana.presses("Keep this place as my home")
    ana.hears("Your home is saved.")
    town.clear()
    await asked_where(town, "I need someone to walk my dog")
    await ana.says("?")
    ana.hears("could not read", "At home, Gràcia")
    await ana.presses("At home, Gràcia")
    ana.hears("Look after animals · Gràcia", without=["Keep this place"])


async def test_home_is_shown_changed_and_deleted(town: World) -> None:
    ana = town.person("ana")
    await ana.says("/home")
    ana.hears("Where is your home?", "Send my place")
    await ana.says("Gràcia")
    ana.hears("Your home is saved.")
    town.clear()
    await ana.says("/home")
    ana.hears("Your home as I have it:", "Gràcia", "Change it", "Delete it")
    await ana.presses("Change it")
    ana.hears("Where is your home?")
    await ana.sends_place(41.4125, 2.1420)
    ana.hears("Your home is saved.")
    await ana.says("/home")
    ana.hears("Vallcarca nord")
    await ana.presses("Delete it")
    ana.hears("Your home is deleted here.")
    await ana.says("/home")
    ana.hears("Where is your home?")


# --- moving often ---------------------------------------------------------------------------------


async def test_an_offer_that_moves_again_and_again_is_refused_until_tomorrow(town: World) -> None:
    ben = await town.volunteer("ben", "I can fetch medicine")
    for step in range(1, 5):
        await ben.says("/offer I can fetch medicine")
        await ben.sends_place(41.40 + step / 100, 2.16)
        await ben.presses("5 km")
    town.clear()
    await ben.says("/offer I can fetch medicine")
    ben.hears("Where are you usually?")
    await ben.sends_place(41.5, 2.16)
    ben.hears("You have changed your place often today.", "Skip")
    offer = await town.database.run(lambda tx: tx.session.scalars(sa.select(Offer)).one())
    assert (offer.latitude, offer.longitude) == cells.snap(41.44, 2.16)
    await town.forward(days=1)
    town.clear()
    await ben.sends_place(41.5, 2.16)
    ben.hears("How far can you go?")


# --- SOS ------------------------------------------------------------------------------------------


async def test_in_an_sos_a_named_place_counts_at_once_and_nothing_is_asked(town: World) -> None:
    carla = await town.coordinator("carla")
    ana = town.person("ana")
    await ana.says("sos")
    ana.hears("Where are you?")
    await ana.says("estoy en Gràcia, hay fuego")
    ana.hears("112", "Sal ya del edificio", without=["¿Dónde estás?"])
    carla.hears("🔴")
    alert = await town.database.run(lambda tx: tx.session.scalars(sa.select(Alert)).one())
    assert alert.sealed_place is not None


async def test_in_an_sos_a_far_pin_is_taken_without_a_question(town: World) -> None:
    ana = town.person("ana")
    await ana.says("sos")
    await ana.sends_place(*PARIS)
    ana.hears("Where are you?")
    ana.hears("I have written this down", without=["far from here"])


async def test_in_an_sos_home_is_one_tap(town: World) -> None:
    ana = town.person("ana")
    await ana.says("/home")
    await ana.says("Gràcia")
    town.clear()
    await ana.says("sos")
    ana.hears("Where are you?", "At home, Gràcia")
    await ana.presses("At home, Gràcia")
    ana.hears("I have written this down")
    alert = await town.database.run(lambda tx: tx.session.scalars(sa.select(Alert)).one())
    assert alert.sealed_place is not None


# --- live positions -------------------------------------------------------------------------------


async def moves(friend: Friend, latitude: float, longitude: float) -> None:
    """A live position goes on: the message with the place is changed."""
    console = friend.platform.adapter
    assert isinstance(console, Console)
    console.move(friend.name, latitude, longitude)
    await friend.world.settle()


async def test_a_need_follows_the_live_position_with_which_it_was_given(town: World) -> None:
    ben = await town.volunteer("ben", "I can fetch medicine")
    ana = await asked_where(town)
    await ana.sends_place(*BARCELONA)
    await ben.presses("I can")
    town.clear()
    await moves(ana, 41.4125, 2.1420)
    ben.hears("They are on the move.", "41.41250, 2.14200")
    await moves(ana, 41.4130, 2.1430)
    ben.hears_nothing()
    need = await the_need(town)
    assert (need.latitude, need.longitude) == cells.snap(41.4130, 2.1430)
    town.time.moment += timedelta(minutes=4)
    await moves(ana, 41.4135, 2.1440)
    ben.sees_changed("They are on the move.", "41.41350, 2.14400")
    ana.hears_nothing()


async def test_a_beacon_answers_the_question_and_is_followed(town: World) -> None:
    """Matrix sends live positions as events of their own, which are no message."""
    ana = await asked_where(town)
    console = ana.platform.adapter
    assert isinstance(console, Console)
    console.say("ana", "", id="", kind="edit", place=[*BARCELONA])
    await town.settle()
    ana.hears("N-", "Fetch medicine")
    town.clear()
    console.say("ana", "", id="", kind="edit", place=[41.4130, 2.1430])
    await town.settle()
    need = await the_need(town)
    assert (need.latitude, need.longitude) == cells.snap(41.4130, 2.1430)
    town.nobody_hears_anything_else()


async def test_a_place_that_was_not_live_is_not_moved_by_a_later_one(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Gràcia")
    town.clear()
    await moves(ana, 41.4130, 2.1430)
    need = await the_need(town)
    assert (need.latitude, need.longitude) == cells.snap(*GRACIA)


@pytest.mark.parametrize("words", ["home", "at home", "I'm at my house", "en casa", "En mi casa, por favor"])
async def test_home_in_words_is_the_saved_home(town: World, words: str) -> None:
    ana = town.person("ana")
    await ana.says("/home")
    await ana.says("Gràcia")
    town.clear()
    await asked_where(town)
    await ana.says(words)
    need = await the_need(town)
    assert (need.latitude, need.longitude) == cells.snap(*GRACIA)
    ana.hears("N-", "Gràcia")


@pytest.mark.parametrize("words", ["at home", "mi casa"])
async def test_home_of_someone_who_saved_none_is_asked_for(town: World, words: str) -> None:
    ana = await asked_where(town)
    await ana.says(words)
    ana.hears("I don't know where your home is.", "Where is help needed?")
    await ana.says("Gràcia")
    ana.hears("N-", "Gràcia")


@pytest.mark.parametrize("words", ["thank you", "muchas gracias", "hello", "12", "🙏"])
async def test_courtesy_or_a_number_of_no_button_is_no_place(town: World, words: str) -> None:
    ana = await asked_where(town)
    await ana.says(words)
    ana.hears("I could not read that place.", "Where is help needed?")


async def test_titles_beside_the_card_name_the_area_too(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("Gràcia")
    town.clear()
    await town.forward(hours=24)
    asked = next(each.text for each in ana.inbox if "Do you still need this?" in each.text)
    assert "Fetch medicine · Gràcia" in asked


async def test_the_card_names_every_kind_of_help_that_was_asked_for(town: World) -> None:
    ana = await asked_where(town, "I need food, blankets and nappies")
    await ana.says("Gràcia")
    ana.hears("Food and shopping · Blankets and bedding · Nappies and baby things · Gràcia")


async def test_a_street_named_after_a_far_town_is_not_that_town(town: World) -> None:
    ana = await asked_where(town)
    await ana.says("calle París 20, Gràcia")
    ana.hears("N-", "Gràcia")
    need = await the_need(town)
    assert (need.latitude, need.longitude) == cells.snap(*GRACIA)
