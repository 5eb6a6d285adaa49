"""How the Telegram adapter starts, receives, answers presses and fetches, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters import (
    Adapter,
    ChatMoved,
    GatewayFault,
    NotSent,
    Outgoing,
    Refused,
    Uncertain,
)
from bot.adapters.telegram import TELEGRAM_PACE, Telegram
from bot.adapters.telegram_events import parse
from handlers.messages import Kind, Place
from tests.adapters.telegram_story import ANA, YES_NO, connected
from tests.bot_api import MADE_UP, BotApi, Fault


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(clock: Clock) -> AsyncIterator[BotApi]:
    async with BotApi(now=clock) as server:
        server.person(ANA)
        yield server


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Telegram]:
    async with connected(api) as adapter:
        await adapter.receive(None)  # states the kinds of updates that we want
        yield adapter


@pytest.fixture
async def hasty(api: BotApi) -> AsyncIterator[Telegram]:
    async with connected(api, answer_seconds=0.1) as adapter:
        yield adapter


def test_it_is_an_adapter() -> None:
    adapter: Adapter = Telegram(MADE_UP)
    assert (adapter.platform, adapter.pace) == ("telegram", TELEGRAM_PACE)


# --- starting


async def test_starting_announces_the_commands_in_each_language(api: BotApi) -> None:
    commands = {"": [("help", "What I can do")], "es": [("help", "Lo que sé hacer")]}
    adapter = Telegram(api.token, api.base_url, commands=commands)
    await adapter.start()
    assert api.commands == {
        "": [{"command": "help", "description": "What I can do"}],
        "es": [{"command": "help", "description": "Lo que sé hacer"}],
    }
    assert "deleteWebhook" not in api.calls
    await adapter.stop()


async def test_a_webhook_is_removed_and_what_waits_is_kept(api: BotApi) -> None:
    api.webhook = "https://example.org/hook"
    api.person(ANA).says("before")
    adapter = Telegram(api.token, api.base_url, poll_seconds=0)
    await adapter.start()
    assert [event.text for event in (await adapter.receive(None))[0]] == ["before"]
    await adapter.stop()


async def test_a_menu_that_is_refused_stops_nobody(api: BotApi) -> None:
    api.fault("setMyCommands", Fault.REFUSED)
    adapter = Telegram(api.token, api.base_url, poll_seconds=0)
    await adapter.start()
    assert await adapter.receive(None) == ([], None)
    await adapter.stop()


async def test_a_wrong_token_is_told_to_the_operator_without_telling_the_token(api: BotApi) -> None:
    adapter = Telegram("1000:wrong", api.base_url)
    with pytest.raises(GatewayFault, match="@BotFather") as caught:
        await adapter.start()
    assert caught.value.fatal
    assert "1000:wrong" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None  # the library's error names the token
    await adapter.stop()


# --- receiving


async def test_asking_with_a_cursor_confirms_what_is_before_it(bot: Telegram, api: BotApi) -> None:
    ana = api.person(ANA)
    ana.says("one")
    ana.says("two")
    events, cursor = await bot.receive(None)
    assert [(event.chat, event.text) for event in events] == [("501", "one"), ("501", "two")]
    assert await bot.receive(None) == (events, cursor)  # asked without: nothing was confirmed
    ana.says("three")
    later, end = await bot.receive(cursor)
    assert [event.text for event in later] == ["three"]
    assert len(api.updates) == 1
    assert await bot.receive(end) == ([], end)
    assert len(api.updates) == 0


async def test_a_long_poll_ends_as_soon_as_there_is_something(api: BotApi) -> None:
    adapter = Telegram(api.token, api.base_url, poll_seconds=50)
    await adapter.start()
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(adapter.receive(None))
        await api.called("getUpdates")
        api.person(ANA).says("hello")
    assert [event.text for event in poll.result()[0]] == ["hello"]
    await adapter.stop()


async def test_an_unreadable_update_blocks_neither_the_batch_nor_the_cursor(
    bot: Telegram, api: BotApi
) -> None:
    ana = api.person(ANA)
    ana.says("before")
    api.update({"message": {"message_id": 8, "date": "not a date", "chat": {"id": [ANA]}}})
    api.raw(["no", "object"])
    api.raw({"message": {"text": "no id \ud83d\0"}})
    ana.says("after")
    events, cursor = await bot.receive(None)
    assert [event.text for event in events] == ["before", "", "", "no id \ufffd", "after"]
    assert len({event.key for event in events}) == 5
    assert await bot.receive(cursor) == ([], cursor)


async def test_ids_that_fall_after_an_idle_week_are_followed_down(
    bot: Telegram, api: BotApi, clock: Clock
) -> None:
    api.updates.next_number = 9000
    api.person(ANA).says("before")
    _, cursor = await bot.receive(None)
    await bot.receive(cursor)
    clock.time += timedelta(days=8)
    api.updates.next_number = 40
    api.person(ANA).says("after")
    events, lower = await bot.receive(cursor)
    assert ([event.text for event in events], lower) == (["after"], "41")
    assert await bot.receive(lower) == ([], lower)


async def test_what_waits_longer_than_a_day_is_gone(bot: Telegram, api: BotApi, clock: Clock) -> None:
    api.person(ANA).says("too early")
    clock.time += timedelta(hours=23)
    api.person(ANA).says("in time")
    clock.time += timedelta(hours=2)
    assert [event.text for event in (await bot.receive(None))[0]] == ["in time"]


async def test_a_batch_is_at_most_a_hundred(bot: Telegram, api: BotApi) -> None:
    for number in range(130):
        api.person(ANA).says(str(number))
    first, cursor = await bot.receive(None)
    rest, _ = await bot.receive(cursor)
    assert [event.text for event in (*first, *rest)] == [str(number) for number in range(130)]
    assert len(first) == 100


async def test_kinds_that_we_have_no_use_for_do_not_come(bot: Telegram, api: BotApi) -> None:
    api.update({"poll": {"id": "1"}})
    assert await bot.receive(None) == ([], None)


async def test_all_that_people_do_is_understood(bot: Telegram, api: BotApi) -> None:
    ana = api.person(ANA)
    first = ana.says("a")
    ana.edits(first, "b")
    ana.replies(first, "c")
    place = ana.sends_place(1.5, 2.5)
    ana.moves(place, 1.75, 2.5)
    ana.sends_photo(b"photo", "roof")
    ana.sends_voice(b"voice")
    ana.sends_document("list.pdf", b"document")
    ana.shares_contact("+15550100")
    ana.says("in a room", room=-1007)
    await bot.send(Outgoing("501", "?", buttons=YES_NO))
    ana.presses("No")
    ana.presses(1)
    ana.blocks()
    ana.unblocks()
    said = [parse(event.payload) for event in (await bot.receive(None))[0]]
    assert [one.text for one in said][:3] == ["a", "b", "c"]
    assert said[2].reply_to == str(first)
    assert (said[4].kind, said[4].place) == (Kind.EDIT, Place(1.75, 2.5))
    assert [one.attachment is not None for one in said[5:8]] == [True] * 3
    assert (said[8].contact, said[9].in_room) == ("+15550100", True)
    assert [one.token for one in said[10:12]] == ["t2", "t1"]
    assert [one.kind for one in said[12:]] == [Kind.BLOCKED, Kind.UNBLOCKED]


@pytest.mark.parametrize(
    ("fault", "fatal", "wait", "words"),
    [
        (Fault.CONFLICT, True, None, "stop it"),
        (Fault.UNAUTHORIZED, True, None, "@BotFather"),
        (Fault.FLOOD, False, timedelta(seconds=3), "wait"),
        (Fault.BAD_GATEWAY, False, None, "HTTP 502"),
        (Fault.RESET_BEFORE, False, None, "reached"),
        (Fault.HANG_AFTER, False, None, "ReadTimeout"),
        (Fault.TRICKLE, False, None, "TimeoutError"),
        (Fault.NO_JSON, False, None, "reached"),
    ],
)
async def test_faults_of_receiving(
    hasty: Telegram, api: BotApi, fault: Fault, fatal: bool, wait: timedelta | None, words: str
) -> None:
    api.person(ANA).says("kept")
    api.fault("getUpdates", fault)
    with pytest.raises(GatewayFault, match=words) as caught:
        await hasty.receive(None)
    assert (caught.value.fatal, caught.value.retry_after) == (fatal, wait)
    assert [event.text for event in (await hasty.receive(None))[0]] == ["kept"]


async def test_a_second_poller_ends_the_first(api: BotApi) -> None:
    first, second = (Telegram(api.token, api.base_url, poll_seconds=seconds) for seconds in (50, 0))
    poll = asyncio.create_task(first.receive(None))
    await api.called("getUpdates")
    assert await second.receive(None) == ([], None)
    with pytest.raises(GatewayFault, match="Another program") as caught:
        await poll
    assert caught.value.fatal
    api.webhook = "https://example.org/hook"
    with pytest.raises(GatewayFault, match="webhook") as caught:
        await second.receive(None)
    assert caught.value.fatal
    for adapter in (first, second):
        await adapter.stop()


# --- presses


async def pressed(bot: Telegram, api: BotApi) -> None:
    await bot.send(Outgoing("501", "?", buttons=YES_NO))
    api.person(ANA).presses("Yes")
    api.person(ANA).says("no press")
    events, _ = await bot.receive(None)
    await bot.accepted(events)


async def test_a_press_is_answered_once_it_is_committed(bot: Telegram, api: BotApi) -> None:
    await pressed(bot, api)
    await bot.stop()  # gives it a moment
    assert len(api.answered) == 1


async def test_an_answer_that_hangs_is_given_up(
    bot: Telegram, api: BotApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.PRESS_ANSWER_SECONDS", 0.01)
    caplog.set_level(logging.DEBUG)
    api.fault("answerCallbackQuery", Fault.HANG_AFTER)
    await pressed(bot, api)
    await bot.stop()
    assert "A press could not be answered (TimeoutError)" in caplog.messages


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.FLOOD, Fault.RESET_BEFORE, Fault.BAD_GATEWAY])
async def test_a_press_that_cannot_be_answered_harms_nobody(bot: Telegram, api: BotApi, fault: Fault) -> None:
    api.fault("answerCallbackQuery", fault)
    await pressed(bot, api)
    await api.called("answerCallbackQuery")
    assert await bot.send(Outgoing("501", "still here"))


async def test_stopping_waits_a_moment_only(
    bot: Telegram, api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.STOP_SECONDS", 0.01)
    api.fault("answerCallbackQuery", Fault.HANG_BEFORE)
    await pressed(bot, api)
    await api.called("answerCallbackQuery")
    async with asyncio.timeout(2):
        await bot.stop()


async def test_an_old_press_is_refused_by_telegram_and_nobody_minds(
    bot: Telegram, api: BotApi, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.send(Outgoing("501", "?", buttons=YES_NO))
    api.person(ANA).presses("Yes")
    clock.time += timedelta(minutes=5)
    caplog.set_level(logging.DEBUG)
    await bot.accepted((await bot.receive(None))[0])
    await bot.stop()
    assert api.answered == []
    assert "A press could not be answered (BadRequest)" in caplog.messages


# --- attachments


async def test_an_attachment_is_fetched(bot: Telegram, api: BotApi) -> None:
    api.person(ANA).sends_photo(b"\x00photo\xff")
    attachment = parse((await bot.receive(None))[0][0].payload).attachment
    assert attachment is not None
    assert await bot.fetch(attachment.reference) == b"\x00photo\xff"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.FLOOD, NotSent),
        (Fault.RESET_BEFORE, NotSent),
        (Fault.BAD_GATEWAY, NotSent),
        (Fault.REFUSED, Refused),
        (Fault.BLOCKED, Refused),
    ],
)
async def test_faults_of_fetching(
    bot: Telegram, api: BotApi, fault: Fault, expected: type[Exception]
) -> None:
    api.person(ANA).sends_voice(b"voice")
    api.fault("getFile", fault)
    with pytest.raises(expected):
        await bot.fetch("file-1")
    assert await bot.fetch("file-1") == b"voice"


async def test_what_is_too_big_is_never_fetched(bot: Telegram, api: BotApi) -> None:
    api.person(ANA).sends_document("film.bin", b"0" * 20_000_001)
    with pytest.raises(Refused, match="too big"):
        await bot.fetch("file-1")
    with pytest.raises(NotSent):
        await bot.fetch("file-unknown")


# --- secrets


async def test_no_log_names_the_token_a_person_or_their_words(
    hasty: Telegram, api: BotApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.person(ANA).says("secret words")
    await hasty.accepted((await hasty.receive(None))[0])
    await hasty.send(Outgoing("501", "secret words", buttons=YES_NO))
    for fault in Fault:
        api.fault("sendMessage", fault)
        with (
            pytest.raises((NotSent, Uncertain, Refused, ChatMoved))
            if fault is not Fault.PARSE
            else nullcontext()
        ):
            await hasty.send(Outgoing("501", "secret words"))
        api.fault("getUpdates", fault)
        with pytest.raises(GatewayFault):
            await hasty.receive(None)
    assert not [one for one in caplog.messages if any(word in one for word in (MADE_UP, "secret", "501"))]
