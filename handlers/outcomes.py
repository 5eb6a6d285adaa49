"""How an alert ended: what stands in the database, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.messages import Text, _

FALSE_ALARM, OTHER, MERGED = "false alarm", "other", "merged into another"

# What a coordinator chooses from, by the word behind /resolve, in the order in which it is shown.
CHOICES: Mapping[str, tuple[str, Text]] = {
    "helped": ("helped", _("They were helped")),
    "services": ("emergency services came", _("Emergency services came")),
    "nobody": ("nobody was found", _("Nobody was found")),
    "elsewhere": ("referred elsewhere", _("Referred elsewhere")),
    "false": (FALSE_ALARM, _("False alarm")),
    "other": (OTHER, _("Something else: write it")),
}

_LABELS: Mapping[str, Text] = {
    **dict(CHOICES.values()),
    OTHER: _("ended in another way"),
    MERGED: _("the same incident as another"),
    "called off by the person": _("called off by the person"),
    "taken by a volunteer": _("taken by a volunteer"),
    "resolved by a coordinator": _("resolved by a coordinator"),
}


def label(outcome: str | None) -> Text:
    """What an outcome is called; those that the bot notes by itself are all of one kind to a reader."""
    return _LABELS.get(outcome or "", _("ended by itself"))
