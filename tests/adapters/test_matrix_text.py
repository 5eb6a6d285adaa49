"""What a message looks like in Matrix."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.adapters import File, Outgoing, Press
from bot.adapters.matrix_text import KEYCAPS, banged, edit, keycaps, pieces, reaction
from handlers.contents import COMMANDS
from handlers.messages import Place

ANA = "@ana:example.org"
YES_NO = (Press("Yes", "t1"), Press("No <b>", "t2"))
HERE = Place(1.5, 2.5, "by the well")
EVENT_BYTES = 65_536
# What a homeserver and the encryption add: ids, signatures, hashes, the session, the sender's key.
AROUND = 2_500


def bodies(message: Outgoing) -> list[str]:
    return [each.content["body"] for each in pieces(message, COMMANDS)]


def encrypted_bytes(content: dict[str, Any]) -> int:
    """How long an event becomes: JSON with escapes, then base64 (Megolm, "Message format")."""
    plain = json.dumps({"content": content, "type": "m.room.message", "room_id": "!" + "r" * 254})
    return (len(plain.encode()) + 100) * 4 // 3 + len(json.dumps(content.get("m.relates_to", ""))) + AROUND


def test_a_title_is_bold_and_everything_is_escaped() -> None:
    [only] = pieces(Outgoing(ANA, "1 < 2 & <b>\nbye", "A & B", YES_NO))
    assert only.content == {
        "msgtype": "m.text",
        "body": "A & B\n1 < 2 & <b>\nbye\n\n1 Yes\n2 No <b>",
        "format": "org.matrix.custom.html",
        "formatted_body": (
            "<strong>A &amp; B</strong><br>1 &lt; 2 &amp; &lt;b&gt;<br>bye<br><br>1 Yes<br>2 No &lt;b&gt;"
        ),
        "m.mentions": {},
    }
    assert (only.main, only.file) == (True, None)


def test_words_that_no_encoding_takes_are_sent_nonetheless() -> None:
    assert bodies(Outgoing(ANA, "a\ud83d\0b", "\ud83d", (Press("\0Yes", "t"),))) == [
        "\ufffd\na\ufffdb\n\n1 Yes"
    ]


@pytest.mark.parametrize("text", ["", " \n "])
def test_nothing_makes_no_piece(text: str) -> None:
    assert pieces(Outgoing(ANA, text)) == []
    assert pieces(Outgoing(ANA, text, place=Place(words="by the well"))) == []


def test_a_long_text_comes_in_parts_with_the_buttons_last() -> None:
    found = pieces(Outgoing(ANA, " ".join(["🧣 <cloak>"] * 1000), "Long", YES_NO))
    assert [each.main for each in found] == [False, False, True]
    shown = [each.content["body"] for each in found]
    assert "".join("".join(shown).split()).startswith("Long🧣<cloak>🧣")
    assert shown[-1].endswith("<cloak>\n\n1 Yes\n2 No <b>")
    assert not any("1 Yes" in each for each in shown[:-1])
    assert ["<strong>" in each.content.get("formatted_body", "") for each in found] == [True, False, False]


LETTERS = st.sampled_from(["a", "é", "ж", "中", "🧣", "\x01", "\x7f", " ", "\n", "<", "&", "\\", '"', "'"])
LONG = st.tuples(st.lists(LETTERS, min_size=1, max_size=6), st.sampled_from([1, 50, 900, 5000])).map(
    lambda made: "".join(made[0]) * made[1]
)


@given(LONG, LONG)
@example("ж" * 4090, "")
@example("\x01" * 4090, "")
@example("🧣" * 2045, "")
def test_each_event_is_short_enough_even_when_it_is_encrypted(text: str, title: str) -> None:
    message = Outgoing(ANA, text, title[:200], YES_NO, file=File("photo", "image/jpeg", b"x"), edits="$1")
    found = pieces(message, COMMANDS)
    contents = [each.content for each in found]
    if (change := edit(message, COMMANDS)) is not None:
        contents.append(change)
    assert max(map(encrypted_bytes, contents)) < EVENT_BYTES
    assert sum(each.main for each in found) == 1
    for content in contents:
        marked = content.get("formatted_body")
        if marked is not None:  # it reads as what is plain
            plain = re.sub("</?strong>", "", marked).replace("<br>", "\n")
            assert html.unescape(plain) == content["body"]


def test_short_words_keep_their_html_in_every_alphabet() -> None:
    for text in ("سلام " * 200, "需要胰岛素" * 200, "plain words " * 300):
        assert all("formatted_body" in each.content for each in pieces(Outgoing(ANA, text, "Title")))


# --- changing ------------------------------------------------------------------------------------------


def test_an_edit_names_what_it_changes_and_has_a_short_fallback() -> None:
    content = edit(Outgoing(ANA, "Taken " * 100, "N-7K3Q", (Press("Undo", "t"),), edits="$old"))
    assert content is not None
    new = content["m.new_content"]
    assert new["body"] == f"N-7K3Q\n{'Taken ' * 100}\n\n1 Undo"
    assert new["formatted_body"].startswith("<strong>N-7K3Q</strong><br>Taken")
    assert content["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$old"}
    assert "m.relates_to" not in new
    assert content["body"] == f"* {new['body'][:200]}"


@pytest.mark.parametrize("text", ["long " * 1000, "", " "])
def test_what_is_not_one_text_cannot_be_changed_in_place(text: str) -> None:
    assert edit(Outgoing(ANA, text, edits="$old")) is None


# --- commands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/my shows them. Or write /join AB12", "!my shows them. Or write !join AB12"),
        (
            "For coordinators: /board, /duty, /code, /leave.",
            "For coordinators: !board, !duty, !code, !leave.",
        ),
        ("(/need)\n“/offer”", "(!need)\n“!offer”"),
        ("/coordinators off, not /code", "!coordinators off, not !code"),
        ("/unknown and /needs and /need_", "/unknown and /needs and /need_"),
        ("https://example.org/need /usr/code and/or 1/2", "https://example.org/need /usr/code and/or 1/2"),
        ("https://example.org/#/need?x=/need", "https://example.org/#/need?x=/need"),
        ("//need ~/code ./code a/code:/code", "//need ~/code ./code a/code:/code"),
        ("/code/main /my.txt /stop-it", "/code/main /my.txt /stop-it"),
    ],
)
def test_commands_are_shown_as_they_can_be_typed(said: str, shown: str) -> None:
    assert banged(said, COMMANDS) == shown
    assert banged(said, ()) == said
    assert bodies(Outgoing(ANA, said)) == [shown]


# --- places, files, threads ------------------------------------------------------------------------------


def test_a_place_follows_the_words_in_both_of_its_forms() -> None:
    words, place = pieces(Outgoing(ANA, "Here", place=HERE))
    assert (words.main, place.main) == (True, False)
    assert place.content["msgtype"] == "m.location"
    assert (place.content["body"], place.content["geo_uri"]) == ("by the well", "geo:1.5,2.5")
    assert place.content["org.matrix.msc3488.location"] == {
        "uri": "geo:1.5,2.5",
        "description": "by the well",
    }
    [alone] = pieces(Outgoing(ANA, "", place=Place(-0.5, 10)))
    assert (alone.main, alone.content["body"]) == (True, "geo:-0.5,10")


@pytest.mark.parametrize(
    ("longitude", "written"),
    [(0.00001, "0.00001"), (-0.00005, "-0.00005"), (0, "0"), (100, "100"), (2.16, "2.16")],
)
def test_a_coordinate_is_never_written_with_an_exponent(longitude: float, written: str) -> None:
    [place] = pieces(Outgoing(ANA, "", place=Place(51.5, longitude)))
    assert place.content["geo_uri"] == f"geo:51.5,{written}"


@pytest.mark.parametrize(
    ("media", "mime", "msgtype", "name"),
    [
        ("photo", "image/jpeg", "m.image", "photo.jpg"),
        ("voice", "audio/ogg", "m.audio", "voice.ogg"),
        ("video", "video/mp4", "m.video", "video.mp4"),
        ("file", "application/pdf", "m.file", "file.pdf"),
    ],
)
def test_a_file_has_its_words_beside_it(media: str, mime: str, msgtype: str, name: str) -> None:
    file = File(media, mime, b"bytes")
    [only] = pieces(Outgoing(ANA, "the <door>", "N-1", YES_NO, file=file))
    assert (only.file, only.main, only.content["msgtype"], only.content["filename"]) == (
        file,
        True,
        msgtype,
        name,
    )
    assert only.content["body"] == "N-1\nthe <door>\n\n1 Yes\n2 No <b>"
    assert only.content["formatted_body"].startswith("<strong>N-1</strong><br>the &lt;door&gt;")
    assert only.content["info"] == {"mimetype": mime, "size": 5}
    assert ("org.matrix.msc3245.voice" in only.content) == (media == "voice")
    [bare] = pieces(Outgoing(ANA, "", file=file))
    assert (bare.content["body"], bare.content["filename"], bare.main) == (name, name, True)


def test_words_too_long_for_a_caption_come_after_the_file() -> None:
    file = File("photo", "image/jpeg", b"x")
    assert [bool(each.file) for each in pieces(Outgoing(ANA, "a" * 1024, file=file))] == [True]
    photo, words, place = pieces(Outgoing(ANA, "🧣" * 513, file=file, place=HERE))
    assert (photo.file, photo.content["body"], photo.main) == (file, "photo.jpg", False)
    assert (words.content["body"], words.main, place.main) == ("🧣" * 513, True, False)


def test_in_a_thread_every_piece_says_so() -> None:
    file = File("photo", "image/jpeg", b"x")
    found = pieces(Outgoing(ANA, "a" * 5000, file=file, place=HERE, thread="$root"))
    assert len(found) == 4
    for each in found:
        assert each.content["m.relates_to"] == {
            "rel_type": "m.thread",
            "event_id": "$root",
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": "$root"},
        }
    assert not any("m.relates_to" in each.content for each in pieces(Outgoing(ANA, "a", file=file)))


def test_reactions_stand_for_up_to_six_buttons() -> None:
    buttons = [Press(str(number), "t") for number in range(7)]
    assert [len(keycaps(buttons[:number])) for number in range(8)] == [0, 1, 2, 3, 4, 5, 6, 0]
    assert keycaps(buttons[:2]) == ("1️⃣", "2️⃣") == KEYCAPS[:2]
    assert reaction("$1", "1️⃣")["m.relates_to"] == {
        "rel_type": "m.annotation", "event_id": "$1", "key": "1️⃣"
    }  # fmt: skip
