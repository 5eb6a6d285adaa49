"""The people of the Matrix tests can talk: with each other, encrypted, over a real homeserver."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from handlers.messages import Place
from tests.matrix_fixtures import Newcomer
from tests.matrix_member import Member
from tests.synapse import STRICT, Refused, Synapse


async def chat(newcomer: Newcomer, encrypted: bool = True) -> tuple[Member, Member, str]:
    """Ana, a bot that is only another person, and their room, in which both are."""
    ana, bot = await newcomer("ana"), await newcomer("bot")
    bot.welcome.add(ana.user_id)
    room = await ana.open_chat(bot.user_id, encrypted)
    await bot.sync()
    await ana.wait_joined(bot.user_id, room)
    return ana, bot, room


@pytest.mark.parametrize("encrypted", [True, False])
async def test_talk_goes_both_ways(newcomer: Newcomer, encrypted: bool) -> None:
    ana, bot, room = await chat(newcomer, encrypted)
    asked = await ana.says(room, "I need insulin")
    await ana.says_in_thread(room, asked, "for tomorrow")
    await ana.sends_place(room, 41.4, 2.16)
    await bot.sync()
    assert [each.body for each in bot.heard[:2]] == ["I need insulin", "for tomorrow"]
    assert (bot.heard[1].thread, bot.heard[1].reply_to) == (asked, "")
    assert bot.heard[2].place == Place(41.4, 2.16)
    answer = await bot.replies(room, asked, "Is that right?")
    await ana.sync()
    (heard,) = ana.heard
    assert (heard.body, heard.reply_to, heard.event_id) == ("Is that right?", asked, answer)
    assert {each.encrypted for each in (heard, *bot.heard)} == {encrypted}


async def test_the_first_words_can_be_read_by_one_who_comes_later(newcomer: Newcomer) -> None:
    ana, bot = await newcomer("ana"), await newcomer("bot")
    room = await ana.open_chat(bot.user_id)
    await ana.says(room, "I need insulin")
    await bot.sync()
    assert not bot.heard
    await bot.accepts(room)
    assert [each.body for each in bot.heard] == ["I need insulin"]
    assert bot.heard[0].encrypted


async def test_what_was_said_can_change(newcomer: Newcomer) -> None:
    ana, bot, room = await chat(newcomer)
    said = await ana.says(room, "I need insuline")
    edit = await ana.edits(room, said, "I need insulin")
    await bot.sync()
    (heard,) = bot.heard
    assert (heard.body, heard.changed, heard.edits) == ("I need insulin", True, [edit])

    reaction = await bot.reacts(room, said, "👍")
    await ana.sync()
    mine = ana.messages[said]
    assert mine.reactions == mine.reactions_of(bot.user_id) == ["👍"]
    await bot.redacts(room, reaction)
    await ana.sync()
    assert not mine.reactions

    await ana.redacts(room, said)
    await bot.sync()
    assert heard.redacted
    assert not heard.body


async def test_words_taken_back_before_they_were_seen(newcomer: Newcomer) -> None:
    ana, bot, room = await chat(newcomer)
    await ana.redacts(room, await ana.says(room, "I need insulin"))
    await bot.sync()
    assert [each.redacted for each in bot.heard] == [True]


@pytest.mark.parametrize("encrypted", [True, False])
async def test_files_arrive_whole(newcomer: Newcomer, encrypted: bool) -> None:
    ana, bot, room = await chat(newcomer, encrypted)
    photo, paper, voice = b"\xff\xd8 a photo" * 9000, b"%PDF", b"OggS"
    await ana.sends_photo(room, photo, "the door")
    await ana.sends_document(room, "paper.pdf", paper)
    await ana.sends_voice(room, voice)
    await bot.sync()
    shown = [each.attachment for each in bot.heard]
    assert [each.filename for each in shown if each] == ["photo.jpg", "paper.pdf", "Voice message.ogg"]
    assert [bool(each.key) for each in shown if each] == [encrypted] * 3
    assert bot.heard[0].body == "the door"
    assert [await bot.downloads(each) for each in bot.heard] == [photo, paper, voice]


async def test_many_words_at_once_and_a_new_key(newcomer: Newcomer) -> None:
    ana, bot, room = await chat(newcomer)
    await asyncio.gather(*(ana.says(room, str(number)) for number in range(5)), ana.sync())
    first = ana.client.olm.outbound_group_sessions[room].id
    await ana.rotates(room)
    await ana.says(room, "5")
    assert ana.client.olm.outbound_group_sessions[room].id != first
    await bot.sync()
    assert sorted(each.body for each in bot.heard) == list("012345")


async def test_a_group_and_a_late_guest(newcomer: Newcomer) -> None:
    ana, ben, bot = await newcomer("ana"), await newcomer("ben"), await newcomer("bot")
    bot.welcome = ben.welcome = {ana.user_id}
    room = await ana.creates_group("Neighbours", [bot.user_id])
    await bot.sync()
    await ana.invites(room, ben.user_id)
    await ben.sync()
    await bot.sync()
    await bot.says(room, "hello")
    await ana.sync()
    await ben.sync()
    assert [each.body for each in ana.heard] == [each.body for each in ben.heard] == ["hello"]
    await ben.leaves(room)
    await bot.sync()
    assert ben.user_id not in bot.client.rooms[room].users


async def test_one_waits_for_words_and_sees_the_other_read_and_type(newcomer: Newcomer) -> None:
    ana, bot, room = await chat(newcomer)
    waiting = asyncio.create_task(bot.until(lambda: bot.heard))
    said = await ana.says(room, "I need insulin")
    await waiting
    await bot.client.room_typing(room)
    await bot.client.update_receipt_marker(room, said)
    await ana.until(lambda: ana.typing.get(room) and ana.receipts)
    assert ana.typed == {bot.user_id}
    assert ana.receipts[said] == {bot.user_id}


async def test_a_second_device_reads_too(synapse: Synapse, newcomer: Newcomer, tmp_path: Path) -> None:
    ana, bot, room = await chat(newcomer)
    await ana.says(room, "one")
    account = await synapse.login(bot.user_id)
    async with await Member.open(synapse, account, tmp_path / "second") as second:
        await ana.sync()
        await ana.says(room, "two")
        await second.sync()
        assert [each.body for each in second.heard] == ["two"]
        assert len(second.unreadable) == 1
        await synapse.revoke(account.token)
        with pytest.raises(AssertionError, match="M_UNKNOWN_TOKEN"):
            await second.sync()


@pytest.mark.faults
async def test_a_server_that_goes_and_comes_and_sets_limits(tmp_path: Path) -> None:
    async with (
        Synapse(tmp_path / "synapse", STRICT) as server,
        await Member.join(server, "ana", tmp_path / "ana") as ana,
    ):
        room = await ana.open_chat(server.user_id("nobody"))
        await server.stop()
        with pytest.raises(OSError, match="Connect call failed"):
            await ana.says(room, "I need insulin")
        await server.start()
        path, content = (
            f"/_matrix/client/v3/rooms/{room}/send/m.room.message/",
            {"msgtype": "m.text", "body": ""},
        )
        many = [server.call("PUT", f"{path}{number}", content, ana.account.token) for number in range(12)]
        answers = await asyncio.gather(*many, return_exceptions=True)
        refused = [each for each in answers if isinstance(each, Refused)]
        assert {each.body["errcode"] for each in refused} == {"M_LIMIT_EXCEEDED"}
        assert min(each.body["retry_after_ms"] for each in refused) > 0
        await server.unlimited(ana.user_id)
        for number in range(12):
            await ana.says(room, str(number))
