"""Whatever comes from Matrix can be kept, and is read or called malformed."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.matrix_events import READ, parse
from bot.adapters.text import clean
from tests.adapters.test_matrix_events import SEALED, URI, event, taken

MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError)  # what the worker expects

TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["m.text", "m.image", "m.location", "m.replace", "m.thread", URI, "geo:99,9", "\ud800", "a\0b"]
)
FIELDS = """
    msgtype body format formatted_body filename url file key k iv hashes sha256 info mimetype size geo_uri uri
    m.relates_to m.new_content m.in_reply_to m.mentions m.location user_ids rel_type event_id redacts
    is_falling_back
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS.split()) | TEXTS, inner, max_size=8)
    ),
    max_leaves=25,
)
SOUND: dict[str, Any] = {
    "msgtype": "m.image", "body": "x", "filename": "y", "geo_uri": URI, "file": SEALED, "info": {"size": 1},
    "m.relates_to": {"rel_type": "m.thread", "event_id": "$2", "key": "1",
                     "m.in_reply_to": {"event_id": "$3"}},
    "m.new_content": {"msgtype": "m.text", "body": "x"}, "m.mentions": {"user_ids": ["@x:y"]},
}  # fmt: skip


@st.composite
def nearly_sound(draw: st.DrawFn) -> dict[str, Any]:
    """A good content with one field, somewhere, replaced by anything."""
    broken: dict[str, Any] = orjson.loads(orjson.dumps(SOUND))
    here = broken
    while True:
        name = draw(st.sampled_from(sorted(here)))
        if not isinstance(here[name], dict) or draw(st.booleans()):
            break
        here = here[name]
    here[name] = draw(JSON)
    return broken


@given(nearly_sound() | JSON, st.sampled_from(READ), st.booleans())
def test_whatever_comes_can_be_stored_and_is_read_or_called_malformed(
    content: object, kind: str, group: bool
) -> None:
    raw = taken(event(content, kind), group=group)
    if raw is None:
        return
    assert orjson.loads(orjson.dumps(raw.payload)) == raw.payload
    assert b"\\u0000" not in orjson.dumps(raw.payload).replace(b"\\\\", b"")
    assert clean(raw.text) == raw.text
    try:
        said = parse(raw.payload)
    except MALFORMED:
        return
    for text in (said.text, said.name, said.handle, said.message_id, said.reply_to, said.thread):
        assert "\0" not in text.encode().decode()
