"""Cuts a message into what Telegram takes: pieces of limited length, escaped, in the order of sending."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.adapters import File, Outgoing, Press
from bot.adapters.text import clean, split, units
from handlers.messages import Place

CAPTION_UNITS = 1024
ROW_BUTTONS = 3
ROW_LETTERS = 24  # what a narrow phone shows of a row without cutting labels off


@dataclass(frozen=True, slots=True)
class Piece:
    """One call to Telegram. `main` carries the buttons, and its id stands for the whole message."""

    plain: str = ""
    marked: str = ""  # the same as HTML
    file: File | None = None
    place: Place | None = None
    main: bool = False


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


def _titled(part: str, title: str) -> str:
    rest = html.escape(part.removeprefix(title), quote=False)
    return f"<b>{html.escape(title, quote=False)}</b>{rest}"
