"""What Telegram's updates mean."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.telegram_events import UPDATES, next_cursor, parse, pressed, raw_event
from bot.adapters.text import clean
from handlers.messages import Attachment, Inbound, Kind, Media, Place

ANA = {"id": 501, "is_bot": False, "first_name": "Ana", "username": "ana_example", "language_code": "es"}
PRIVATE = {"id": 501, "type": "private", "first_name": "Ana"}
ROOM = {"id": -1007, "type": "supergroup", "title": "A room"}
HERE = {"latitude": 1.5, "longitude": -2.25}
FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 7}


def update(kind: str = "message", /, **content: Any) -> dict[str, Any]:
    body = {"message_id": 11, "date": 1, "from": ANA, "chat": PRIVATE, **content}
    return {"update_id": 90, kind: body}


def membership(status: str, chat: dict[str, Any] = PRIVATE) -> dict[str, Any]:
    change = {
        "chat": chat,
        "from": ANA,
        "date": 5,
        "new_chat_member": {"status": status, "user": {"id": 1000}},
    }
    return {"update_id": 91, "my_chat_member": change}


def press(**more: object) -> dict[str, Any]:
    stub = {"message_id": 12, "date": 0, "chat": PRIVATE}
    return {
        "update_id": 92,
        "callback_query": {"id": "77", "from": ANA, "data": "tok", "message": stub, **more},
    }


def test_a_text_and_who_sent_it() -> None:
    assert parse(update(text="Hola")) == Inbound(
        kind=Kind.MESSAGE, text="Hola", message_id="11", language="es", name="Ana", handle="@ana_example"
    )


def test_someone_without_a_username_has_no_handle() -> None:
    someone = {"id": 502, "first_name": "Bo"}
    said = parse(update(text="Hi", **{"from": someone}))
    assert (said.handle, said.language) == ("", "")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("/need@one_cloak_bot bread", "/need bread"),
        ("/start CODE-1", "/start CODE-1"),
        ("/start@one_cloak_bot CODE-1", "/start CODE-1"),
        ("write to ana@example", "write to ana@example"),
        ("see /need@one_cloak_bot", "see /need@one_cloak_bot"),
        ("a\0b\ud83d!", "ab\ufffd!"),
    ],
)
def test_commands_and_words(said: str, heard: str) -> None:
    assert parse(update(text=said)).text == heard
    assert parse(update(caption=said)).text == heard


def test_a_reply_names_what_it_replies_to() -> None:
    assert parse(update(text="yes", reply_to_message={"message_id": 9})).reply_to == "9"


def test_where_a_message_was_forwarded_from_is_not_carried() -> None:
    origin = {"type": "user", "sender_user": {"id": 9, "first_name": "Somebody"}}
    forwarded = parse(update(text="x", forward_origin=origin, forward_from=origin["sender_user"]))
    assert forwarded == parse(update(text="x"))


@pytest.mark.parametrize("kind", ["message", "edited_message"])
def test_a_place_is_a_location_or_a_step_of_a_live_one(kind: str) -> None:
    said = parse(update(kind, location={**HERE, "live_period": 60}))
    assert said.place == Place(1.5, -2.25)
    assert said.kind is (Kind.MESSAGE if kind == "message" else Kind.EDIT)


def test_a_venue_has_words_too() -> None:
    venue = {"location": HERE, "title": "Town hall", "address": "Square 1"}
    assert parse(update(venue=venue, location=HERE)).place == Place(1.5, -2.25, "Town hall, Square 1")


@pytest.mark.parametrize("latitude", [91, -90.5, float("nan"), float("inf"), 10**400])
def test_a_place_off_the_globe_is_malformed(latitude: float) -> None:
    with pytest.raises(ValueError, match="globe"):
        parse(update(location={"latitude": latitude, "longitude": 0}))


def test_of_a_contact_only_the_number_is_taken() -> None:
    card = {"phone_number": "+15550100", "first_name": "Somebody", "vcard": "…"}
    said = parse(update(contact=card))
    assert (said.contact, said.name) == ("+15550100", "Ana")


@pytest.mark.parametrize(
    ("field", "body", "expected"),
    [
        ("voice", FILE, Attachment(Media.VOICE, "f", "audio/ogg", 7)),
        ("audio", {**FILE, "mime_type": "audio/mp4"}, Attachment(Media.VOICE, "f", "audio/mp4", 7)),
        ("video", {"file_id": "f"}, Attachment(Media.VIDEO, "f", "video/mp4", 0)),
        ("video_note", FILE, Attachment(Media.VIDEO, "f", "video/mp4", 7)),
        ("animation", FILE, Attachment(Media.VIDEO, "f", "video/mp4", 7)),
        ("document", {**FILE, "mime_type": "no type"}, Attachment(Media.FILE, "f", size=7)),
        ("sticker", FILE, Attachment(Media.STICKER, "f", "image/webp", 7)),
        ("sticker", {**FILE, "is_video": True}, Attachment(Media.STICKER, "f", "video/webm", 7)),
        (
            "sticker",
            {**FILE, "is_animated": True},
            Attachment(Media.STICKER, "f", "application/x-tgsticker", 7),
        ),
    ],
)
def test_attachments(field: str, body: dict[str, Any], expected: Attachment) -> None:
    assert parse(update(**{field: body})).attachment == expected


def test_of_a_photo_the_largest_size_is_taken() -> None:
    sizes = [{**FILE, "file_id": f"{n}", "width": n, "height": n} for n in (90, 1280, 320)]
    assert parse(update(photo=sizes, caption="roof")).attachment == Attachment(
        Media.PHOTO, "1280", "image/jpeg", 7
    )


def test_an_animation_is_not_taken_for_the_document_beside_it() -> None:
    said = parse(update(document={**FILE, "file_id": "d"}, animation=FILE))
    assert said.attachment == Attachment(Media.VIDEO, "f", "video/mp4", 7)


def test_a_press_carries_its_token_and_its_message() -> None:
    said = parse(press())
    assert (said.kind, said.token, said.message_id, said.in_room) == (Kind.PRESS, "tok", "12", False)
    assert pressed(raw_event(press())) == "77"
    assert pressed(raw_event(update(text="x"))) == ""


@pytest.mark.parametrize(
    ("status", "kind"), [("kicked", Kind.BLOCKED), ("left", Kind.BLOCKED), ("member", Kind.UNBLOCKED)]
)
def test_stopping_and_starting_the_bot(status: str, kind: Kind) -> None:
    assert parse(membership(status)).kind is kind
    assert raw_event(membership(status)).chat == "501"


def test_what_happens_in_a_room_is_said_in_a_room_and_answered_in_private() -> None:
    spoken = update(text="Help", chat=ROOM)
    assert (parse(spoken).in_room, parse(spoken).room) == (True, "-1007")
    assert raw_event(spoken).chat == "501"
    assert raw_event(spoken).key == "90:-1007:11"
    pushed = press(message={"message_id": 12, "chat": ROOM})
    said = parse(pushed)
    assert (said.in_room, said.room, said.reply_to, said.text, said.token) == (True, "-1007", "12", "tok", "")
    assert raw_event(pushed).chat == "501"


@pytest.mark.parametrize(
    ("old", "new", "kind", "detail"),
    [
        ("left", "member", Kind.JOINED, {"reactions": "no"}),
        ("kicked", "administrator", Kind.JOINED, {}),
        ("member", "administrator", Kind.MESSAGE, {}),
        ("administrator", "left", Kind.LEFT, {"platform": "telegram", "room": "-1007"}),
        ("member", "kicked", Kind.LEFT, {"platform": "telegram", "room": "-1007"}),
        ("left", "kicked", Kind.MESSAGE, {}),
    ],
)
def test_coming_into_a_group_and_going(old: str, new: str, kind: Kind, detail: dict[str, str]) -> None:
    change = membership(new, ROOM)
    change["my_chat_member"]["old_chat_member"] = {"status": old}
    found = parse(change)
    assert (found.kind, found.room, found.in_room, found.detail) == (kind, "-1007", True, detail)
    assert found.text == ""


def test_a_channel_is_no_group() -> None:
    change = membership("administrator", {**ROOM, "type": "channel"})
    change["my_chat_member"]["old_chat_member"] = {"status": "left"}
    assert parse(change).kind is Kind.MESSAGE


def test_a_group_that_becomes_a_supergroup_is_told_in_both() -> None:
    for chat, more in (
        (ROOM, {"migrate_to_chat_id": -99}),
        ({**ROOM, "id": -99}, {"migrate_from_chat_id": -1007}),
    ):
        found = parse(update(chat=chat, **more))
        assert found.kind is Kind.MOVED
        assert found.detail == {"platform": "telegram", "room": "-1007", "to": "-99"}


@pytest.mark.parametrize(
    "who",
    [{"from": {"id": 1087968824, "is_bot": True, "first_name": "Group"}}, {"sender_chat": {"id": -1007}}],
)
def test_who_speaks_in_the_name_of_a_group_is_nobody(who: dict[str, object]) -> None:
    spoken = update(text="SOS /take", chat=ROOM, **who)
    assert (parse(spoken).text, raw_event(spoken).text) == ("", "")


def test_a_reaction_is_the_emoji_that_was_set_now() -> None:
    change = {
        "chat": ROOM, "message_id": 12, "user": ANA, "date": 5,
        "old_reaction": [{"type": "emoji", "emoji": "❤"}],
        "new_reaction": [{"type": "emoji", "emoji": "❤"}, {"type": "emoji", "emoji": "👍"}],
    }  # fmt: skip
    said = parse({"update_id": 1, "message_reaction": change})
    assert (said.kind, said.text, said.reply_to, said.room) == (Kind.REACTION, "👍", "12", "-1007")
    assert raw_event({"update_id": 1, "message_reaction": change}).chat == "501"
    taken = parse({"message_reaction": {**change, "new_reaction": []}})
    assert taken.text == ""
    own = parse({"message_reaction": {**change, "chat": {"id": 501, "type": "private"}}})
    assert (own.in_room, own.room) == (False, "")


def test_an_event_has_its_key_its_chat_and_its_text() -> None:
    event = raw_event(update("edited_message", caption="SOS"))
    assert (event.key, event.chat, event.text) == ("90:501:11", "501", "SOS")
    assert event.payload == update("edited_message", caption="SOS")
    assert raw_event(press()).key == "92:501:77"
    assert raw_event(membership("kicked")).key == "91:501:5"


@pytest.mark.parametrize(
    "broken",
    [None, 7, "x", [1], {}, {"message": {}}, {"update_id": True}, {"update_id": "8"}, {"update_id": 10**30}],
)
def test_what_has_no_id_gets_a_key_from_what_it_is(broken: object) -> None:
    event, again = raw_event(broken), raw_event(broken)
    assert event.key.startswith("hash:")
    assert (event.key, event.chat, event.text) == (again.key, "", "")
    assert event.key != raw_event({"other": broken}).key


@pytest.mark.parametrize(
    "broken", [{"message": None}, {"poll": {}}, {"message": 3}, {"callback_query": {"id": []}}]
)
def test_a_malformed_update_with_an_id_is_an_event_too(broken: dict[str, Any]) -> None:
    event = raw_event({"update_id": 5, **broken})
    assert (event.key, event.chat) == ("5::", "")


def test_the_cursor_follows_the_last_update_even_when_ids_fall() -> None:
    assert next_cursor([{"update_id": 900}, {"update_id": 41}], "900") == "42"
    assert next_cursor([{"update_id": 900}, "broken", {}], "900") == "901"
    assert next_cursor([{"update_id": 10**30}], "900") == "900"
    assert next_cursor([], "900") == "900"
    assert next_cursor([], None) is None


NUMBERS = st.integers() | st.floats() | st.just(10**400)
TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["private", "member", "\ud800", "a/b"]
)
FIELDS = """
    update_id message_id from chat id type date text caption location venue latitude longitude photo width
    height document file_id contact data message reply_to_message new_chat_member status username first_name
