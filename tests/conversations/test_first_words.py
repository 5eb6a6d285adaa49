"""The first minutes: whom to call and what to do come first, and at most one thing is asked."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from handlers.context import Union
from handlers.dangers import GRAVE, LIFE, question, severity
from handlers.first_words import KINDS, WHAT_TO_DO
from storage.database import Database
from storage.tables import Alert, Person
from tests.conversations.chats import newest_alert
from tests.world import console_world

UNION = Union(country="ES", time_zone="UTC")


def test_each_kind_has_its_guidance_and_at_most_one_question() -> None:
    assert KINDS.keys() == WHAT_TO_DO.keys()
    assert all(1 <= len(lines) <= 3 for lines in WHAT_TO_DO.values())
    assert question(None) == "kind"
    assert {kind: question(kind) for kind in KINDS} == {
        "medical": "", "fire": "", "violence": "moment", "self_harm": "", "missing": "life", "trapped": "",
        "shelter": "life", "child": "", "disaster": "life", "other": "life",
    }  # fmt: skip
    assert severity("fire") == LIFE
    assert severity(None) == severity("missing") == GRAVE


@pytest.mark.parametrize(
    ("words", "number", "to_do"),
    [
        ("my father is not breathing", "112", "push hard and fast"),
        ("there is a fire in our building", "112", "close the doors behind you"),
        ("we are trapped under the rubble", "112", "Knock on a pipe"),
    ],
)
async def test_the_number_and_what_to_do_come_first(
    sqlite_database: Database, words: str, number: str, to_do: str
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says(words)
        first = ana.hears(number, to_do, "I have told 1 coordinator. No answer yet.", "Where are you?")
        assert first.text.splitlines()[0].startswith(number)
        assert first.text.index(to_do) < first.text.index("I have told 1")
        alert: Alert = await newest_alert(world)
        assert alert.severity == LIFE


async def test_a_bare_sos_asks_what_it_is_and_nothing_else(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        carla, ana = await world.coordinator("carla"), world.person("ana")
        await ana.says("sos")
        ana.hears("112", "What is it about?", "Illness or injury", "Someone is missing")
        carla.hears("SOS")
        await ana.presses("Illness or injury")
        ana.hears("112", "push hard and fast", "It was a mistake", without=("What is it about?",))
        alert = await newest_alert(world)
        assert (alert.danger, alert.severity, alert.question) == ("medical", LIFE, "")


async def test_one_who_is_missing_is_asked_about_a_life(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says("SOS my child is missing since this morning")
        ana.hears("112", "You don't have to wait a day", "Is someone's life in danger right now?")
        assert (await newest_alert(world)).severity == GRAVE
        await ana.presses("I don't know")
        ana.hears("I have written this down.", without=("Is someone's life",))
        assert (await newest_alert(world)).severity == LIFE


async def test_the_kind_is_heard_in_what_is_said_later(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says("sos")
        ana.hears("What is it about?")
        await ana.says("the kitchen is burning, there is smoke everywhere")
        ana.hears("close the doors behind you", without=("What is it about?",))
        assert (await newest_alert(world)).danger == "fire"


async def test_who_thinks_of_dying_is_not_left_alone_with_it(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says("I want to kill myself")
        ana.hears("112", "You can also call", "People there listen", "You don't have to be alone with this",
                  without=("What is it about?", "police"))  # fmt: skip
        await ana.says("nobody would miss me")
        ana.hears("I have written this down.", "You don't have to be alone with this")


async def test_a_place_in_the_same_country_brings_no_second_number(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says("/sos fire")
        ana.hears("112")
        await ana.sends_place(41.40, 2.16)
        ana.hears("I have written this down.")
        world.clear()
        await world.forward(seconds=1)
        world.nobody_hears_anything_else()


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("mi padre se ha caído y no respira", "112 es el número de emergencias"),
        ("mein Vater atmet nicht mehr", "112"),
        ("sos", "112 is the emergency number"),
    ],
)
async def test_who_never_chose_a_language_is_answered_in_that_of_their_cry(
    sqlite_database: Database, words: str, first: str
) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says(words)
        ana.hears(first)
        spoken = await world.database.run(lambda tx: tx.session.scalars(sa.select(Person.language)).all())
        assert spoken == ["en", {"mi": "es", "mein": "de", "sos": "en"}[words.split()[0]]]


async def test_who_speaks_two_languages_keeps_the_one_they_chose(sqlite_database: Database) -> None:
    async with console_world(sqlite_database, UNION) as world:
        await world.coordinator("carla")
        ana = world.person("ana")
        await ana.says("/language es")
        ana.inbox.clear()
        await ana.says("my father is not breathing")
        ana.hears("112 es el número de emergencias")
