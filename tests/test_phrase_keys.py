"""Looking up which kinds of help a text may name, before any phrase of them is tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.phrase_keys import PhraseKeys
from handlers.phrases import Pattern, Phrase, Phrasebook, frame, plain, squeeze

WORDS = ("a", "to", "my", "cooffee", "cofe", "fetch", "medicine", "médico", "water", "some one")
OPEN = ("my?", "water?", "*")  # what may be missing, or anything
ITEMS = ("a", "to", "coffee", "cof*", "(fetch|bring my)", "medic*", "(some one|a)", "don't", *OPEN)
LISTS = st.lists(st.lists(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4), max_size=3), max_size=5)


def section(*phrases: str) -> list[Phrase]:
    return Phrasebook(Path(), {"skills": {"each": phrases}}).section("skills", "each")


def framed(text: str) -> str:
    return frame(squeeze(plain(text)))


@given(LISTS, st.lists(st.sampled_from((*WORDS, "don't", "bring")), max_size=8))
def test_no_list_is_passed_over_of_which_a_text_has_a_phrase(
    written: list[list[list[str]]], said: list[str]
) -> None:
    lists = []
    for phrases in written:
        try:
            lists.append(section(*map(" ".join, phrases)))
        except ValueError:  # such as one of optional words only
            continue
    text = framed(" ".join(said))
    has = [number for number, phrases in enumerate(lists) if Pattern(phrases).compiled.search(text)]
    assert set(has) <= set(PhraseKeys(lists).candidates(text))


def test_a_text_of_common_words_costs_nothing() -> None:
    keys = PhraseKeys([section("a cup of coffee"), section("a cup of tea"), section("^ of age $")])
    assert keys.candidates(framed("I have a cup of my own")) == []
    assert keys.candidates(framed("a cup of coffee, at my age")) == [0, 2]


def test_a_phrase_that_is_too_short_to_be_looked_up_is_refused() -> None:
    with pytest.raises(ValueError, match="3 letters at least"):
        PhraseKeys([section("ab*")])
    with pytest.raises(ValueError, match="3 letters at least"):
        PhraseKeys([section("aab*")])  # doubled letters count once
