"""What Matrix events mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.adapters import RawEvent
from bot.adapters.matrix_events import parse, raw_event, report
from handlers.messages import Attachment, Inbound, Kind, Media, Place

NAMES = ("@onecloak:example.org", "onecloak", "One Cloak")
CHAT, GROUP = "!chat:example.org", "!group:example.org"
SEALED = {
    "url": "mxc://example.org/media", "key": {"k": "the key", "kty": "oct"}, "iv": "the iv",
    "hashes": {"sha256": "the hash"}, "v": "v2",
}  # fmt: skip


def event(content: Any, kind: str = "m.room.message", **more: Any) -> dict[str, Any]:
    return {"type": kind, "event_id": "$1", "sender": "@ana:example.org", "content": content, **more}


def taken(what: dict[str, Any], *, group: bool = False) -> RawEvent | None:
    return raw_event(what, GROUP if group else CHAT, group=group, names=NAMES, called="Ana")


def read(content: Any, kind: str = "m.room.message", *, group: bool = False, **more: Any) -> Inbound:
    """What the core is told of an event."""
    raw = taken(event(content, kind, **more), group=group)
    assert raw is not None, "it is ignored"
    return parse(raw.payload)


def words(body: str, **more: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **more}


def related(**relation: Any) -> dict[str, Any]:
    return {"m.relates_to": relation}


# --- words -----------------------------------------------------------------------------------------


def test_a_text_and_who_said_it() -> None:
    assert read(words("Hola")) == Inbound(
        kind=Kind.MESSAGE, text="Hola", message_id="$1", name="Ana", handle="@ana:example.org"
    )
    raw = taken(event(words("Hola")))
    assert raw is not None
    assert (raw.key, raw.chat, raw.text) == ("$1", "@ana:example.org", "Hola")


def test_what_is_said_in_a_group_names_the_group() -> None:
    said = read(words("Hola"), group=True)
    assert (said.in_room, said.room, said.text) == (True, GROUP, "Hola")


def test_an_emote_is_words_too() -> None:
    assert read({"msgtype": "m.emote", "body": "needs insulin"}).text == "needs insulin"


@pytest.mark.parametrize(
    "ignored",
    [
        event({"msgtype": "m.notice", "body": "sos"}),
        event({"msgtype": "m.server_notice", "body": "sos"}),
        event({"msgtype": "m.key.verification.request", "body": "sos"}),
        event({}),
        event("sos"),
        event(words("sos"), state_key=""),
        event({"membership": "join"}, "m.room.member", state_key="@ana:example.org"),
        event({"membership": "join"}, "m.room.member"),
        event({"ciphertext": "x"}, "m.room.encrypted"),
        event({"live": True}, "org.matrix.msc3672.beacon_info", state_key="@ana:example.org"),
        event({}, "m.room.redaction"),
    ],
)
def test_what_nobody_says_to_us_is_passed_over(ignored: dict[str, Any]) -> None:
    assert taken(ignored) is None


@pytest.mark.parametrize(
    ("said", "private", "group"),
    [
        ("One Cloak: sos", "sos", "/sos"),
        ("one cloak, board", "board", "/board"),
        ("@onecloak:example.org sos", "sos", "/sos"),
        ("@onecloak: board", "board", "/board"),
        ("onecloak take A-2M9D", "take A-2M9D", "/take A-2M9D"),
        ("One Cloak: !need bread", "/need bread", "/need bread"),
        ("One Cloak: 1", "1", "1"),
        ("One Cloaks are warm", "One Cloaks are warm", "One Cloaks are warm"),
        ("what is One Cloak?", "what is One Cloak?", "what is One Cloak?"),
        ("  !need x", "/need x", "/need x"),
        ("/need x", "/need x", "/need x"),
        ("!? really", "!? really", "!? really"),
        ("a !need x", "a !need x", "a !need x"),
        ("board", "board", "board"),
        ("One Cloak", "", ""),
    ],
)
def test_commands_and_mentions(said: str, private: str, group: str) -> None:
    assert read(words(said)).text == private
    assert read(words(said), group=True).text == group


def test_a_mention_that_the_words_do_not_show_makes_a_command_in_a_group() -> None:
    mine, other = ({"m.mentions": {"user_ids": [who]}} for who in (NAMES[0], "@ben:example.org"))
    assert read(words("board", **mine), group=True).text == "/board"
    assert read(words("board", **other), group=True).text == "board"
    assert read(words("board", **mine)).text == "board"


# --- edits, replies, threads, reactions, redactions -------------------------------------------------


def test_an_edit_brings_the_new_words_of_the_old_message() -> None:
    content = words("* !need milk", **{"m.new_content": words("!need milk")})
    said = read(content | related(rel_type="m.replace", event_id="$old"))
    assert (said.kind, said.text, said.message_id) == (Kind.EDIT, "/need milk", "$old")


QUOTE = "> <@ben:example.org> yes?\n> and\n\n"


@pytest.mark.parametrize("quote", ["", QUOTE])
def test_a_reply_names_what_it_replies_to_with_or_without_the_old_quote(quote: str) -> None:
    reply = related(**{"m.in_reply_to": {"event_id": "$asked"}})
    said = read(words(f"{quote}1\n> mine") | reply)
    assert (said.reply_to, said.text, said.thread) == ("$asked", "1\n> mine", "")


def test_a_quote_that_is_no_reply_stays() -> None:
    assert read(words("> yes\n\nno")).text == "> yes\n\nno"


@pytest.mark.parametrize(("falls_back", "reply_to"), [(True, ""), (False, "$asked")])
def test_in_a_thread_only_a_meant_reply_is_one(falls_back: bool, reply_to: str) -> None:
    relation = {"is_falling_back": falls_back, "m.in_reply_to": {"event_id": "$asked"}}
    said = read(words("here") | related(rel_type="m.thread", event_id="$root", **relation))
    assert (said.thread, said.reply_to, said.text) == ("$root", reply_to, "here")


def test_a_reaction_says_what_and_to_which() -> None:
    said = read(related(rel_type="m.annotation", event_id="$card", key="👍"), "m.reaction", group=True)
    assert (said.kind, said.text, said.reply_to) == (Kind.REACTION, "👍", "$card")
    assert (said.in_room, said.room) == (True, GROUP)


@pytest.mark.parametrize(
    ("content", "more"),
    [({}, {"redacts": "$old"}), ({"redacts": "$old"}, {}), ({"reason": "x"}, {"redacts": "$old"})],
)
def test_a_redaction_is_known_in_the_old_and_the_new_form(content: Any, more: dict[str, Any]) -> None:
    said = read(content, "m.room.redaction", **more)
    assert (said.kind, said.message_id) == (Kind.REDACTED, "$old")


# --- places ---------------------------------------------------------------------------------------------

HERE = Place(41.403628, -2.174355)
URI = "geo:41.403628,-2.174355"


@pytest.mark.parametrize("uri", [URI, f"{URI},31.5", f"{URI};u=10", f"{URI},31;crs=wgs84;u=10"])
def test_a_place(uri: str) -> None:
    said = read({"msgtype": "m.location", "body": "my sofa", "geo_uri": uri})
    assert (said.kind, said.place, said.text) == (Kind.MESSAGE, HERE, "")


@pytest.mark.parametrize("name", ["m.location", "org.matrix.msc3488.location"])
def test_a_place_under_its_other_names(name: str) -> None:
    where = {name: {"uri": URI, "description": "my sofa"}}
    assert read({"msgtype": "m.location", "body": "x", **where}).place == HERE
    assert read(where, name).place == HERE


@pytest.mark.parametrize("kind", ["m.beacon", "org.matrix.msc3672.beacon"])
@pytest.mark.parametrize("name", ["m.location", "org.matrix.msc3488.location"])
def test_a_live_position_is_a_change_without_words(kind: str, name: str) -> None:
    said = read({name: {"uri": URI}, **related(rel_type="m.reference", event_id="$info")}, kind)
    assert (said.kind, said.place, said.text, said.message_id) == (Kind.EDIT, HERE, "", "")


@pytest.mark.parametrize("uri", ["geo:91,0", "geo:0,180.5", "geo:-999,999"])
def test_a_place_off_the_globe_is_malformed(uri: str) -> None:
    with pytest.raises(ValueError, match="globe"):
        read({"msgtype": "m.location", "body": "x", "geo_uri": uri})


@pytest.mark.parametrize("uri", ["", "geo:x", "https://example.org", 7, None, {"geo": 1}])
def test_a_place_that_tells_none_is_a_message_without_one(uri: object) -> None:
    assert read({"msgtype": "m.location", "body": "x", "geo_uri": uri}).place is None


# --- files --------------------------------------------------------------------------------------------

PLAIN = {"url": "mxc://example.org/media", "info": {"mimetype": "image/png", "size": 7}}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"body": "photo.png"}, ""),
        ({"body": "photo.png", "filename": "photo.png"}, ""),
        ({"body": "the door", "filename": "photo.png"}, "the door"),
    ],
)
def test_a_photo_with_and_without_words(content: dict[str, Any], text: str) -> None:
    said = read({"msgtype": "m.image", **content, **PLAIN})
    assert said.text == text
    assert said.attachment == Attachment(Media.PHOTO, '{"url": "mxc://example.org/media"}', "image/png", 7)


def test_the_reference_of_an_encrypted_file_opens_it() -> None:
    said = read({"msgtype": "m.file", "body": "a.pdf", "file": SEALED})
    assert said.attachment is not None
    assert (said.attachment.media, said.attachment.mime) == (Media.FILE, "application/octet-stream")
    assert json.loads(said.attachment.reference) == {
        "url": "mxc://example.org/media", "key": "the key", "iv": "the iv", "sha256": "the hash",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "kind", "media", "mime"),
    [
        ({"msgtype": "m.audio", "org.matrix.msc3245.voice": {}}, "m.room.message", Media.VOICE, "audio/ogg"),
        ({"msgtype": "m.video"}, "m.room.message", Media.VIDEO, "video/mp4"),
        ({}, "m.sticker", Media.STICKER, "image/webp"),
        ({"msgtype": "m.image", "info": {"mimetype": "no type", "size": -1}}, "m.room.message",
         Media.PHOTO, "image/jpeg"),
    ],
)  # fmt: skip
def test_other_files(content: dict[str, Any], kind: str, media: Media, mime: str) -> None:
    said = read({"body": "name", "url": "mxc://example.org/media", **content}, kind)
    assert said.attachment is not None
    assert (said.attachment.media, said.attachment.mime, said.attachment.size) == (media, mime, 0)
    assert said.text == ""


@pytest.mark.parametrize("kind", ["m.call.invite", "m.poll.start", "org.matrix.msc3381.poll.start"])
def test_calls_and_polls_are_messages_without_words(kind: str) -> None:
    said = read({"version": "1", "org.matrix.msc1767.text": "Who?", "body": "Who?"}, kind)
    assert (said.kind, said.text, said.attachment) == (Kind.MESSAGE, "", None)


# --- reports and the crisis screen ----------------------------------------------------------------------


def test_a_report_says_who_and_where() -> None:
    gone = parse(report(Kind.BLOCKED, "gone:1", "@ana:example.org", CHAT).payload)
    assert (gone.kind, gone.in_room, gone.room) == (Kind.BLOCKED, False, "")
    raw = report(Kind.JOINED, "joined:1", "@carla:example.org", GROUP, group=True)
    joined = parse(raw.payload)
    assert (raw.chat, joined.kind) == ("@carla:example.org", Kind.JOINED)
    assert (joined.in_room, joined.room) == (True, GROUP)
    late = parse(report(Kind.LOCKED, "late:$1", "@ana:example.org", CHAT, about="$1", late="yes").payload)
    assert (late.message_id, late.detail) == ("$1", {"late": "yes"})


@pytest.mark.parametrize(
    "content",
    [
        words("sos"),
        words("* sos", **{"m.new_content": words("sos")}, **related(rel_type="m.replace", event_id="$o")),
        {"msgtype": "m.image", "body": "sos", "filename": "photo.png", **PLAIN},
        words(f"{QUOTE}sos", **related(**{"m.in_reply_to": {"event_id": "$asked"}})),
        {"msgtype": "m.image", "body": "sos", "filename": "photo.png", "file": "malformed"},
        words("sos", **related(rel_type="m.replace")),
    ],
)
def test_words_of_a_crisis_are_screened_wherever_they_stand(content: dict[str, Any]) -> None:
    raw = taken(event(content))
    assert raw is not None
    assert raw.text == "sos"
