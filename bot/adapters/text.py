"""What all platforms share: text and JSON that can be kept and sent, cut to length, and names of files."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from typing import Any

import orjson

from bot.adapters import File
from handlers.messages import Media

TEXT_UNITS = 4096  # the longest message that any platform of ours shows whole

_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 50  # events nest about ten levels
_CUTS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"\s+"))
_NAMES: Mapping[str, str] = {Media.PHOTO: "photo.jpg", Media.VOICE: "voice.ogg", Media.VIDEO: "video.mp4"}


def clean(text: str) -> str:
    """Make a text that every encoding and every database takes."""
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE.sub("\ufffd", text).replace("\0", "")


def units(text: str) -> int:
    """The length in UTF-16 code units, as Telegram counts and most apps measure."""
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


def file_name(file: File) -> str:
    """A name that tells nothing but the kind of the file."""
    return _NAMES.get(file.media) or "file" + (mimetypes.guess_extension(file.mime) or ".bin")


def _cut(text: str, limit: int) -> int:
    """Where to cut: after the last paragraph or line of the second half, else the last word."""
    reach = len(text[:limit].encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore"))
    for separator, least in zip(_CUTS, (reach // 2, reach // 2, 1), strict=True):
        # One more letter: a word that ends just at the limit stays whole.
        starts = [found.start() for found in separator.finditer(text, 0, reach + 1)]
        if starts and starts[-1] >= least:
            return starts[-1]
    return reach


def storable(update: object) -> dict[str, Any]:
    """The event as JSON gives it back, so that no inbox can choke on it."""
    try:
        data = orjson.dumps(update)
        orjson.dumps(_in_its_envelopes(update))
    except TypeError:  # a lone surrogate, a giant number, a nesting without end
        data = b"\\u0000"
    if b"\\u0000" in data:
        data = orjson.dumps(_scrubbed(update, _DEEPEST))
    payload = orjson.loads(data)
    return payload if isinstance(payload, dict) else {"malformed": payload}


def _in_its_envelopes(update: object) -> object:
    """Deeper than it will ever be nested where it is kept: JSON that is just shallow enough must not grow."""
    return [[[[update]]]]


def _scrubbed(value: object, depth: int) -> object:
    if depth == 0:
        return None
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _scrubbed(one, depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_scrubbed(one, depth - 1) for one in value]
    return None if isinstance(value, int) and value.bit_length() > 63 else value
