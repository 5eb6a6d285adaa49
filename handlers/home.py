"""Home: the place that a person saved, to be chosen with one tap."""

from __future__ import annotations

from handlers import naming, references, sos, where
from handlers.context import Context
from handlers.forms import Answers, Form, start
from handlers.messages import Button, Inbound, Kind, Outbound, Text, Verbatim, _, lines
from storage import alerts, needs, people
from storage.tables import Need

SAVED = _("Your home is saved. When I ask for a place, there is a button for it.")


def home(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/home: show it, change it, delete it, keep the place of a need as it, or be there in an SOS."""
    word, _space, about = argument.partition(" ")
    if word == "here":
        return _here(ctx)
    if word == "delete":
        ctx.person.sealed_home = None
        return [ctx.reply(_("Your home is deleted here."))]
    if word == "keep":
        return _keep_place_of(ctx, about)
    if word == "new" or ctx.person.sealed_home is None:
        return start(ctx, HOME)
    kept = where.home(ctx, ctx.person)
    name = naming.area(ctx, kept.get("latitude"), kept.get("longitude"), ctx.person.language)
    words = Verbatim(str(kept["words"])) if kept.get("words") else None
    return [
        ctx.reply(
            lines(
                _("Your home as I have it:"), words, name, _("Only you see it, until you ask for help there.")
            ),
            Button(_("Change it"), "/home new"),
            Button(_("Delete it"), "/home delete"),
        )
    ]


def keep_button(ctx: Context, need: Need, answers: Answers) -> tuple[Button, ...]:
    """An offer to keep a typed place as home; only to someone who has none, and asks for themselves."""
    place = where.chosen(answers)
    typed = place is not None and place.get("words") and not place.get("pin")
    if not typed or ctx.person.sealed_home is not None or need.for_other:
        return ()
    return (Button(_("Keep this place as my home"), f"/home keep {need.reference}"),)


def _keep_place_of(ctx: Context, text: str) -> list[Outbound]:
    reference = references.read(text, "N")
    need = needs.by_reference(ctx.tx, reference) if reference else None
    if need is None or need.person_id != ctx.person.id or need.sealed_place is None:
        return [ctx.reply(_("I can't find that case among yours. /my shows them."))]
    kept = ctx.tx.open(ctx.person.key_id, "need place", need.sealed_place)
    return [ctx.reply(_save(ctx, kept))]


def _here(ctx: Context) -> list[Outbound]:
    alert = alerts.unresolved_of(ctx.tx, ctx.person.id, "sos")
    if ctx.person.sealed_home is None or alert is None:
        return home(ctx, Inbound(Kind.MESSAGE), "")
    return sos.at_home(ctx, alert, where.home(ctx, ctx.person))


def _save(ctx: Context, kept: naming.Kept) -> Text:
    if not people.move(ctx.now, ctx.person):
        return where.TOO_MANY_MOVES
    ctx.person.sealed_home = ctx.tx.seal(ctx.person.key_id, "home", kept)
    return SAVED


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    kept = where.chosen(answers)
    return [ctx.reply(_save(ctx, kept) if kept else _("All right, nothing is saved."))]


HOME = Form(
    "home",
    where.fields(
        lambda answers: _("Where is your home? Send the place, or write the address or the area."), own=True
    ),
    _done,
)
