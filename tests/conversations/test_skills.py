"""Choosing kinds of help: guessed from words, by family, several at once, corrected by a tap."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from bot.setup import LOCALES
from handlers.lexicon import Lexicons
from handlers.messages import Named
from handlers.skills import SKILLS, Skill, Vocabulary
from storage.tables import Offer
from tests.conversations.acts import restart
from tests.world import BARCELONA, Friend, World

MOST_BUTTONS = 17


async def member(world: World, name: str = "ben") -> Friend:
    friend = world.person(name)
    await friend.says(f"/join {await world.code()}")
    friend.inbox.clear()
    return friend


async def offered(world: World) -> list[str]:
    """The skills of all offers."""
    return await world.database.run(lambda tx: list(tx.session.scalars(sa.select(Offer.skills))))


async def test_several_kinds_of_help_are_chosen_by_family_and_corrected_by_a_tap(any_world: World) -> None:
    world = any_world
    ben = await member(world)
    await ben.says("/offer")
    assert len(ben.hears("What can you do", "More kinds of help").labels) <= MOST_BUTTONS
    await ben.presses("More kinds of help")
    assert len(ben.hears("Medicine and health", "Search and rescue").labels) <= MOST_BUTTONS
    await ben.presses("Search and rescue")
    assert len(ben.hears("Search and rescue", "Dig and clear rubble", "Sandbags").labels) <= MOST_BUTTONS
    await ben.presses("Dig and clear rubble")
    ben.hears("Dig and clear rubble", "Is that all?", "That is all", "Add another")
    await ben.presses("Add another")
    ben.hears("Dig and clear rubble", "Rides and carrying")
    await ben.presses("Rides and carrying")
    ben.hears("A lorry or trailer", "Other kinds of help")
    await ben.presses("Other kinds of help")
    ben.hears("Energy and water")
    await ben.presses("Energy and water")
    ben.hears("Pump out water")
    await ben.presses("Pump out water")
    ben.hears("Dig and clear rubble · Pump out water", "Not: Dig and clear rubble", "Not: Pump out water")
    await ben.presses("Not: Dig and clear rubble")
    ben.hears("Pump out water", "That is all", without=["Dig and clear rubble"])
    await ben.says("I can interpret")
    ben.hears("Pump out water · Interpreting", "Is that all?")
    await ben.presses("That is all")
    ben.hears("Pump out water · Interpreting", "Where are you usually?")
    await ben.presses("Skip")
    ben.hears("Pump out water · Interpreting", "Thank you")
    world.nobody_hears_anything_else()


async def test_one_or_two_kinds_of_help_in_a_sentence_ask_nothing_more(world: World) -> None:
    ben = await member(world)
    await ben.says("I have a van and know about electrical work")
    ben.hears("A ride · Electrical work", "Where are you usually?")
    await ben.presses("Back")
    ben.hears("A ride · Electrical work", "Not: A ride", "Not: Electrical work", "That is all")
    await ben.presses("Not: A ride")
    ben.hears("Electrical work", without=["A ride"])
    await ben.says("yes")
    ben.hears("Electrical work", "Where are you usually?")


async def test_many_kinds_of_help_in_a_sentence_are_looked_through(world: World) -> None:
    ben = await member(world)
    await ben.says("I can cook, walk dogs, fix taps and translate letters")
    ben.hears(
        "Food and shopping · Look after animals · Water pipes and taps · Translating papers", "Is that all?"
    )
    await ben.presses("Not: Food and shopping")
    ben.hears("Look after animals", "That is all", without=["Food"])
    await ben.says("that is all")
    ben.hears("Look after animals · Water pipes and taps · Translating papers", "Where are you usually?")
    await ben.presses("Skip")
    assert await offered(world) == ["pets plumbing translating"]


async def test_the_kinds_of_help_of_an_offer_are_changed_by_a_tap(world: World) -> None:
    ben = await world.volunteer("ben", "I can fetch medicine and walk dogs")
    await ben.says("/my")
    ben.hears("Fetch medicine", "Change kinds of help")
    await ben.presses("Change kinds of help")
    ben.hears("Fetch medicine · Look after animals", "Not: Fetch medicine", "Cancel")
    await ben.presses("Not: Fetch medicine")
    ben.hears("Look after animals")
    await ben.says("interpreting")
    ben.hears("Look after animals · Interpreting")
    await ben.presses("That is all")
    ben.hears("Look after animals · Interpreting", "Your offer is changed")
    await world.need("ana")
    ben.hears_nothing()
    await world.need("zoe", "/need someone to walk my dog")
    ben.hears("Look after animals", "I can")


async def test_without_an_offer_there_is_nothing_to_change(world: World) -> None:
    ben = await member(world)
    await ben.says("/kinds")
    ben.hears("You have no offer")


async def test_a_misspelled_need_is_guessed_first(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/need blanckets")
    asked = ana.hears(
        "What kind of help is it?", "Blankets and bedding", "More kinds of help", "Something else"
    )
    assert asked.labels[0] == "Blankets and bedding"
    assert len(asked.labels) <= MOST_BUTTONS
    await ana.says("1")
    ana.hears("Blankets and bedding", "Is that right?")


async def test_a_need_is_found_by_family(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/need xyzzy")
    ana.inbox.clear()
    await ana.presses("More kinds of help")
    ana.hears("What kind of help is it?", "Papers and rights")
    await ana.says("papers and rights")
    ana.hears("Papers and rights", "Legal advice")
    await ana.says("legal advice")
    ana.hears("Legal advice", "Is that right?")
    await ana.presses("Back")
    ana.hears("What kind of help is it?")
    await ana.presses("Something else")
    ana.hears("Something else", "Is that right?")


async def test_a_need_of_two_kinds_says_both(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need a ride and someone who interprets")
    ana.hears("A ride · Interpreting", "Is that right?")
    await ana.presses("Change")
    ana.hears("What do you need?")
    await ana.says("only a ride to the hospital")
    ana.hears("A ride", "Is that right?", without=["Interpreting"])


async def test_nothing_chosen_is_not_all(world: World) -> None:
    ben = await member(world)
    await ben.says("/offer xyzzy")
    ben.hears("What kind of help is it?")
    await ben.says("yes")
    ben.hears("What kind of help is it?")
    await ben.presses("A ride")
    ben.hears("A ride", "Is that all?")
    await ben.presses("Not: A ride")
    ben.hears("What kind of help is it?", "More kinds of help")


async def test_the_unions_own_kind_of_help_is_offered_and_asked_for_in_each_language(world: World) -> None:
    goats = Skill("goat_milking", "animals", Named("Something else", key="goat_milking"))
    names = {"goat_milking": {"en": "Milk the goats", "es": "Ordeñar las cabras"}}
    words = {"en": {"goat_milking": ("milk * goats",)}}
    world.core = replace(
        world.core,
        vocabulary=Vocabulary({**SKILLS, goats.id: goats}, words, names),
        lexicons=Lexicons.load(LOCALES, words),
        catalogs=world.core.catalogs.with_names(names),
    )
    await restart(world)
    ben = await member(world)
    await ben.says("/offer")
    for label in ("More kinds of help", "Animals", "Milk the goats", "That is all"):
        await ben.presses(label)
    ben.inbox.clear()
    await ben.sends_place(*BARCELONA)
    await ben.presses("5 km")
    ben.inbox.clear()
    await world.need("ana", "I need someone to milk my goats")
    ben.hears("Milk the goats", "I can")
    await ben.says("/language es")
    ben.inbox.clear()
    await ben.says("/my")
    ben.hears("Ordeñar las cabras")
