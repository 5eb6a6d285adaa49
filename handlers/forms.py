"""Dialogs as declarative forms: only the answers are stored, and the question follows from them.

The current question is the first unanswered field whose condition holds. Going back drops the newest
answer, cancelling drops the form, and a deploy that adds a field simply asks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.context import Context
from handlers.messages import Button, Inbound, Lines, Outbound, Text, Words, _, lines
from storage import conversations
from storage.tables import OpenForm

Answers = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Again:
    """The answer did not fit; the question is asked again with this word of why."""

    why: Text


@dataclass(frozen=True, slots=True)
class Option:
    """A likely answer, shown as a button."""

    value: str
    label: Text
    asks_place: bool = False


def no_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    return ()


def always(answers: Answers) -> bool:
    return True


def keep(name: str) -> Callable[[Answers, Any], Answers]:
    def store(answers: Answers, value: Any) -> Answers:
        return {**answers, name: value}

    return store


@dataclass(frozen=True, slots=True)
class Field:
    """One question.

    parse: the value of what was said, or Again; it gets the option's value where one was chosen.
    accept: how the value changes the answers; by default it is stored under the field's name.
    """

    name: str
    ask: Callable[[Context, Answers], Words]
    parse: Callable[[Context, Inbound], Any]
    options: Callable[[Context, Answers], tuple[Option, ...]] = no_options
    when: Callable[[Answers], bool] = always
    accept: Callable[[Answers, Any], Answers] | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A dialog: its questions, and what happens when all are answered."""

    name: str
    fields: tuple[Field, ...]
    done: Callable[[Context, Answers], list[Outbound]]

    def question(self, answers: Answers) -> Field | None:
        return next(
            (field for field in self.fields if field.name not in answers and field.when(answers)), None
        )


def start(
    ctx: Context, form: Form, answers: Answers | None = None, note: Text | None = None
) -> list[Outbound]:
    """Open a form with what was already said; another open form of this chat is left."""
    return _advance(ctx, form, answers or {}, note)


def answer(ctx: Context, form: Form, conversation: OpenForm, inbound: Inbound) -> list[Outbound]:
    """Take an answer to the current question and ask the next, or finish."""
    answers = conversations.answers(ctx.tx, ctx.person, conversation)
    field = form.question(answers)
    if field is None:  # a deploy took away the question that was open
        return _advance(ctx, form, answers, None)
    if not fits(ctx, conversation, field):
        return _advance(ctx, form, answers, _("That question was answered before."))
    value = field.parse(ctx, inbound)
    if isinstance(value, Again):
        return _advance(ctx, form, answers, value.why)
    changed = (field.accept or keep(field.name))(answers, value)
    return _advance(ctx, form, changed, None)


def asks(ctx: Context, form: Form, name: str) -> bool:
    """Whether the open question of this chat is the named one."""
    if ctx.conversation is None:
        return False
    field = form.question(conversations.answers(ctx.tx, ctx.person, ctx.conversation))
    return field is not None and field.name == name


def fits(ctx: Context, conversation: OpenForm, field: Field) -> bool:
    """Whether a pressed button belongs to the question that is open now."""
    return not ctx.scope or ctx.scope == _scope(conversation, field)


def open_question(ctx: Context, named: Mapping[str, Form]) -> str:
    """What the buttons of the question that is open now belong to; empty where none is."""
    form = named.get(ctx.conversation.form) if ctx.conversation else None
    if form is None or ctx.conversation is None:
        return ""
    field = form.question(conversations.answers(ctx.tx, ctx.person, ctx.conversation))
    return _scope(ctx.conversation, field) if field else ""


def _scope(conversation: OpenForm, field: Field) -> str:
    return f"{conversation.id}:{conversation.form}:{field.name}"


def back(ctx: Context, form: Form, conversation: OpenForm) -> list[Outbound]:
    """Drop the newest answer and ask that question again."""
    answers = conversations.answers(ctx.tx, ctx.person, conversation)
    newest = next((field.name for field in reversed(form.fields) if field.name in answers), None)
    if newest is not None:
        del answers[newest]
    return _advance(ctx, form, answers, None)


def skip(ctx: Context, form: Form, conversation: OpenForm) -> list[Outbound]:
    answers = conversations.answers(ctx.tx, ctx.person, conversation)
    field = form.question(answers)
    if field is None or not field.optional:
        return _advance(ctx, form, answers, _("I need an answer to this one."))
    return _advance(ctx, form, {**answers, field.name: None}, None)


def repeat(ctx: Context, form: Form, conversation: OpenForm, why: Text | None) -> list[Outbound]:
    """Ask the open question again."""
    return _advance(ctx, form, conversations.answers(ctx.tx, ctx.person, conversation), why)


def _advance(ctx: Context, form: Form, answers: Answers, problem: Text | None) -> list[Outbound]:
    field = form.question(answers)
    if field is None:
        if ctx.conversation is not None:
            conversations.close_form(ctx.tx, ctx.conversation)
            ctx.conversation = None
        return form.done(ctx, answers)
    ctx.conversation = conversations.save_form(
        ctx.tx, ctx.now, ctx.account, ctx.person, ctx.conversation, form.name, answers
    )
    question = field.ask(ctx, answers)
    text = question if problem is None else Lines((problem, *_parts(question)))
    return [ctx.reply(text, *_buttons(ctx, form, field, answers), scope=_scope(ctx.conversation, field))]


def _parts(words: Words) -> tuple[Any, ...]:
    return words.parts if isinstance(words, Lines) else lines(words).parts


def _buttons(ctx: Context, form: Form, field: Field, answers: Answers) -> tuple[Button, ...]:
    options = tuple(Button(each.label, each.value, each.asks_place) for each in field.options(ctx, answers))
    ways_out = [Button(_("Skip"), "/skip")] if field.optional else []
    if any(each.name in answers for each in form.fields):
        ways_out.append(Button(_("Back"), "/back"))
    return (*options, *ways_out, Button(_("Cancel"), "/cancel"))
