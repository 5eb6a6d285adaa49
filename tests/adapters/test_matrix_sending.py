"""How the Matrix adapter sends, over a real homeserver."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters import File, NotSent, Outgoing, Press, Refused
from bot.adapters.matrix_events import parse
from bot.adapters.matrix_manners import Profile
from bot.adapters.matrix_pace import CAREFUL, WINDOW, Allowance
from bot.setup import AVATAR
from handlers.messages import Kind, Place
from storage.database import Database
from tests.adapters.matrix_story import Bot, connected
from tests.matrix_fixtures import Newcomer
from tests.matrix_member import Member
from tests.synapse import STRICT, Synapse
from tests.world import NOON

YES_NO = (Press("Yes", "t1"), Press("No", "t2"))
PROFILE = "/_matrix/client/v3/profile"


@pytest.fixture
async def bot(sqlite_database: Database, synapse: Synapse) -> AsyncIterator[Bot]:
    async with connected(sqlite_database, synapse) as made:
        yield made


@pytest.fixture
async def ana(newcomer: Newcomer) -> Member:
    return await newcomer("ana")


async def test_the_same_key_twice_is_one_message(bot: Bot, ana: Member) -> None:
    await bot.chat(ana)
    long = Outgoing(ana.user_id, "words " * 1500 + "end", place=Place(1.5, 2.5), key="7")
    first = await bot.matrix.send(long)
    assert await bot.matrix.send(long) == first
    other = await bot.matrix.send(Outgoing(ana.user_id, "words", key="8"))
    await ana.until(lambda: other[0] in ana.messages)
    assert [each.event_id for each in ana.heard] == [*sorted_as_said(ana, first), *other]
    assert all(each.encrypted for each in ana.heard)
    assert len(first) == 4
    assert ana.messages[first[0]].body.endswith("end")  # what stands for the whole comes first


def sorted_as_said(ana: Member, ids: tuple[str, ...]) -> list[str]:
    return sorted(ids, key=[each.event_id for each in ana.heard].index)


async def test_a_message_is_changed_in_place(bot: Bot, ana: Member) -> None:
    await bot.chat(ana)
    sent = await bot.matrix.send(Outgoing(ana.user_id, "Open", buttons=YES_NO, key="1"))
    change = Outgoing(ana.user_id, "Taken", "N-7K3Q", edits=sent[0], key="2")
    assert await bot.matrix.send(change) == await bot.matrix.send(change) == sent
    await bot.matrix.send(Outgoing(ana.user_id, "last", key="3"))
    await ana.until(lambda: any(each.body == "last" for each in ana.heard))
    card, _last = ana.heard
    assert (card.event_id, card.body, card.changed, len(card.edits)) == (sent[0], "N-7K3Q\nTaken", True, 1)
    assert card.formatted_body == "<strong>N-7K3Q</strong><br>Taken"
    with pytest.raises(Refused, match="in place") as refused:
        await bot.matrix.send(Outgoing(ana.user_id, "long " * 1000, edits=sent[0], key="4"))
    assert not refused.value.unreachable


async def test_what_is_taken_back_disappears_whole(bot: Bot, ana: Member) -> None:
    await bot.chat(ana)
    photo = File("photo", "image/jpeg", b"\xff\xd8")
    sent = await bot.matrix.send(
        Outgoing(ana.user_id, "w" * 1100, place=Place(1.5, 2.5), file=photo, key="1")
    )
    words, *others = sent
    assert len(others) == 2
    extras = Outgoing(ana.user_id, "Closed", edits=words, retracts=tuple(others), key="2")
    for _twice in range(2):
        assert await bot.matrix.send(extras) == (words,)
    await ana.until(lambda: ana.messages[words].changed if words in ana.messages else False)
    assert [each.redacted for each in ana.heard] == [each.event_id != words for each in ana.heard]
    everything = Outgoing(ana.user_id, "", retracts=sent, key="3")
    assert await bot.matrix.send(everything) == ()
    await ana.until(lambda: all(each.redacted for each in ana.heard))
    gone = Outgoing(ana.user_id, "", retracts=("$never-was:cloak.test", "$nor-this"), key="4")
    assert await bot.matrix.send(gone) == ()  # what is gone already is no fault


@pytest.mark.parametrize("encrypted", [True, False])
async def test_files_arrive_whole_in_both_directions(bot: Bot, ana: Member, encrypted: bool) -> None:
    room = await bot.chat(ana, encrypted=encrypted)
    body = b"%PDF not for the homeserver " * 900
    await bot.matrix.send(Outgoing(ana.user_id, "a < b", file=File("file", "application/pdf", body), key="1"))
    await ana.until(lambda: ana.heard)
    [heard] = ana.heard
    assert heard.attachment is not None
    assert (heard.msgtype, heard.body, heard.attachment.filename) == ("m.file", "a < b", "file.pdf")
    assert (bool(heard.attachment.key), heard.encrypted) == (encrypted, encrypted)
    assert await ana.downloads(heard) == body

    await ana.sends_photo(room, b"\xff\xd8 the door", "the door")
    await bot.until(lambda: bot.taken)
    said = parse(bot.taken[-1].payload)
    assert said.attachment is not None
    reference = said.attachment.reference
    assert (said.text, await bot.matrix.fetch(reference)) == ("the door", b"\xff\xd8 the door")
    if encrypted:
        other = json.dumps(json.loads(reference) | {"sha256": "A" * 43})
        with pytest.raises(Refused, match="not what was announced"):
            await bot.matrix.fetch(other)
    with pytest.raises(Refused):
        await bot.matrix.fetch(json.dumps({"url": "mxc://cloak.test/nothing"}))


async def test_what_is_asked_in_a_thread_is_answered_there(bot: Bot, ana: Member) -> None:
    room = await bot.chat(ana)
    root = await ana.says(room, "hello")
    await bot.matrix.send(Outgoing(ana.user_id, "in the thread", thread=root, key="1"))
    await bot.matrix.send(Outgoing(ana.user_id, "beside it", key="2"))
    await ana.until(lambda: len(ana.heard) == 2)
    assert [(each.body, each.thread, each.reply_to) for each in ana.heard] == [
        ("in the thread", root, ""), ("beside it", "", ""),
    ]  # fmt: skip


async def test_who_leaves_is_not_written_to_until_they_come_back(bot: Bot, ana: Member) -> None:
    room = await bot.chat(ana)
    await ana.leaves(room)
    await bot.until(lambda: bot.reports(Kind.BLOCKED))
    assert [each.chat for each in bot.reports(Kind.BLOCKED)] == [ana.user_id]
    with pytest.raises(Refused) as refused:
        await bot.matrix.send(Outgoing(ana.user_id, "hello", key="1"))
    assert refused.value.unreachable
    assert ana.user_id not in str(refused.value)
    await bot.until(lambda: room not in bot.rooms)  # nobody is there any more
    again = await bot.chat(ana)
    assert [each.chat for each in bot.reports(Kind.UNBLOCKED)] == [ana.user_id]
    await bot.matrix.send(Outgoing(ana.user_id, "welcome back", key="2"))
    await ana.until(lambda: ana.heard)
    assert [(each.body, each.room_id) for each in ana.heard] == [("welcome back", again)]


async def test_a_room_that_the_bot_is_not_in_and_empty_words_are_refused(bot: Bot, ana: Member) -> None:
    with pytest.raises(Refused) as refused:
        await bot.matrix.send(Outgoing("!nowhere:cloak.test", "hello", is_room=True, key="1"))
    assert refused.value.unreachable
    await bot.chat(ana)
    with pytest.raises(Refused, match="empty") as refused:
        await bot.matrix.send(Outgoing(ana.user_id, " \n ", key="2"))
    assert not refused.value.unreachable


async def test_reading_and_writing_are_shown(bot: Bot, ana: Member) -> None:
    room = await bot.chat(ana)
    said = await ana.says(room, "hello")
    await bot.until(lambda: bot.taken)
    await ana.until(lambda: ana.receipts[said] and ana.typing.get(room))
    assert (ana.receipts[said], ana.typing[room]) == ({bot.user_id}, {bot.user_id})
    await bot.matrix.send(Outgoing(ana.user_id, "good day", key="1"))
    await bot.courtesies()
    await ana.until(lambda: not ana.typing[room])


async def test_the_account_has_a_name_and_a_face(sqlite_database: Database, synapse: Synapse) -> None:
    async with connected(sqlite_database, synapse, Profile("Helpers", AVATAR.read_bytes())) as bot:
        token, path = bot.account.token, f"{PROFILE}/{bot.user_id}"
        shown = await synapse.call("GET", path, token=token)
        assert shown["displayname"] == "Helpers"
        assert await bot.client.download(shown["avatar_url"]) == AVATAR.read_bytes()
        # A face that the operator chose stays, the name is that of the settings.
        mine = {"avatar_url": "mxc://cloak.test/chosen"}
        await synapse.call("PUT", f"{path}/avatar_url", mine, token)
        await synapse.call("PUT", f"{path}/displayname", {"displayname": "x"}, token)
        await bot.matrix.start()
        await bot.courtesies()
        assert await synapse.call("GET", path, token=token) == {"displayname": "Helpers", **mine}


# --- reactions as buttons ----------------------------------------------------------------------------


async def test_reactions_are_offered_for_a_tap(bot: Bot, ana: Member) -> None:
    room = await bot.chat(ana)
    [card] = await bot.matrix.send(Outgoing(ana.user_id, "Is that right?", buttons=YES_NO, key="1"))
    await bot.courtesies()
    await ana.until(lambda: len(ana.heard) == 1 and len(ana.heard[0].reactions) == 2)
    assert ana.messages[card].reactions_of(bot.user_id) == ["1️⃣", "2️⃣"]
    await ana.reacts(room, card, "1️⃣")
    await bot.until(lambda: bot.taken)
    said = parse(bot.taken[-1].payload)
    assert (said.kind, said.text, said.reply_to) == (Kind.REACTION, "1️⃣", card)


def test_courtesies_leave_room_for_words() -> None:
    allowance = Allowance()
    assert [more for more in range(1, 9) if allowance.has_room_for(NOON, more)] == [1, 2, 3, 4, 5, 6]
    for _word in range(4):
        allowance.sends(NOON)
    assert [more for more in range(1, 9) if allowance.has_room_for(NOON, more)] == [1, 2]
    for _word in range(16):
        allowance.sends(NOON + timedelta(seconds=10))
    assert allowance.has_room_for(NOON + timedelta(seconds=10), 6)  # no limit shows
    assert not allowance.has_room_for(NOON + timedelta(seconds=50), 1)
    assert allowance.has_room_for(NOON + timedelta(seconds=60), 6)
    allowance.refused(NOON, timedelta(hours=1))
    assert not allowance.has_room_for(NOON + timedelta(minutes=59), 1)
    assert allowance.has_room_for(NOON + timedelta(hours=1), 1)
    allowance.refused(NOON, timedelta(seconds=1))
    assert not allowance.has_room_for(NOON + CAREFUL - timedelta(seconds=1), 1)


async def says_much(bot: Bot, ana: Member) -> None:
    for number in range(20):
        await bot.matrix.send(Outgoing(ana.user_id, str(number), key=f"many{number}"))


async def test_a_homeserver_that_asks_to_wait_is_offered_no_reactions(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with (
        Synapse(tmp_path / "strict", STRICT) as strict,
        await Member.join(strict, "ana", tmp_path / "ana") as ana,
        connected(sqlite_database, strict) as bot,
    ):
        await bot.chat(ana)
        with pytest.raises(NotSent) as limited:
            await says_much(bot, ana)
        assert limited.value.retry_after is not None
        assert timedelta() < limited.value.retry_after < timedelta(minutes=1)
        await strict.unlimited(bot.user_id)
        bot.time.moment += WINDOW  # what was sent counts no more, that it was too much does
        [card] = await bot.matrix.send(Outgoing(ana.user_id, "Is that right?", buttons=YES_NO, key="c1"))
        await bot.courtesies()
        bot.time.moment += CAREFUL
        [later] = await bot.matrix.send(Outgoing(ana.user_id, "And now?", buttons=YES_NO, key="c2"))
        await bot.courtesies()
        await ana.until(lambda: later in ana.messages and len(ana.messages[later].reactions) == 2)
        assert ana.messages[card].reactions == []


async def test_what_is_withdrawn_is_not_left_to_be_read_under_an_edit(bot: Bot, ana: Member) -> None:
    await bot.chat(ana)
    [shown] = await bot.matrix.send(Outgoing(ana.user_id, "the blue door", key="1"))
    closing = Outgoing(ana.user_id, "Closed", edits=shown, withdraws=True, key="2")
    [instead] = await bot.matrix.send(closing)
    assert await bot.matrix.send(closing) == (instead,)
    await ana.until(lambda: instead in ana.messages and ana.messages[shown].redacted)
    assert ana.messages[instead].body == "Closed"
    assert ana.messages[instead].msgtype == "m.notice"
    assert "blue" not in str(ana.messages[shown].content)


async def test_what_stands_in_an_older_chat_is_changed_there(bot: Bot, ana: Member) -> None:
    await bot.chat(ana)
    [shown] = await bot.matrix.send(Outgoing(ana.user_id, "the blue door", key="1"))
    await ana.until(lambda: shown in ana.messages)
    newer = await bot.chat(ana)
    await ana.says(newer, "I write here now")
    await bot.until(lambda: [each for each in bot.taken if each.text == "I write here now"])
    assert await bot.matrix.send(Outgoing(ana.user_id, "Closed", edits=shown, key="2")) == (shown,)
    await ana.until(lambda: ana.messages[shown].changed)
    [after] = await bot.matrix.send(Outgoing(ana.user_id, "", retracts=(shown,), key="3")) or [""]
    assert after == ""
    await ana.until(lambda: ana.messages[shown].redacted)
    [said] = await bot.matrix.send(Outgoing(ana.user_id, "here", key="4"))
    await ana.until(lambda: said in ana.messages)
    assert ana.messages[said].room_id == newer
