"""What cannot be delivered in one chat goes to the person's other one; nobody is told of a failure then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.adapters import GatewayFault
from storage.database import Database
from storage.tables import Account, Outbox
from tests.bot_api import BotApi, Fault
from tests.conversations.chats import code_of, joined, links, there, two_platforms
from tests.world import Friend, TelegramPlatform, World


@pytest.fixture
async def two(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with two_platforms(sqlite_database, tmp_path) as world:
        yield world


def api(world: World) -> BotApi:
    platform = world.platforms[1]
    assert isinstance(platform, TelegramPlatform)
    return platform.api


def fails(world: World, fault: Fault, times: int = 1_000, method: str = "sendMessage") -> None:
    """From now on the bot can't send to anyone on Telegram."""
    api(world).fault(method, fault, None, times, 3)


async def moved(world: World, name: str) -> tuple[Friend, Friend]:
    """Someone with both chats has written on Telegram last."""
    here, other = await joined(world, name)
    await world.forward(seconds=1)
    await other.says("/help")
    world.clear()
    return here, other


async def volunteer(world: World) -> tuple[Friend, Friend]:
    """Ben, who offers to fetch medicine, with both chats; he has written on Telegram last."""
    here = await world.volunteer("ben")
    other = there(world, "ben")
    await links(other, await code_of(here))
    world.clear()
    return here, other


async def coordinator(world: World, name: str = "carla") -> tuple[Friend, Friend]:
    here = await world.coordinator(name)
    other = there(world, name)
    await links(other, await code_of(here))
    world.clear()
    return here, other


async def reachable(world: World) -> dict[str, bool]:
    rows = sa.select(Account.platform, Account.reachable).where(Account.platform == "telegram")
    return await world.database.run(lambda tx: {row[0]: row[1] for row in tx.session.execute(rows)})


async def states(world: World, words: str) -> list[tuple[str, str]]:
    """Where and how every message about an alert ended."""
    query = sa.select(Outbox.gateway, Outbox.state).where(Outbox.card.startswith(words)).order_by(Outbox.id)
    return await world.database.run(lambda tx: [(row[0], row[1]) for row in tx.session.execute(query)])


# --- refused for good -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.BLOCKED, Fault.NO_CHAT])
async def test_a_relayed_message_that_is_refused_goes_to_the_other_chat(two: World, fault: Fault) -> None:
    ben, other = await volunteer(two)
    await two.need("ana")
    await other.presses("I can")
    two.clear()
    fails(two, fault)
    ana = two.person("ana")
    await ana.says("The door is green")
    ben.hears("from the one who asked", "The door is green")
    two.nobody_hears_anything_else()
    await ben.replies("The door is green", "I see it")
    ana.hears("I see it")
    assert await reachable(two) == {"telegram": fault is Fault.REFUSED}
    await two.forward(minutes=10)
    ana.hears_nothing()


async def test_an_invitation_goes_to_the_other_chat_with_buttons_that_are_valid_there(two: World) -> None:
    ben, _other = await volunteer(two)
    cleo = await two.volunteer("cleo", place=(41.41, 2.17))
    fails(two, Fault.BLOCKED)
    reference = await two.need("ana")
    cleo.hears("Fetch medicine")
    ben.hears("Fetch medicine", reference, "I can")
    assert "can't come" not in "".join(each.text for each in two.person("ana").inbox)
    await ben.presses("I can")
    ben.hears("open to you")
    two.person("ana").hears("Someone has accepted")


async def test_a_number_in_the_other_chat_means_the_button_that_came_over(two: World) -> None:
    ben, other = await volunteer(two)
    await two.forward(seconds=1)
    await other.says("/resume")
    fails(two, Fault.BLOCKED)
    await two.forward(seconds=1)
    await two.need("ana")
    two.clear()
    await ben.says("1")
    ben.hears("open to you")


async def test_what_no_chat_takes_is_told_once_and_goes_round_in_no_circle(two: World) -> None:
    ben, other = await volunteer(two)
    await two.need("ana")
    await other.presses("I can")
    two.clear()
    fails(two, Fault.BLOCKED)
    await two.platforms[0].blocks("ben")
    await two.settle()
    ana = two.person("ana")
    ana.inbox.clear()
    await ana.says("The door is green")
    assert sum("could not be delivered" in each.text for each in ana.inbox) == 1
    assert any("can't come after all" in each.text for each in ana.inbox)
    ben.hears_nothing()


async def test_an_answer_that_is_refused_comes_through_the_other_chat(two: World) -> None:
    ana, other = await moved(two, "ana")
    fails(two, Fault.REFUSED)
    await other.says("/my")
    ana.hears("no open case")
    two.nobody_hears_anything_else()


async def test_what_both_chats_refuse_for_its_words_goes_round_in_no_circle(two: World) -> None:
    phone, tablet = there(two, "phone"), there(two, "tablet")
    await links(tablet, await code_of(phone))
    two.clear()
    fails(two, Fault.REFUSED)
    await phone.says("/my")
    await two.forward(minutes=1)
    [refusals] = api(two)._planned
    assert 1_000 - refusals.times == 2, "once in each"
    two.nobody_hears_anything_else()


