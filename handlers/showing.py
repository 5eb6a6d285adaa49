"""What the requester shows to each volunteer who has accepted: the place at first, then door and phone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from handlers import arriving, cards, closing, disclosure, limits, own, skills
from handlers.context import Context, Moment
from handlers.forms import Again, Answers, Field, Form, start
from handlers.messages import Button, Clock, Inbound, Outbound, Text, Verbatim, Words, _, lines
from handlers.texts import joined
from storage import commitments as stored
from storage import needs as stored_needs
from storage import open_needs, people
from storage.tables import Commitment, Need

WHAT = ("place", "door", "phone")
LONGEST_DOOR = 300


# --- what the volunteer sees ----------------------------------------------------------------------


def opened(ctx: Context, need: Need, commitment: Commitment) -> Outbound:
    """What the volunteer may know on accepting, and the question when they will be there."""
    later = commitment.arrives_at is not None
    zone = limits.zone_of(ctx.person, ctx.union)
    ask: Text = arriving.ASK
    if need.needed_at is not None and later:
        ask = _("It is for {time}. I will remind you before.", time=Clock(need.needed_at, zone))
    return _view(
        ctx, need, commitment,
        _("Thank you. The place and the words are open to you until this is done."),
        _("Write here and I pass it on. They don't see your name or number unless you both agree."),
        ask,
        buttons=() if later else arriving.time_buttons(need.reference),
    )  # fmt: skip


def _view(
    moment: Moment, need: Need, commitment: Commitment, first: Text, *last: Text,
    buttons: tuple[Button, ...] = (),
) -> Outbound:  # fmt: skip
    """Everything that is open to one volunteer now."""
    seen = disclosure.open_need(moment, commitment.person_id, need)
    assert seen is not None
    place, shows_place = seen.place, "place" in commitment.shows.split()
    there = commitment.here_at is not None
    on_way = there or commitment.on_my_way_at is not None
    return Outbound(
        commitment.person_id,
        lines(
            first,
            *(Verbatim(f"“{words}”") for words in seen.words),
            Verbatim(f"📍 {place.words}") if place and place.words else None,
            Verbatim(f"🚪 {seen.door}") if seen.door else None,
            _("They gave no place. You can ask them here.") if shows_place and not place else None,
            *last,
        ),
        title=joined(need.reference, skills.label(need.skill)),
        buttons=(*buttons, *arriving.volunteer_buttons(need.reference, on_way=on_way, here=there)),
        place=place if place and place.has_coordinates else None,
        discloses=need.id,
    )


# --- what the requester chooses -------------------------------------------------------------------


def show(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/show N-7K3Q door 2: show the place, the door or the phone to the second who accepted."""
    return _choose(ctx, argument, "show", lambda need, each, what: _show(ctx, need, each, what))