"""
WORDS = st.sampled_from([*FIELDS.split(), *UPDATES])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | TEXTS, inner, max_size=8),
    max_leaves=25,
)
SOUND = update(
    text="x", location=HERE, photo=[{**FILE, "width": 1, "height": 1}], reply_to_message={"message_id": 1}
)


@st.composite
def nearly_sound(draw: st.DrawFn) -> dict[str, Any]:
    """A good update of any kind with one field, somewhere, replaced by anything."""
    broken: dict[str, Any] = orjson.loads(
        orjson.dumps(draw(st.sampled_from([SOUND, press(), membership("member")])))
    )
    here = broken
    while True:
        name = draw(st.sampled_from(sorted(here)))
        if not isinstance(here[name], dict) or draw(st.booleans()):
            break
        here = here[name]
    here[name] = draw(JSON)
    return broken


@given(nearly_sound() | st.dictionaries(WORDS | TEXTS, JSON, max_size=5))
def test_whatever_comes_is_read_or_called_malformed(payload: dict[str, Any]) -> None:
    try:
        said = parse(payload)
    except (ValueError, KeyError, TypeError):
        return
    for words in (said.text, said.name, said.handle, said.token, said.contact, said.language):
        assert "\0" not in words.encode().decode()


@given(JSON | nearly_sound())
def test_whatever_comes_becomes_an_event_that_can_be_stored(payload: object) -> None:
    event = raw_event(payload)
    assert orjson.loads(orjson.dumps(event.payload)) == event.payload
    assert b"\\u0000" not in orjson.dumps(event.payload).replace(b"\\\\", b"")
    assert event.key == raw_event(payload).key
    for words in (event.key, event.chat, event.text):
        assert clean(words) == words


def test_a_nesting_without_end_is_cut() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"message": deep}
    assert raw_event({"update_id": 3, **deep}).key == "3::"


@pytest.mark.parametrize("depth", range(248, 260))
def test_what_is_nested_just_as_deep_as_can_be_written_can_still_be_written_in_its_envelope(
    depth: int,
) -> None:
    """One such message, which Matrix lets anybody send, would be asked for again and again for ever."""
    deep: dict[str, Any] = {}
    for _ in range(depth):
        deep = {"a": deep}
    payload = raw_event({"update_id": 3, **deep}).payload
    assert orjson.dumps({"chat": "501", "event": payload})
