"""A sealed file opens whole and unchanged with its own key, or not at all."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from storage.sealed_file import HEADER, PIECE, TAG, SealedReader, SealedWriter, UnusableFile

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
KIND = b"b"
WORDS = b"the violet porch "


def sealed(plain: bytes, key: bytes = KEY, kind: bytes = KIND) -> bytes:
    out = io.BytesIO()
    with SealedWriter(out, key, kind) as file:
        for start in range(0, len(plain), 10_000):
            file.write(plain[start : start + 10_000])
    return out.getvalue()


def opened(text: bytes, key: bytes = KEY, kind: bytes = KIND) -> bytes:
    return SealedReader(io.BytesIO(text), key, kind).readall()


def of_length(length: int) -> bytes:
    return (WORDS * (length // len(WORDS) + 1))[:length]


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 17])
def test_what_was_written_is_read(length: int) -> None:
    plain = of_length(length)
    text = sealed(plain)
    assert opened(text) == plain
    assert WORDS not in text
    pieces = max(1, -(-length // PIECE))
    assert len(text) == HEADER + length + pieces * TAG


def test_two_files_of_the_same_words_have_nothing_in_common() -> None:
    one, other = sealed(WORDS), sealed(WORDS)
    assert one[HEADER:] != other[HEADER:]


@pytest.mark.parametrize("length", [0, 1, PIECE, 2 * PIECE, 2 * PIECE + 5])
def test_a_file_that_is_not_whole_is_refused_wherever_it_was_cut(length: int) -> None:
    text = sealed(of_length(length))
    ends = {0, 5, HEADER - 1, HEADER, HEADER + 3, len(text) - 1, len(text) - TAG - 1}
    ends |= set(range(HEADER, len(text), PIECE + TAG))  # right between two pieces
    for end in sorted(each for each in ends if 0 <= each < len(text)):
        with pytest.raises(UnusableFile):
            opened(text[:end])


@pytest.mark.parametrize("place", [HEADER - 1, HEADER, HEADER + PIECE + TAG + 7, -1])
def test_a_file_in_which_one_bit_was_changed_is_refused(place: int) -> None:
    text = bytearray(sealed(of_length(3 * PIECE)))
    text[place] ^= 1
    with pytest.raises(UnusableFile, match="damaged, was changed, or is not whole"):
        opened(bytes(text))


def test_pieces_that_were_left_out_doubled_or_exchanged_are_refused() -> None:
    text = sealed(of_length(4 * PIECE))
    header, body = text[:HEADER], text[HEADER:]
    size = PIECE + TAG
    one, two, three, four = (body[start : start + size] for start in range(0, 4 * size, size))
    for others in (
        (one, three, four),
        (one, two, two, three, four),
        (two, one, three, four),
        (one, two, three),
    ):
        with pytest.raises(UnusableFile):
            opened(header + b"".join(others))
    assert opened(header + one + two + three + four) == of_length(4 * PIECE)


def test_words_behind_the_end_are_refused() -> None:
    with pytest.raises(UnusableFile):
        opened(sealed(of_length(100)) + b"more")


def test_another_key_another_kind_and_a_newer_version_are_named() -> None:
    text = sealed(WORDS)
    with pytest.raises(UnusableFile, match="another backup key"):
        opened(text, OTHER_KEY)
    with pytest.raises(UnusableFile, match="not such a file"):
        opened(text, kind=b"k")
    with pytest.raises(UnusableFile, match="not such a file"):
        opened(b"PK\x03\x04 something else that is long enough to be taken for one, or so it seems")
    with pytest.raises(UnusableFile, match="newer One Cloak"):
        opened(text[:8] + b"\x02" + text[9:])


def test_a_long_file_needs_little_memory() -> None:
    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    chunk = bytes(1 << 20)
    tracemalloc.start()
    try:
        with SealedWriter(Nowhere(), KEY, KIND) as file:  # type: ignore[arg-type]
            for _each in range(48):
                file.write(chunk)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