def hide(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/hide N-7K3Q place 2: close the place to one volunteer again, and the door with it; or the phone."""
    return _choose(ctx, argument, "hide", lambda need, each, what: _hide(ctx, need, each, what))


def _choose(ctx: Context, argument: str, command: str, do: Any) -> list[Outbound]:
    """Find the volunteer who is meant; with several, ask which."""
    need = own.mine(ctx, argument)
    words = argument.split()
    what = next((each for each in words if each in WHAT), "place")
    if need is None:
        return own.unknown(ctx)
    active = stored_needs.commitments(ctx.tx, need.id)
    if not active or need.state not in open_needs.STATES:
        return [ctx.reply(_("Nobody has accepted {reference} now.", reference=need.reference))]
    numbers = _numbers(ctx, need)
    chosen = [each for each in active if words and words[-1] == str(numbers[each.id])]
    if len(active) == 1:
        chosen = active
    if not chosen:
        buttons = [
            Button(_("Volunteer {number}", number=numbers[each.id]),
                   f"/{command} {need.reference} {what} {numbers[each.id]}")
            for each in active
        ]  # fmt: skip
        return [ctx.reply(_("For which of your volunteers?"), *buttons)]
    said: list[Outbound] = do(need, chosen[0], what)
    return said


def _numbers(moment: Moment, need: Need) -> dict[UUID, int]:
    """Volunteers have no name for the requester: they are counted in the order in which they accepted."""
    return {each.id: number for number, each in enumerate(stored.ever(moment.tx, need.id), 1)}


def _show(ctx: Context, need: Need, commitment: Commitment, what: str) -> list[Outbound]:
    if what in commitment.shows.split() and what != "door":
        return [ctx.reply(_("They see it already."))]
    if what == "phone":
        return _show_phone(ctx, need, commitment)
    if what == "door" and not stored_needs.said(ctx.tx, need).get("door"):
        return start(ctx, DOOR, {"commitment": str(commitment.id)})
    return _widen(ctx, need, commitment, what)


def _widen(ctx: Context, need: Need, commitment: Commitment, what: str) -> list[Outbound]:
    commitment.shows = " ".join(each for each in WHAT if each in (*commitment.shows.split(), what))
    ctx.tx.session.flush()
    more = _("{reference}: the one who asked shows you more.", reference=need.reference)
    return [
        ctx.reply(_("Your volunteer sees it now. It closes with the case.")),
        cards.need(ctx, need, need.person_id, in_place=True),
        _view(ctx, need, commitment, more),
    ]


def _show_phone(ctx: Context, need: Need, commitment: Commitment) -> list[Outbound]:
    if ctx.account.sealed_contact is None:
        return [ctx.reply(_("I don't know a contact of yours. Send me your contact card or your number: "
                            "write /contact and the number."))]  # fmt: skip
    subject = people.get(ctx.tx, need.person_id)
    found = disclosure.contact_of(ctx, commitment.person_id, subject, need.id, ctx.account)
    commitment.shows = f"{commitment.shows} phone".strip()
    text = lines(_("{reference}: the one who asked shows you their contact:", reference=need.reference),
                 Verbatim(found))  # fmt: skip
    return [
        ctx.reply(_("Your volunteer sees it now. It closes with the case.")),
        cards.need(ctx, need, need.person_id, in_place=True),
        Outbound(commitment.person_id, text, discloses=need.id),
    ]


def _hide(ctx: Context, need: Need, commitment: Commitment, what: str) -> list[Outbound]:
    """All that this volunteer was shown is taken back, and what is still open is said again."""
    shown = commitment.shows.split()
    if what not in shown:
        return [ctx.reply(_("They don't see it now."))]
    left = [each for each in shown if each != what and not (what == "place" and each == "door")]
    commitment.shows = " ".join(each for each in left if each != "phone")
    ctx.tx.session.flush()
    closing.close(ctx, need.id, need.reference, helper_id=commitment.person_id)
    place, other = what == "place", _("The one who asked shows you less now. You can ask them here.")
    less = _("The one who asked has closed their place. You can ask them here.") if place else other
    told = _view(ctx, need, commitment, less)
    again = _show_phone(ctx, need, commitment)[2:] if "phone" in left else []
    closed = _("Your place is closed to your volunteer.") if place else _("It is closed to your volunteer.")
    done = lines(closed, closing.WAS_READ)
    return [ctx.reply(done), cards.need(ctx, need, need.person_id, in_place=True), told, *again]


# --- the door -------------------------------------------------------------------------------------


def _ask_door(ctx: Context, answers: Answers) -> Words:
    return lines(_("How do they find your door? For example: 2nd floor, left bell."),
                 _("Only your volunteer sees it, until this is done."))  # fmt: skip


def _parse_door(ctx: Context, inbound: Inbound) -> Any:
    words = " ".join(inbound.text.split())[:LONGEST_DOOR]
    return words or Again(_("Please write it in a few words."))


def _door_said(ctx: Context, answers: Answers) -> list[Outbound]:
    commitment = ctx.tx.session.get(Commitment, UUID(answers["commitment"]))
    need = stored_needs.get(ctx.tx, commitment.need_id) if commitment is not None else None
    if commitment is None or need is None or need.person_id != ctx.person.id:
        return own.unknown(ctx)
    if commitment.state != "active":
        return [ctx.reply(_("Nobody has accepted {reference} now.", reference=need.reference))]
    said = stored_needs.said(ctx.tx, need)
    stored_needs.keep_said(ctx.tx, need, {**said, "door": answers["door"]})
    return _widen(ctx, need, commitment, "door")


DOOR = Form("door", (Field("door", _ask_door, _parse_door),), _door_said)
