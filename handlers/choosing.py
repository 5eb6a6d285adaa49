"""Choosing kinds of help in a form: guesses first, then by family; words do as well as buttons.

A choice grows inside one question: `chosen` are the skills so far, `family` is the open family. The
values of buttons that are no skill begin with a sign that no id has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers import skills
from handlers.context import Context
from handlers.forms import Again, Answers, Field, Option
from handlers.messages import Inbound, Text, Words, _, lines
from handlers.texts import joined

MOST_CHOSEN = 10
MOST_GUESSED, MOST_LIKELY = 4, 10
SURELY = 2  # so many kinds of help in one sentence are believed; of more, the giver takes out what is wrong
FAMILY, MORE, ALL, WITHOUT = ":", ":more", ":all", "-"
UNKNOWN = _("I did not find that in the list. Please choose one.")
WHICH = _("What kind of help is it?")


def heard(ctx: Context, words: str) -> tuple[str, ...]:
    """The kinds of help that a sentence names, in its order."""
    return ctx.core.lexicons.skills(words, ctx.person.language)[:MOST_CHOSEN]


# --- what is shown ----------------------------------------------------------------------------------


def first_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    """Guesses from the words, then what is needed most often, then the way to everything."""
    guesses = ctx.core.lexicons.similar(answers.get("words") or "", ctx.person.language)
    chosen = answers.get("chosen", [])
    likely = list(dict.fromkeys((*guesses[:MOST_GUESSED], *skills.COMMON)))[:MOST_LIKELY]
    return (
        *(Option(each, skills.label(each)) for each in likely if each not in chosen),
        Option(MORE, _("More kinds of help")),
        Option(skills.OTHER, skills.label(skills.OTHER)),
    )


def _options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    family, chosen = answers.get("family", ""), answers.get("chosen", [])
    if family == MORE:
        return tuple(Option(FAMILY + each, label) for each, label in skills.FAMILIES.items())
    if family:
        own = (each.id for each in ctx.core.vocabulary.family(family) if each.id not in chosen)
        return (*(Option(each, skills.label(each)) for each in own), Option(MORE, _("Other kinds of help")))
    if not chosen:
        return first_options(ctx, answers)
    without = (Option(WITHOUT + each, _("Not: {skill}", skill=skills.label(each))) for each in chosen)
    return (Option(ALL, _("That is all")), *without, Option(MORE, _("Add another")))


def _ask(ctx: Context, answers: Answers) -> Words:
    chosen, family = answers.get("chosen", []), answers.get("family", "")
    named = joined(*(skills.label(each) for each in chosen)) if chosen else None
    if family:
        return lines(named, skills.FAMILIES.get(family, WHICH))
    return lines(named, _("Is that all? Take out what is wrong, or add another.")) if chosen else WHICH


# --- what is said -----------------------------------------------------------------------------------


def is_choice(ctx: Context, text: str) -> bool:
    """Whether a text is what a button of ours stands for."""
    if text.startswith(FAMILY):
        return text in (MORE, ALL) or text.removeprefix(FAMILY) in skills.FAMILIES
    return text.removeprefix(WITHOUT) in ctx.core.vocabulary.skills


def read(ctx: Context, inbound: Inbound) -> Any:
    """What a press or a word means: the value of a button, or a list of skills."""
    text = inbound.text.strip()
    if is_choice(ctx, text):
        return text
    found = _named(ctx, text) or heard(ctx, text)
    if found:
        return list(found)
    said = ctx.core.lexicons.answer(text, ctx.person.language)
    return ALL if said is not None else Again(UNKNOWN)


def _named(ctx: Context, text: str) -> tuple[str, ...]:
    """The skill whose label this is, in the reader's language."""
    plain = text.casefold()
    names = ((each, ctx.rendered(skills.label(each)).casefold()) for each in ctx.core.vocabulary.skills)
    return tuple(each for each, name in names if name == plain)


def _parse(ctx: Context, inbound: Inbound) -> Any:
    value = read(ctx, inbound)
    return [value] if isinstance(value, str) and value in ctx.core.vocabulary.skills else value


def _parse_one(ctx: Context, inbound: Inbound) -> Any:
    value = _parse(ctx, inbound)
    return Again(UNKNOWN) if value == ALL else value


def _step(answers: Answers, value: str) -> Answers:
    """Open a family, or take a skill out again."""
    if value.startswith(WITHOUT):
        left = [each for each in answers.get("chosen", []) if each != value.removeprefix(WITHOUT)]
        return {**answers, "chosen": left, "family": ""}
    return {**answers, "family": value if value == MORE else value.removeprefix(FAMILY)}


def accept_several(answers: Answers, value: Any) -> Answers:
    """One more skill, one less, another list; the question is over when that is all."""
    chosen = answers.get("chosen", [])
    if isinstance(value, list):
        together = list(dict.fromkeys([*chosen, *value]))[:MOST_CHOSEN]
        return {**answers, "chosen": together, "family": ""}
    if value != ALL:
        return _step(answers, value)
    return {**answers, "family": "", **({"skills": chosen} if chosen else {})}


def accept_one(answers: Answers, value: Any) -> Answers:
    """The main skill; words may name others beside it."""
    if isinstance(value, list):
        return {**answers, "family": "", "skill": value[0], "skills": value}
    return _step(answers, value)


# --- for the forms ----------------------------------------------------------------------------------


def needed(named: Sequence[str]) -> Answers:
    """What the kinds of help that a sentence names answer: the main one, and all of them."""
    return {"skill": named[0], "skills": list(named[:MOST_CHOSEN])} if named else {}


def what(answers: Answers) -> Text:
    """All that is needed, on one line."""
    return joined(*(skills.label(each) for each in answers.get("skills") or [answers["skill"]]))


def offered(ctx: Context, words: str) -> Answers:
    """What a sentence of someone who offers answers; when it names many, they look through them."""
    found = list(heard(ctx, words))
    if not found:
        return {}
    return {"chosen": found, **({"skills": found} if len(found) <= SURELY else {})}


def begun(ctx: Context, text: str) -> Answers | None:
    """The answers of an offer that begins with a button instead of words; None if it is no button."""
    if not is_choice(ctx, text):
        return None
    value = [text] if text in ctx.core.vocabulary.skills else text
    return {"words": "", **accept_several({}, value)}


ONE = Field("skill", _ask, _parse_one, options=_options, accept=accept_one)
SEVERAL = Field("skills", _ask, _parse, options=_options, accept=accept_several)
