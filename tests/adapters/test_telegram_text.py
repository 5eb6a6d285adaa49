"""How a message is cut into what Telegram takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters import File, Outgoing, Press
from bot.adapters.telegram_text import Piece, pieces, rows
from bot.adapters.text import file_name, split, units
from handlers.messages import Place
from tests.bot_api_text import visible

HERE = Place(1.5, 2.5, "by the well")
LETTERS = st.sampled_from(["a", "é", "🧣", "👩‍👩‍👧", " ", "\n", "\n\n", "<", "&", "word "]) | st.characters()
TEXTS = st.lists(LETTERS | st.text(), max_size=60).map("".join) | st.text(min_size=30)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(TEXTS, st.integers(min_value=2, max_value=40))
def test_parts_are_short_enough_and_lose_only_white_space(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < units(part) <= limit and part.strip() for part in parts)
    assert squeezed("".join(parts)) == squeezed(text)
    "".join(parts).encode()  # a lone surrogate would raise


@given(TEXTS.map(lambda text: text * 200))
def test_parts_fit_into_messages(text: str) -> None:
    parts = split(text)
    assert all(units(part) <= 4096 for part in parts)
    rest = text
    for part in parts:  # in order, each exactly as written
        before, found, rest = rest.partition(part)
        assert found
        assert not before.strip()
    assert not rest.strip()


@given(st.text(st.characters(exclude_categories=())), st.text(max_size=9))
def test_what_is_marked_reads_as_what_is_plain(text: str, title: str) -> None:
    for piece in pieces(Outgoing("5", text, title)):
        assert visible(piece.marked)[0] == piece.plain
        piece.plain.encode()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("aaaaa\n\nb\nc dd", ["aaaaa", "b\nc dd"]),
        ("aaaaa\nb c dd", ["aaaaa", "b c dd"]),
        ("aa bb cc dd ee", ["aa bb cc", "dd ee"]),
        ("abcd efghi klm", ["abcd efghi", "klm"]),
        ("abcdefghijklm", ["abcdefghij", "klm"]),
        ("a\n\nbcd efgh ijk", ["a\n\nbcd", "efgh ijk"]),
        ("🧣🧣🧣🧣🧣🧣", ["🧣🧣🧣🧣🧣", "🧣"]),
        ("a🧣🧣🧣🧣🧣", ["a🧣🧣🧣🧣", "🧣"]),
        ("   " * 9, []),
        ("", []),
    ],
)
def test_cuts_fall_where_a_reader_would_pause(text: str, parts: list[str]) -> None:
    assert split(text, 10) == parts


def test_a_title_is_bold_and_everything_is_escaped() -> None:
    assert pieces(Outgoing("5", "1 < 2 & <b>", "A & B")) == [
        Piece("A & B\n1 < 2 & <b>", "<b>A &amp; B</b>\n1 &lt; 2 &amp; &lt;b&gt;", main=True)
    ]


def test_only_the_last_text_carries_the_buttons_even_if_the_first_reads_the_same() -> None:
    assert [piece.main for piece in pieces(Outgoing("5", "a" * 4096 * 2, place=HERE))] == [False, True, False]


def test_a_short_text_is_the_caption_of_its_file_and_a_long_one_follows_it() -> None:
    file = File("photo", "image/jpeg", b"x")
    assert pieces(Outgoing("5", "a" * 1024, file=file)) == [Piece("a" * 1024, "a" * 1024, file, main=True)]
    apart = pieces(Outgoing("5", "🧣" * 513, file=file))
    assert [(bool(piece.file), bool(piece.plain), piece.main) for piece in apart] == [
        (True, False, False),
        (False, True, True),
    ]


def test_a_place_in_words_only_is_left_to_the_text() -> None:
    assert pieces(Outgoing("5", "", place=Place(words="by the well"))) == []
    assert pieces(Outgoing("5", "", place=HERE)) == [Piece(place=HERE, main=True)]


def test_short_buttons_stand_side_by_side() -> None:
    labels = ["Yes", "No", "Later", "Stop", "I can be there in half an hour", "Skip", "Back"]
    laid = rows([Press(label, label) for label in labels])
    assert [[button.label for button in row] for row in laid] == [
        ["Yes", "No", "Later"],
        ["Stop"],
        ["I can be there in half an hour"],
        ["Skip", "Back"],
    ]
    assert rows([]) == []


@pytest.mark.parametrize(
    ("media", "mime", "name"),
    [
        ("photo", "image/png", "photo.jpg"),
        ("voice", "audio/ogg", "voice.ogg"),
        ("video", "video/mp4", "video.mp4"),
        ("file", "application/pdf", "file.pdf"),
        ("file", "x/unheard-of", "file.bin"),
    ],
)
def test_a_file_name_tells_nothing_but_the_kind(media: str, mime: str, name: str) -> None:
    assert file_name(File(media, mime, b"")) == name
