"""What kind of danger it is and how grave: known from the words, or from at most one question."""

from __future__ import annotations

from collections.abc import Mapping

from handlers import first_words
from handlers.messages import Button, Text

LIFE, GRAVE = 1, 2  # severities: a life may be at stake right now, or somebody is in danger
# Where nobody said otherwise. Of these a life may be at stake at any moment; the others are asked about.
_AT_ONCE = frozenset(("medical", "fire", "violence", "self_harm", "trapped", "child"))
KIND, LIFE_QUESTION, MOMENT = "kind", "life", "moment"  # what its person was asked


def severity(danger: str | None) -> int:
    """How grave a kind of danger is taken to be before anybody has answered."""
    return LIFE if danger in _AT_ONCE else GRAVE


def question(danger: str | None) -> str:
    """The one thing that is asked of someone in danger beside where they are; "" for nothing."""
    if danger is None:
        return KIND
    if danger == "violence":
        return MOMENT
    return "" if danger in _AT_ONCE else LIFE_QUESTION


ASKED: Mapping[str, Text] = {
    KIND: first_words.WHAT_IS_IT,
    LIFE_QUESTION: first_words.LIFE_IN_DANGER,
    MOMENT: first_words.GOOD_MOMENT,
}


def answers(asked: str) -> tuple[Button, ...]:
    """The likeliest answers to a question, as buttons."""
    if asked == KIND:
        return tuple(Button(label, f"/danger {kind}") for kind, label in first_words.KINDS.items())
    if asked == LIFE_QUESTION:
        return (
            Button(first_words.YES, "/life yes", means="yes"),
            Button(first_words.NO, "/life no", means="no"),
            Button(first_words.DONT_KNOW, "/life unknown"),
        )
    if asked == MOMENT:
        return (
            Button(first_words.YES, "/moment yes", means="yes"),
            Button(first_words.NOT_NOW, "/moment no", means="no"),
        )
    return ()
