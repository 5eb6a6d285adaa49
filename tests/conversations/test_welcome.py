"""The first words, consent, language, /my, and what nobody understood."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from handlers.messages import _
from storage.database import Database
from storage.tables import Consent, Person
from tests.conversations.acts import photo_with_secrets, rendered, send_sticker, send_voice
from tests.world import BARCELONA, TelegramPlatform, World, telegram_world


@pytest.fixture
async def telegram(sqlite_database: Database) -> AsyncIterator[World]:
    """People with Telegram only: languages and groups."""
    async with telegram_world(sqlite_database) as made:
        yield made


async def _consents(world: World) -> list[tuple[str, str]]:
    return await world.database.run(
        lambda tx: [(each.language, each.wording) for each in tx.session.scalars(sa.select(Consent))]
    )


async def _people(world: World) -> int:
    count = await world.database.run(lambda tx: tx.session.scalar(sa.select(sa.func.count(Person.id))))
    return count or 0


@pytest.mark.parametrize("words", ["/start", "hello", "Good morning", "hola"])
async def test_the_first_words(any_world: World, words: str) -> None:
    world = any_world
    ana = world.person("ana")
    await ana.says(words)
    ana.hears("One Cloak", "SOS", "Is that all right?", "I need help", "I can help", "I agree", "Español")
    world.nobody_hears_anything_else()

    await ana.presses("I agree")
    ana.hears("Thank you")
    world.nobody_hears_anything_else()
    [(language, wording)] = await _consents(world)
    assert language == "en"
    assert "/forget" in wording
    await ana.says("/start")
    ana.hears("One Cloak", without=["Is that all right?", "I agree"])


@pytest.mark.parametrize("words", ["asdf qwer", "42", "/nonsense", "?", "...", "🙂"])
async def test_gibberish_is_answered_honestly(world: World, words: str) -> None:
    ana = world.person("ana")
    await ana.says(words)
    ana.hears("did not understand", "I need help", "I can help", "SOS")
    ana.hears("Is that all right?", "I agree", "Delete everything")
    world.nobody_hears_anything_else()
    await ana.says(words)
    ana.hears("did not understand")
    world.nobody_hears_anything_else()


async def test_a_voice_message_a_sticker_and_a_place_are_answered(world: World) -> None:
    ana = world.person("ana")
    await send_voice(world, ana)
    ana.hears("can't read voice messages", "in words", "SOS")
    ana.hears("Is that all right?")
    await send_sticker(world, ana)
    ana.hears("can't read")
    await ana.sends_place(*BARCELONA)
    ana.hears("Thank you for the place", "What is it about?")
    world.nobody_hears_anything_else()


async def test_a_first_message_that_is_a_need_is_served_first(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    ana.hears("Fetch medicine", "Is that right?")
    world.nobody_hears_anything_else()
    await ana.presses("Yes")
    ana.hears("Where is help needed?")
    world.nobody_hears_anything_else()
    await ana.sends_place(*BARCELONA)
    ana.hears("N-")
    ana.hears("Is that all right?", "I agree")
    world.nobody_hears_anything_else()
    await ana.says("/my")
    ana.hears("N-")
    ana.hears("")
    world.nobody_hears_anything_else()


async def test_consent_is_asked_after_a_press_that_ends_the_first_form(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    await ana.presses("Yes")
    await ana.presses("Skip")
    assert any("Is that all right?" in each.text for each in ana.inbox)


async def test_a_first_message_that_is_an_sos_is_served_first(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("sos")
    ana.hears("112")
    world.person("carla").inbox.clear()
    await ana.says("he fell")
    ana.inbox.clear()
    carla.sees_changed("Illness or injury")
    world.nobody_hears_anything_else()
    await carla.presses("I take it")
    await carla.presses("Resolve")
    await carla.presses("They were helped")
    world.clear()
    await ana.says("Thank you")
    ana.hears("You are welcome")
    ana.hears("Is that all right?")
    world.nobody_hears_anything_else()


async def test_the_language_of_the_telephone_is_spoken(telegram: World) -> None:
    world = telegram
    assert isinstance(world.platform, TelegramPlatform)
    world.platform.api.person(500, "Ana", "es-MX", username="ana_tg")
    ana = world.person("ana")
    await ana.says("/start")
    ana.hears(rendered(world, _("Hello, this is One Cloak. Here neighbours help each other.")), "English")
    await ana.presses("English")
    ana.hears("From now on I write to you in English.")


async def test_the_language_is_chosen(any_world: World) -> None:
    world = any_world
    ana = world.person("ana")
    await ana.says("/start")
    ana.inbox.clear()
    await ana.says("/language")
    ana.hears("Which language", "English", "Español")
    await ana.presses("Español")
    ana.hears(rendered(world, _("From now on I write to you in English.")))
    await ana.says("/language klingon")
    ana.hears("English", "Español")
    await ana.says("/language EN")
    ana.hears("From now on I write to you in English.")


async def test_help_tells_coordinators_more(world: World) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says("/help")
    ana.hears("SOS", "/my", "/report", "/forget", without=["/board"])
    await carla.says("/help")
    carla.hears("/board", "/duty", "/code")


async def test_my_shows_what_is_mine(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/my")
    ana.hears("not a member yet", "no open case")
    ana.inbox.clear()

    ben = await world.volunteer("ben")
    await ben.says("/my")
    ben.hears("member", "Your offer", "Fetch medicine", without=["no open case"])
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    await ana.says("/my")
    ana.hears(reference, "Someone has accepted", "It is done", "Stop")
    ana.hears("not a member yet", without=["no open case"])
    await ben.says("/my")
    ben.hears(reference, "accepted by you", f"It is done · {reference}", "Your offer")
    carla = await world.coordinator("carla")
    await carla.says("/my")
    carla.hears("coordinator", "on duty")
    world.nobody_hears_anything_else()


async def test_my_of_someone_who_helps_without_an_offer(world: World) -> None:
    ben = await world.volunteer("ben")
    reference = await world.need("ana")
    await ben.presses("I can")
    await ben.says("/nooffer")
    ben.inbox.clear()
    await ben.says("/my")
    ben.hears(reference, "accepted by you", without=["You have no open case"])


async def test_my_shows_an_open_sos(world: World) -> None:
    ana = world.person("ana")
    await ana.says("sos")
    ana.inbox.clear()
    await ana.says("/my")
    assert any("A-" in each.text and "no open case" not in each.text for each in ana.inbox)


@pytest.mark.parametrize("words", ["thank you", "gracias", "Thanks a lot, you are great"])
async def test_thanks(world: World, words: str) -> None:
    ana = world.person("ana")
    await ana.says("/start")
    ana.inbox.clear()
    await ana.says(words)
    ana.hears("You are welcome")
    world.nobody_hears_anything_else()


async def test_words_that_name_a_kind_of_help_only(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/start")
    ana.inbox.clear()
    await ana.says("groceries")
    ana.hears("need this", "can you give it", "I need it", "I can give it")
    world.nobody_hears_anything_else()


async def test_words_that_name_a_kind_of_help_are_kept(world: World) -> None:
    ana = world.person("ana")
    await ana.says("/start")
    await ana.says("groceries")
    ana.inbox.clear()
    await ana.presses("I need it")
    ana.hears("Food and shopping", "Is that right?")


async def test_a_need_in_words_that_may_be_a_crisis_is_served_too(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I broke my leg, I need someone to fetch my insulin")
    said = "\n".join(each.text for each in ana.inbox)
    assert "Is that right?" in said
    assert "Shall I tell a coordinator" in said


async def test_in_a_group_only_an_sos_is_heard_and_answered_in_private(telegram: World) -> None:
    world = telegram
    carla = await world.coordinator("carla")
    assert isinstance(world.platform, TelegramPlatform)
    ana = world.person("ana")
    person = world.platform.person("ana")
    for words in ("I need insulin", "hello", "/start", "thanks"):
        person.says(words, room=-1001)
        await world.settle()
    world.nobody_hears_anything_else()
    person.says("sos my house is on fire", room=-1001)
    await world.settle()
    ana.hears("112", "1 coordinator")
    carla.hears("🔴 A-")
    world.nobody_hears_anything_else()
    assert not [each for each in world.platform.api.sent if each.chat == -1001]


async def test_who_only_talks_in_a_group_is_not_written_down(telegram: World) -> None:
    world = telegram
    assert isinstance(world.platform, TelegramPlatform)
    world.platform.person("ana").says("lovely weather", room=-1001)
    await world.settle()
    assert await _people(world) == 0


async def test_a_photo_with_a_need_is_not_dropped_silently(world: World) -> None:
    ana = world.person("ana")
    await ana.sends_photo(photo_with_secrets(), "I need these pills")
    ana.hears("Fetch medicine", "can't")


@pytest.mark.parametrize("answer", ["yes", "no", "ok"])
async def test_the_question_of_consent_is_answered_in_words(world: World, answer: str) -> None:
    ana = world.person("ana")
    await ana.says("hello")
    ana.inbox.clear()
    await ana.says(answer)
    ana.hears("", without=["did not understand"])


async def test_consent_is_asked_after_a_need_for_which_a_coordinator_was_told(world: World) -> None:
    await world.coordinator("carla")
    ana = world.person("ana")
    for words in ("I need insulin", "yes", "Calle Mayor 3"):
        await ana.says(words)
    assert any("Is that all right?" in each.text for each in ana.inbox)
