"""Texts as the Bot API reads them: HTML checked, length counted in UTF-16."""

from __future__ import annotations

import html
import re

_TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote", "span"}
_TOKEN = re.compile(r"<(?P<end>/?)(?P<tag>[a-z-]*)(?P<rest>[^>]*)>|<|&(?P<entity>\w+|#\w+);|&|[^<&]+")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


class Unreadable(ValueError):
    """The HTML is not what the Bot API takes."""


def units(text: str) -> int:
    """The length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def visible(source: str) -> tuple[str, list[str]]:
    """What a person sees of an HTML text, and which words of it are bold; raises Unreadable."""
    text, bold = "", []
    open_tags: list[tuple[str, int]] = []
    for token in _TOKEN.finditer(source):
        if tag := token["tag"]:
            if tag not in _TAGS:
                raise Unreadable(f'Unsupported start tag "{tag}" at byte offset {token.start()}')
            if not token["end"]:
                open_tags.append((tag, len(text)))
                continue
            opened, start = open_tags.pop() if open_tags else ("", 0)
            if opened != tag:
                raise Unreadable(f"Unmatched end tag at byte offset {token.start()}")
            if tag in ("b", "strong"):
                bold.append(text[start:])
        elif token[0].startswith("<"):
            raise Unreadable(f'Unsupported start tag "" at byte offset {token.start()}')
        else:
            text += _letters(token[0], token["entity"])
    if open_tags:
        raise Unreadable(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return text, bold


def _letters(token: str, entity: str | None) -> str:
    if entity and entity.startswith("#"):
        return html.unescape(token)
    return _ENTITIES.get(entity, token) if entity else token
