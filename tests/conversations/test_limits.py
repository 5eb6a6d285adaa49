"""Offers that respect a life: hours, languages, limits, quiet, one's own clock, and rest until a day."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables import Offer, OfferSkill, Person
from tests.world import BARCELONA, World

FIRST_HOUR = 1  # the bit of Monday's first hour


async def offer(world: World) -> Offer:
    """The only offer there is."""
    return await world.database.run(lambda tx: tx.session.scalars(sa.select(Offer)).one())


async def indexed(world: World) -> list[OfferSkill]:
    return await world.database.run(lambda tx: list(tx.session.scalars(sa.select(OfferSkill))))


async def test_what_the_words_already_say_is_taken_and_the_rest_is_asked_when_wanted(
    any_world: World,
) -> None:
    world = any_world
    ben = world.person("ben")
    await ben.says(f"/join {await world.code()}")
    ben.inbox.clear()
    await ben.says("I have a van on Saturdays and speak French")
    while "Where are you usually?" not in ben.inbox[-1].text:
        await ben.presses("That is all")
    await ben.sends_place(*BARCELONA)
    ben.inbox.clear()
    await ben.presses("5 km")
    ben.hears("Thank you", "Saturday, all day", "Car", "French", "Change", "Days, hours, limits")
    assert (await offer(world)).hours == "0" * 120 + "1" * 24 + "0" * 24

    await ben.presses("Days, hours, limits")
    ben.hears("On which days", "UTC", "Any time", "Weekdays", "Evenings", "Weekends", "Skip", "Cancel")
    await ben.says("Mon-Fri 18-22")
    ben.hears("How do you get around?", "On foot", "Bicycle", "Car", "Bus or train", "Skip", "Back")
    await ben.presses("Bicycle")
    ben.hears("Which languages", "besides English")
    await ben.says("French and Arabic")
    ben.hears("How many people", "1 person", "2 people", "3 people")
    await ben.presses("2 people")
    ben.hears("How often", "2 times a week", "5 times", "10 times", "As often as needed")
    await ben.presses("5 times a week")
    ben.hears("When do you want quiet?", "22:00–8:00", "No quiet hours")
    await ben.says("23-7")
    ben.hears("May I wake you", "Yes", "No")
    await ben.presses("Yes")
    ben.hears("never ask you for", "Ask me for anything", "Skip")
    await ben.says("insulin")
    ben.hears("Fetch medicine", "That is all")
    await ben.presses("That is all")
    ben.hears(
        "Monday–Friday, 18:00–22:00", "UTC", "Bicycle", "French, Arabic", "2 people at once",
        "5 times a week", "Quiet from 23:00 to 7:00, except when it is urgent",
        "Never: Fetch medicine",
    )  # fmt: skip
    world.nobody_hears_anything_else()
    kept = await offer(world)
    assert (kept.travel, kept.languages, kept.capacity, kept.weekly_limit) == ("bicycle", "fr ar", 2, 5)
    assert (kept.quiet_from, kept.quiet_until, kept.wakes_for_urgent) == (23, 7, True)
    assert kept.not_wanted == "medicine"


async def test_my_shows_the_terms_with_the_ways_to_change_them(world: World) -> None:
    ben = await world.volunteer("ben", "I can fetch medicine on weekday evenings")
    await ben.says("/my")
    ben.hears(
        "Your offer:", "When: Monday–Friday, 18:00–22:00", "1 person at once", "7 times a week",
        "No quiet hours.", "Days, hours, limits", "Pause me for a week", "Take my offer back",
    )  # fmt: skip
    await ben.says("pause until Friday")
    ben.hears("I don't ask you until Friday 6 March")
    await ben.says("/my")
    ben.hears("Paused until Friday 6 March.", "Ask me again")


async def test_change_asks_only_what_was_understood(world: World) -> None:
    ben = await world.volunteer("ben", "puedo recoger medicinas los martes por la tarde")
    await ben.presses("Change")
    ben.hears("On which days")
    await ben.presses("Any time")
    ben.hears("I keep to this:", "When: any time")
    ben.hears_nothing()
    assert (await offer(world)).hours is None


async def test_every_question_can_be_skipped_and_what_was_set_stays(world: World) -> None:
    ben = await world.volunteer("ben", "I can fetch medicine on Sundays")
    await ben.says("/limits")
    for _each in range(8):
        await ben.presses("Skip")
    assert "I keep to this:" in ben.inbox[-1].text
    kept = await offer(world)
    assert kept.hours is not None
    # Whose clock is not known has no night.
    assert (kept.capacity, kept.weekly_limit, kept.quiet_from, kept.quiet_until) == (1, 7, 0, 0)


async def test_that_is_all_ends_the_questions_and_keeps_what_was_answered(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/limits")
    await ben.presses("Weekends")
    ben.inbox.clear()
    await ben.presses("That is all")
    ben.hears("I keep to this:", "Saturday, Sunday, all day")
    await ben.says("/limits")
    await ben.presses("Evenings")
    ben.inbox.clear()
    await ben.presses("Cancel")
    ben.hears("Cancelled")
    assert (await offer(world)).hours == "0" * 120 + "1" * 48


async def test_answers_that_say_nothing_are_asked_again(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/limits")
    ben.inbox.clear()
    for wrong, right in (
        ("when the moon is full", "saturdays"), ("by broom", "by car"), ("none", "french"),
        ("many", "2 people"), ("often", "as often as needed"), ("when I sleep", "no quiet hours"),
        ("xyzzy", "none"),
    ):  # fmt: skip
        before = len(ben.inbox)
        await ben.says(wrong)
        assert "\n" in ben.inbox[before].text, ben.inbox[before]
        await ben.says(right)
    assert "No quiet hours." in ben.inbox[-1].text
    assert "as often as needed" in ben.inbox[-1].text


async def test_without_an_offer_there_is_nothing_to_limit(world: World) -> None:
    ben = world.person("ben")
    await ben.says("/limits")
    ben.hears("You have no offer")


async def test_a_new_offer_keeps_the_quiet_and_the_limits_but_not_the_hours(world: World) -> None:
    ben = await world.volunteer("ben", "I can fetch medicine on Sundays")
    await ben.says("/limits quiet")
    await ben.says("20-10")
    await ben.says("/limits weekly_limit")
    await ben.says("3 times")
    await ben.says("/offer I can cook")
    await ben.says("/skip")
    kept = await offer(world)
    assert (kept.quiet_from, kept.quiet_until, kept.weekly_limit, kept.hours) == (20, 10, 3, None)
    assert "medicine" not in kept.skills.split()


async def test_hours_are_those_of_ones_own_clock(world: World) -> None:
    """Who lives in New York is free there from midnight to one: five hours later by the union's clock."""
    ben = await world.volunteer("ben")
    await ben.says("/limits hours")
    await ben.says("Mondays 0-1")
    [row] = await indexed(world)
    assert row.early_hours == FIRST_HOUR
    ben.inbox.clear()
    await ben.says("/zone")
    ben.hears("Times are in UTC.", "Which city")
    await ben.says("xyzzy")
    ben.hears("I don't know that city", "Which city")
    await ben.says("New York")
    ben.hears("I keep to this:", "Monday, 0:00–1:00", "America/New_York")
    [row] = await indexed(world)
    assert row.early_hours == FIRST_HOUR << 4 | FIRST_HOUR << 5  # in summer and in winter

    await ben.says("/zone Portugal")
    ben.hears("Which city", "Europe/Lisbon", "Atlantic/Azores")
    await ben.presses("Atlantic/Azores")
    ben.hears("Atlantic/Azores")


