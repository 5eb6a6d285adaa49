"""How the Telegram adapter sends, over real HTTP, and what it makes of every fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.adapters import ChatMoved, File, GatewayFault, NotSent, Outgoing, Press, Refused, Uncertain
from bot.adapters.telegram import Telegram
from bot.adapters.telegram_wire import outcome
from handlers.messages import Place
from tests.adapters.telegram_story import ANA, YES_NO, connected
from tests.bot_api import MADE_UP, BotApi, Fault, Key


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        server.person(ANA)
        yield server


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Telegram]:
    async with connected(api) as adapter:
        yield adapter


@pytest.fixture
async def hasty(api: BotApi) -> AsyncIterator[Telegram]:
    """One that waits a moment only for an answer."""
    async with connected(api, answer_seconds=0.1) as adapter:
        yield adapter


async def test_a_message_with_a_title_and_buttons(bot: Telegram, api: BotApi) -> None:
    sent = await bot.send(Outgoing("501", "1 < 2 & http://example.org", "Need <N-7K3Q>", YES_NO))
    [heard] = api.person(ANA).heard
    assert sent == (str(heard.message_id),)
    assert heard.text == "Need <N-7K3Q>\n1 < 2 & http://example.org"
    assert heard.bold == ["Need <N-7K3Q>"]
    assert heard.buttons == [[Key("Yes", "t1"), Key("No", "t2")]]
    assert not heard.preview


async def test_a_long_text_comes_in_parts_with_the_buttons_on_the_last(bot: Telegram, api: BotApi) -> None:
    words = "🧣 <cloak> " * 1000
    sent = await bot.send(Outgoing("501", words, buttons=YES_NO))
    heard = api.person(ANA).heard
    assert " ".join(one.text for one in heard) == words.strip()
    assert [bool(one.buttons) for one in heard] == [False] * (len(heard) - 1) + [True]
    assert (sent[0], len(heard)) == (str(heard[-1].message_id), 3)
    assert {*sent} == {str(one.message_id) for one in heard}


async def test_who_may_speak_no_more_in_the_middle_of_a_long_text_leaves_the_rest_unsaid(
    bot: Telegram, api: BotApi
) -> None:
    """It was frozen after the first part, say, and another has taken the account over."""
    bot.may_speak = lambda: not api.sent
    with pytest.raises(Uncertain, match="only a part of the message was sent"):
        await bot.send(Outgoing("501", "🧣 <cloak> " * 1000))
    assert len(api.person(ANA).heard) == 1


async def test_who_may_speak_no_more_sends_and_changes_nothing_and_still_hears(
    bot: Telegram, api: BotApi
) -> None:
    (sent,) = await bot.send(Outgoing("501", "hello", buttons=YES_NO))
    bot.may_speak = lambda: False
    calls = len(api.calls)
    for message in (Outgoing("501", "again"), Outgoing("501", "", retracts=(sent,)),
                    Outgoing("501", "changed", edits=sent),
                    Outgoing("501", "", file=File("photo", "image/png", b"a picture"))):  # fmt: skip
        with pytest.raises(NotSent, match="another process"):
            await bot.send(message)
    assert len(api.calls) == calls, "not even asked"
    await bot.check()
    bot.may_speak = lambda: True
    await bot.send(Outgoing("501", "again"))
    assert [each.text for each in api.person(ANA).heard] == ["hello", "again"]


async def test_words_that_no_encoding_takes_are_sent_nonetheless(bot: Telegram, api: BotApi) -> None:
    await bot.send(Outgoing("501", "a\ud83d\0b", buttons=(Press("\ud83dYes", "t"),)))
    assert api.person(ANA).heard[0].text == "a\ufffdb"
    assert api.person(ANA).heard[0].labels == ["\ufffdYes"]


async def test_what_telegram_cannot_read_as_html_is_sent_as_plain_text(bot: Telegram, api: BotApi) -> None:
    api.fault("sendMessage", Fault.PARSE)
    await bot.send(Outgoing("501", "a < b", "Title"))
    assert [(one.text, one.bold) for one in api.person(ANA).heard] == [("Title\na < b", [])]


async def test_a_button_that_asks_for_a_place_makes_a_keyboard(bot: Telegram, api: BotApi) -> None:
    ask = (Press("Send my position", "p", asks_place=True), Press("Skip", "s"))
    await bot.send(Outgoing("501", "Where?", buttons=ask))
    assert api.person(ANA).heard[0].keys == [Key("Send my position", asks_place=True), Key("Skip")]
    api.person(ANA).presses("Skip")
    assert (await bot.receive(None))[0][-1].text == "Skip"


async def test_a_place_follows_the_text(bot: Telegram, api: BotApi) -> None:
    sent = await bot.send(Outgoing("501", "Here", buttons=YES_NO, place=Place(1.5, 2.5)))
    text, place = api.person(ANA).heard
    assert sent == (str(text.message_id), str(place.message_id))
    assert (text.labels, place.place) == (["Yes", "No"], (1.5, 2.5))
    await bot.send(Outgoing("501", "", buttons=YES_NO, place=Place(3, 4)))
    assert api.person(ANA).heard[-1].labels == ["Yes", "No"]


@pytest.mark.parametrize(
    ("media", "mime", "method", "name"),
    [
        ("photo", "image/jpeg", "sendPhoto", "photo.jpg"),
        ("voice", "audio/ogg", "sendVoice", "voice.ogg"),
        ("video", "video/mp4", "sendVideo", "video.mp4"),
        ("file", "application/pdf", "sendDocument", "file.pdf"),
    ],
)
async def test_files(bot: Telegram, api: BotApi, media: str, mime: str, method: str, name: str) -> None:
    file = File(media, mime, b"\x00bytes\xff")
    await bot.send(Outgoing("501", "a < b", "Title", YES_NO, file=file))
    [heard] = api.person(ANA).heard
    assert heard.file is not None
    assert (heard.method, heard.file.name, heard.file.mime) == (method, name, mime)
    assert (heard.file.body, heard.text, heard.bold) == (file.body, "Title\na < b", ["Title"])
    assert heard.labels == ["Yes", "No"]


async def test_a_long_caption_is_a_message_of_its_own(bot: Telegram, api: BotApi) -> None:
    await bot.send(Outgoing("501", "a" * 1025, buttons=YES_NO, file=File("photo", "image/jpeg", b"x")))
    photo, text = api.person(ANA).heard
    assert (photo.text, photo.labels, len(text.text), text.labels) == ("", [], 1025, ["Yes", "No"])


async def test_a_picture_that_telegram_does_not_want_goes_as_a_document(bot: Telegram, api: BotApi) -> None:
    api.fault("sendPhoto", Fault.REFUSED)
    await bot.send(Outgoing("501", "roof", file=File("photo", "image/jpeg", b"x")))
    assert [(one.method, one.text) for one in api.person(ANA).heard] == [("sendDocument", "roof")]


async def test_changing_in_place(bot: Telegram, api: BotApi) -> None:
    sent = await bot.send(Outgoing("501", "Open", buttons=YES_NO))
    change = Outgoing("501", "Taken", "N-7K3Q", buttons=(Press("Undo", "t3"),), edits=sent[0])
    assert await bot.send(change) == sent
    assert await bot.send(change) == sent  # "message is not modified" is what we wanted
    assert await bot.send(Outgoing("501", "Closed", edits=sent[0])) == sent
    [heard] = api.person(ANA).heard
    assert (heard.text, heard.buttons, heard.edited) == ("Closed", [], True)
    assert [one.text for one in api.sent] == ["Open", "N-7K3Q\nTaken", "Closed"]


@pytest.mark.parametrize("edits", ["999", "no number"])
async def test_what_cannot_be_changed_is_refused_for_good(bot: Telegram, edits: str) -> None:
    with pytest.raises(Refused) as caught:
        await bot.send(Outgoing("501", "Taken", edits=edits))
    assert not caught.value.unreachable


async def test_a_change_that_needs_two_messages_is_refused(bot: Telegram) -> None:
    sent = await bot.send(Outgoing("501", "short"))
    with pytest.raises(Refused, match="in place"):
        await bot.send(Outgoing("501", "long " * 1000, edits=sent[0]))


async def test_nothing_to_send_is_refused(bot: Telegram, api: BotApi) -> None:
    with pytest.raises(Refused, match="empty"):
        await bot.send(Outgoing("501", " \n "))
    assert "sendMessage" not in api.calls


@pytest.mark.parametrize(
    ("fault", "expected", "arrived"),
    [
        (Fault.FLOOD, NotSent, 0),
        (Fault.UNAUTHORIZED, NotSent, 0),
        (Fault.BLOCKED, Refused, 0),
        (Fault.NO_CHAT, Refused, 0),
        (Fault.REFUSED, Refused, 0),
        (Fault.TOO_LARGE, Refused, 0),
        (Fault.MIGRATED, ChatMoved, 0),
        (Fault.BAD_GATEWAY, Uncertain, 0),
        (Fault.RESET_BEFORE, Uncertain, 0),
        (Fault.HANG_BEFORE, Uncertain, 0),
        (Fault.RESET_AFTER, Uncertain, 1),
        (Fault.HANG_AFTER, Uncertain, 1),
        (Fault.NO_JSON, Uncertain, 1),
        (Fault.TRICKLE, Uncertain, 1),
    ],
)
async def test_faults_of_sending(
    hasty: Telegram, api: BotApi, fault: Fault, expected: type[Exception], arrived: int
) -> None:
    api.fault("sendMessage", fault, detail=77)
    with pytest.raises(expected) as caught:
        await hasty.send(Outgoing("501", "your words"))
    assert api.count(ANA, "your words") == arrived
    assert "words" not in str(caught.value)
    assert caught.value.__context__ is None
    match caught.value:
        case NotSent() as problem if fault is Fault.FLOOD:
            assert problem.retry_after == timedelta(seconds=77)
        case Refused() as problem:
            assert problem.unreachable == (fault in (Fault.BLOCKED, Fault.NO_CHAT))
        case ChatMoved() as problem:
            assert problem.chat == "77"


async def test_a_fault_for_one_chat_leaves_the_others_alone(bot: Telegram, api: BotApi) -> None:
    api.person(502)
    api.fault("sendMessage", Fault.FLOOD, chat=ANA, times=2)
    for _ in range(2):
        with pytest.raises(NotSent):
            await bot.send(Outgoing("501", "x"))
        await bot.send(Outgoing("502", "x"))
    await bot.send(Outgoing("501", "x"))
    assert [one.chat for one in api.sent] == [502, 502, 501]


async def test_someone_who_stopped_the_bot_cannot_be_reached(bot: Telegram, api: BotApi) -> None:
    api.person(ANA).blocks()
    with pytest.raises(Refused) as caught:
        await bot.send(Outgoing("501", "x"))
    assert caught.value.unreachable


@pytest.mark.parametrize("fault", [Fault.FLOOD, Fault.REFUSED, Fault.HANG_AFTER])
async def test_what_is_sent_in_part_is_never_called_unsent(
    hasty: Telegram, api: BotApi, fault: Fault
) -> None:
    api.fault("sendLocation", fault)
    with pytest.raises(Uncertain):
        await hasty.send(Outgoing("501", "Here", place=Place(1, 2)))
    assert api.count(ANA, "Here") == 1


async def test_without_a_server_nothing_is_sent() -> None:
    adapter = Telegram(MADE_UP, "http://127.0.0.1:9/bot", poll_seconds=0)
    with pytest.raises(GatewayFault, match="nothing listens there") as caught:
        await adapter.start()
    assert not caught.value.fatal
    with pytest.raises(NotSent, match="nothing listens there"):
        await adapter.send(Outgoing("501", "x"))
    with pytest.raises(NotSent, match="nothing listens there"):
        await adapter.fetch("file-1")
    await adapter.stop()


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (httpx.PoolTimeout("x"), NotSent),
        (httpx.ConnectTimeout("x"), NotSent),
        (httpx.ConnectError("x"), NotSent),
        (httpx.ReadTimeout("x"), Uncertain),
        (httpx.WriteTimeout("x"), Uncertain),
        (httpx.ReadError("x"), Uncertain),
        (httpx.RemoteProtocolError("x"), Uncertain),
        (None, Uncertain),
    ],
)
def test_what_broke_decides_whether_a_message_may_have_gone(
    cause: Exception | None, expected: type[Exception]
) -> None:
    for error in (NetworkError("x"), TimedOut(), TelegramError("x")):
        error.__cause__ = cause
        assert type(outcome(error)) is expected
