"""Cuts a message into what Telegram takes: pieces of limited length, escaped, in the order of sending."""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.adapters import File, Outgoing, Press
from bot.adapters.telegram_events import clean
from handlers.messages import Media, Place

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
ROW_BUTTONS = 3
ROW_LETTERS = 24  # what a narrow phone shows of a row without cutting labels off

_CUTS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"\s+"))
_NAMES: Mapping[str, str] = {Media.PHOTO: "photo.jpg", Media.VOICE: "voice.ogg", Media.VIDEO: "video.mp4"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One call to Telegram. `main` carries the buttons, and its id stands for the whole message."""

    plain: str = ""
    marked: str = ""  # the same as HTML
    file: File | None = None
    place: Place | None = None
    main: bool = False


def units(text: str) -> int:
    """The length as Telegram counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def split(text: str, limit: int = TEXT_UNITS) -> list[str]:
    """Cut a text into parts of at most `limit` units; only white space at the cuts is lost."""
    parts: list[str] = []
    rest = text
    while units(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [part for part in (*parts, rest) if part.strip()]


def pieces(message: Outgoing) -> list[Piece]:
    """What to send, in order: the file, the text, the place."""
    title, text = clean(message.title).strip(), clean(message.text)
    whole = "\n".join(filter(None, (title, text)))
    texts = [Piece(plain=part, marked=html.escape(part, quote=False)) for part in split(whole)]
    if title and texts and texts[0].plain.startswith(title):
        texts[0] = replace(texts[0], marked=_titled(texts[0].plain, title))
    files = [] if message.file is None else [Piece(file=message.file)]
    if files and len(texts) == 1 and units(texts[0].plain) <= CAPTION_UNITS:
        files, texts = [replace(texts[0], file=message.file)], []
    places = [Piece(place=message.place)] if message.place and message.place.has_coordinates else []
    if main := texts or files or places:
        main[-1] = replace(main[-1], main=True)
    return [*files, *texts, *places]


def rows(buttons: Sequence[Press]) -> list[list[Press]]:
    """Lay buttons out in their order, short ones side by side."""
    laid: list[list[Press]] = []
    letters = 0
    for button in buttons:
        letters += len(button.label)
        if not laid or len(laid[-1]) == ROW_BUTTONS or letters > ROW_LETTERS:
            laid.append([])
            letters = len(button.label)
        laid[-1].append(button)
    return laid


def file_name(file: File) -> str:
    """A name that tells nothing but the kind of the file."""
    return _NAMES.get(file.media) or "file" + (mimetypes.guess_extension(file.mime) or ".bin")


def _titled(part: str, title: str) -> str:
    rest = html.escape(part.removeprefix(title), quote=False)
    return f"<b>{html.escape(title, quote=False)}</b>{rest}"


def _cut(text: str, limit: int) -> int:
    """Where to cut: after the last paragraph or line of the second half, else the last word."""
    reach = len(text[:limit].encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore"))
    for separator, least in zip(_CUTS, (reach // 2, reach // 2, 1), strict=True):
        # One more letter: a word that ends just at the limit stays whole.
        starts = [found.start() for found in separator.finditer(text, 0, reach + 1)]
        if starts and starts[-1] >= least:
            return starts[-1]
    return reach