async def test_without_an_offer_the_clock_can_be_set_too(world: World) -> None:
    ben = world.person("ben")
    await ben.says("/zone Lisbon")
    ben.hears("Times are in Europe/Lisbon.")
    zone = await world.database.run(lambda tx: tx.session.scalars(sa.select(Person.time_zone)).one())
    assert zone == "Europe/Lisbon"


async def test_who_changes_the_language_is_found_for_it(world: World) -> None:
    ben = await world.volunteer("ben")
    [before] = await indexed(world)
    await ben.says("/language es")
    [after] = await indexed(world)
    assert (before.languages, after.languages) == (1, 2)


async def test_a_pause_in_ones_own_words_ends_on_its_day(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/language es")
    ben.inbox.clear()
    await ben.says("pausa hasta el jueves")
    ben.hears("jueves 5 marzo")
    await world.need("ana")
    ben.hears_nothing()
    await world.forward(days=2, hours=11)
    ben.hears_nothing()
    await world.forward(days=1)
    await world.need("eva")
    assert ben.inbox


async def test_a_pause_until_nobody_knows_when_is_asked_about(world: World) -> None:
    ben = await world.volunteer("ben")
    await ben.says("/pause until pigs fly")
    ben.hears("Until when?")
    await ben.says("/pause 3 days")
    ben.hears("until Thursday 5 March")
    await ben.says("/pause")
    ben.hears("until Monday 9 March")
