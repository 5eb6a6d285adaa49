"""What people ask for and offer: the vocabulary of skills, with stable ids."""

from __future__ import annotations

from handlers.messages import Text, _

SKILLS: dict[str, Text] = {
    "medicine": _("Fetch medicine"),
    "food": _("Food and shopping"),
    "transport": _("A ride"),
    "carrying": _("Carry or move things"),
    "company": _("Company or a visit"),
    "childcare": _("Look after children"),
    "pets": _("Look after animals"),
    "repair": _("Repairs at home"),
    "papers": _("Forms and papers"),
    "interpreting": _("Interpreting"),
    "shelter": _("A place to sleep"),
    "first_aid": _("First aid and care"),
    "goods": _("Lend or give things"),
    "digital": _("Phone and computer"),
    "other": _("Something else"),
}


def label(skill: str) -> Text:
    return SKILLS.get(skill, SKILLS["other"])