async def test_an_edit_of_a_chat_that_is_gone_is_a_new_message_in_the_other(two: World) -> None:
    ben, other = await volunteer(two)
    await two.need("ana")
    await other.presses("I can")
    ana = two.person("ana")
    await ana.says("The door is green")
    two.clear()
    fails(two, Fault.BLOCKED)
    fails(two, Fault.BLOCKED, method="editMessageText")
    await ana.edits("The door is blue")
    heard = ben.hears("The door is blue")
    assert not heard.changed
    two.nobody_hears_anything_else()


async def test_a_question_of_an_open_form_stays_in_its_chat(two: World) -> None:
    ana, other = await moved(two, "ana")
    fails(two, Fault.REFUSED)
    await other.says("/offer")
    two.nobody_hears_anything_else()
    await ana.says("I need insulin")
    ana.hears("Is that right?")


@pytest.mark.parametrize("fault", [Fault.HANG_AFTER, Fault.RESET_AFTER])
async def test_a_relayed_message_that_may_have_arrived_is_not_doubled(two: World, fault: Fault) -> None:
    ben, other = await volunteer(two)
    await two.need("ana")
    await other.presses("I can")
    two.clear()
    fails(two, fault, 1)
    await two.person("ana").says("The door is green")
    two.person("ana").hears("I don't know if your last message arrived")
    other.hears("The door is green")
    ben.hears_nothing()


# --- a platform that is silent, in a crisis -------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.CONFLICT, Fault.FLOOD])
async def test_a_page_that_a_silent_platform_holds_up_comes_through_the_other(
    two: World, fault: Fault
) -> None:
    carla, other = await coordinator(two)
    fails(two, fault)
    zoe = two.person("zoe")
    await zoe.says("sos")
    await two.forward(seconds=15)
    carla.hears_nothing()
    await two.forward(seconds=15)
    carla.hears("🔴 A-", "I take it")
    zoe.inbox.clear()
    await two.forward(seconds=50)
    assert sum("🔴" in each.text for each in carla.inbox) <= 1, "the next step of the alert, and no copy more"
    carla.inbox.clear()
    await carla.presses("I take it")
    carla.hears("in charge")
    zoe.hears("Carla has taken charge")

    api(two)._planned.clear()
    await two.forward(minutes=1)
    assert not [each for each in other.inbox if "I take it" in each.labels], "the page was dropped meanwhile"
    assert ("telegram", "dropped") in await states(two, "alert:")


async def test_what_waits_behind_the_first_comes_through_too_and_each_once(two: World) -> None:
    carla, other = await coordinator(two)
    fails(two, Fault.UNAUTHORIZED)
    await two.person("zoe").says("sos")
    await two.person("yan").says("sos")
    await two.forward(seconds=40)
    references = [each.text.split()[1] for each in carla.inbox if "🔴" in each.text]
    assert len(references) == len(set(references)) == 2
    other.hears_nothing()


@pytest.mark.parametrize("runs", [True, False])
async def test_a_page_comes_through_whatever_holds_it_up(two: World, runs: bool) -> None:
    """It asks to wait for an hour; or nobody tries, because it could not be connected."""
    carla, other = await coordinator(two)
    if runs:
        api(two).fault("sendMessage", Fault.FLOOD, None, 1_000, 3_600)
    else:
        two.app.stations, two.platforms = two.app.stations[:1], two.platforms[:1]
    await two.person("zoe").says("sos")
    two.time.moment += timedelta(seconds=19)
    await two.settle()
    carla.hears_nothing()
    two.time.moment += timedelta(seconds=1)
    await two.settle()
    carla.hears("🔴 A-", "I take it")
    other.hears_nothing()


async def test_what_is_no_crisis_waits_for_its_platform(two: World) -> None:
    ben, other = await volunteer(two)
    fails(two, Fault.UNAUTHORIZED)
    await two.need("ana")
    await two.forward(minutes=3)
    ben.hears_nothing()
    api(two)._planned.clear()
    await two.forward(minutes=3)
    other.hears("Fetch medicine")


async def test_a_second_chat_on_the_same_platform_is_as_silent_as_the_first(two: World) -> None:
    phone, tablet = there(two, "phone"), there(two, "tablet")
    await phone.says(f"/join {await two.code('coordinator')}")
    await links(tablet, await code_of(phone))
    two.clear()
    fails(two, Fault.UNAUTHORIZED)
    await two.person("zoe").says("sos")
    await two.forward(seconds=40)
    api(two)._planned.clear()
    await two.forward(seconds=10)
    tablet.hears("🔴 A-")
    phone.hears_nothing()


async def test_a_person_in_danger_hears_through_their_other_chat(two: World) -> None:
    ana, other = await moved(two, "ana")
    fails(two, Fault.UNAUTHORIZED)
    await other.says("sos")
    await two.forward(seconds=30)
    ana.hears("112")


async def test_the_fault_of_one_platform_reaches_a_coordinator_through_the_other(two: World) -> None:
    """The token is refused: the coordinator spoke there last, and is told within a minute elsewhere."""
    carla, other = await coordinator(two)
    fails(two, Fault.UNAUTHORIZED)
    fails(two, Fault.UNAUTHORIZED, method="getUpdates")
    with pytest.raises(GatewayFault) as refused:
        await two.app.stations[1].gateway.run_once()
    assert refused.value.fatal
    await two.app._gateway_failed("gateway telegram", refused.value)
    await two.settle()
    await two.forward(seconds=59)
    carla.hears("⚠️ A-", "the bot has a fault", "I take it")
    other.hears_nothing()
    await carla.presses("I take it")
    assert any("in charge" in each.text for each in carla.inbox)
