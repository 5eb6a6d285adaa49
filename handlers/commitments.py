"""A commitment from its acceptance to its end: when, on my way, here, and what happens in silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from handlers import alarms, arriving, asking, cards, closing, limits, merging, own, references, waves
from handlers.context import Context, Moment
from handlers.messages import Inbound, Outbound, Text, _, lines
from handlers.texts import duration
from storage import alerts, conversations
from storage import commitments as stored_commitments
from storage import needs as stored_needs
from storage.tables import Commitment, Need

FIRST_CHECK = timedelta(minutes=30)  # after accepting, when no time was named
GRACE = timedelta(minutes=15)  # after the time that was named
BETWEEN = timedelta(minutes=15)  # the questions that stay unanswered
BETWEEN_URGENT = timedelta(minutes=10)
REMIND_BEFORE = timedelta(hours=1)  # the time for which the help is wanted
QUESTIONS = 2  # without an answer until the need goes to others
LONGEST_ETA = timedelta(days=2)

DONE_CHECK = timedelta(hours=3)  # until the requester is asked, when the volunteer named no time
AFTER_ARRIVAL = timedelta(hours=1)


def begin(moment: Moment, need: Need, commitment: Commitment) -> None:
    """Someone has accepted: set when they are asked, and when the requester is."""
    commitment.checks = 0
    if need.needed_at is not None and need.needed_at > moment.now:
        commitment.arrives_at = need.needed_at
        remind_at = need.needed_at - REMIND_BEFORE
        commitment.check_at = remind_at if remind_at > moment.now else need.needed_at + GRACE
    else:
        commitment.check_at = moment.now + FIRST_CHECK
    moment.tx.session.flush()
    need.asked_done, need.confirm_asked = 0, 0
    _ask_requester_later(moment, need)


def _ask_requester_later(moment: Moment, need: Need) -> None:
    """Ask if it is done an hour after the last arrival; while helpers are sought, waves have the clock."""
    if need.state != "taken":
        return
    awaited = []
    for each in stored_needs.commitments(moment.tx, need.id):
        arrival = each.here_at or each.arrives_at
        awaited.append(arrival + AFTER_ARRIVAL if arrival else each.created_at + DONE_CHECK)
    need.next_step_at = max([*awaited, moment.now + timedelta(minutes=1)])


def committed(ctx: Context, argument: str) -> tuple[Need, Commitment] | None:
    """The need that this person has accepted: the quoted one, or their only one."""
    reference = references.read(argument, "N")
    own = stored_needs.commitments_of(ctx.tx, ctx.person.id)
    found = [(stored_needs.get(ctx.tx, each.need_id), each) for each in own]
    if reference is not None:
        found = [pair for pair in found if pair[0].reference == reference]
    return found[0] if len(found) == 1 else None


def _tell(moment: Moment, need: Need, text: Text) -> list[Outbound]:
    """The requester hears of a change, and their card is kept current in place."""
    told = Outbound(need.person_id, text, title=cards.title(moment, need))
    return [told, cards.need(moment, need, need.person_id, in_place=True)]


# --- what the volunteer says ----------------------------------------------------------------------


def eta(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """When the volunteer will be there, in minutes or in words; the requester is told."""
    found = committed(ctx, argument)
    if found is None:
        return own.unknown(ctx)
    need, commitment = found
    if commitment.here_at is not None:
        return [ctx.reply(_("I have told them already."))]
    zone = limits.zone_of(ctx.person, ctx.union)
    length = arriving.read(argument, ctx.core.lexicons.calendars, ctx.person.language, zone, ctx.now)
    if length is None or not timedelta() < length <= LONGEST_ETA:
        return [ctx.reply(arriving.ASK, *arriving.time_buttons(need.reference))]
    commitment.arrives_at, commitment.checks = ctx.now + length, 0
    commitment.check_at = commitment.arrives_at + GRACE
    _ask_requester_later(ctx, need)
    text = _("{reference}: your volunteer says they will be there in about {time}.",
             reference=need.reference, time=duration(length))  # fmt: skip
    thanks = ctx.reply(_('I have told them. Press "I am here" when you arrive.'),
                       *arriving.volunteer_buttons(need.reference))  # fmt: skip
    return [thanks, *_tell(ctx, need, text)]


def on_my_way(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    found = committed(ctx, argument)
    if found is None:
        return own.unknown(ctx)
    need, commitment = found
    if commitment.on_my_way_at is not None or commitment.here_at is not None:
        return [ctx.reply(_("I have told them already."))]
    commitment.on_my_way_at, commitment.checks = ctx.now, 0
    expected = commitment.arrives_at + GRACE if commitment.arrives_at else ctx.now + FIRST_CHECK
    commitment.check_at = max(expected, ctx.now + GRACE)
    thanks = ctx.reply(_('I have told them. Press "I am here" when you arrive.'),
                       *arriving.volunteer_buttons(need.reference, on_way=True))  # fmt: skip
    return [thanks, *_tell(ctx, need, _("{reference}: your volunteer is on the way.",
                                        reference=need.reference))]  # fmt: skip


def here(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    found = committed(ctx, argument)
    if found is None:
        return own.unknown(ctx)
    need, commitment = found
    if commitment.here_at is not None:
        return [ctx.reply(_("I have told them already."))]
    commitment.here_at, commitment.check_at, commitment.checks = ctx.now, None, 0
    _ask_requester_later(ctx, need)
    thanks = ctx.reply(_('I have told them. Press "It is done" when it is.'),
                       *arriving.volunteer_buttons(need.reference, on_way=True, here=True))  # fmt: skip
    there = _("{reference}: your volunteer is there.", reference=need.reference)
    return [thanks, *_tell(ctx, need, there), *merging.pass_on(ctx, need, there)]


def spoke(ctx: Context, need_id: UUID) -> None:
    """A volunteer who writes in the talk has answered: the questions start anew."""
    commitment = stored_needs.commitment(ctx.tx, need_id, ctx.person.id)
    if commitment is None or not commitment.checks:
        return
    commitment.checks, commitment.check_at = 0, ctx.now + GRACE


def withdraw(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """The volunteer can't after all: the need goes back to the queue, and nobody is blamed."""
    found = committed(ctx, argument)
    if found is None:
        return own.unknown(ctx)
    need, commitment = found
    thanks = ctx.reply(_("Thank you for telling me. I ask others now."))
    return [thanks, *give_back(ctx, need, commitment, "withdrawn")]


# --- back to the queue ----------------------------------------------------------------------------


def give_back(moment: Moment, need: Need, commitment: Commitment, state: str) -> list[Outbound]:
    """End a commitment as `withdrawn` or `missed`: others are asked at once, and the requester is told."""
    asked = reopen(moment, need, [commitment], state)
    if state == "missed":
        text = _("{reference}: your volunteer has not answered me. I am asking others now.",
                 reference=need.reference)  # fmt: skip
    else:
        text = _("{reference}: your volunteer can't come after all. I am asking others now.",
                 reference=need.reference)  # fmt: skip
    return [*asked, *_tell(moment, need, text), *merging.pass_on(moment, need, text)]


def reopen(moment: Moment, need: Need, ended: Sequence[Commitment], state: str) -> list[Outbound]:
    """End commitments, close what their volunteers were shown, and ask the next for all of them at once."""
    opened = [_free(moment, need, each, state) for each in ended]
    if not any(opened):
        return []
    need.asked_done, need.confirm_asked = 0, 0
    if need.needed_at is not None and need.needed_at <= moment.now and need.repeats_every is None:
        need.needed_at = None  # the time has passed: from now on as soon as possible
    need.confirm_at = asking.first_confirm(need.urgent, need.needed_at, moment.now)
    if need.confirm_at <= moment.now:  # its time has passed, but those who are asked now may still come
        need.confirm_at = moment.now + asking.PASSED
    return waves.next_wave(moment, need)


def _free(moment: Moment, need: Need, commitment: Commitment, state: str) -> bool:
    """End one commitment and free its place; whether the need is open by that.

    Clock and volunteer may end it in the same moment: its place is freed once.
    """
    if not stored_commitments.hold(moment.tx, commitment):
        return False
    stored_needs.end_commitment(moment.tx, moment.now, commitment, state)
    closing.close(moment, need.id, need.reference, commitment.person_id)
    conversations.close_talks(moment.tx, moment.now, need_id=need.id, helper_id=commitment.person_id)
    moment.tx.session.flush()
    return stored_needs.give_back(moment.tx, need, commitment.part_id)


def release_all(moment: Moment, person_id: UUID) -> list[Outbound]:
    """Someone is gone as a volunteer: what they had accepted goes to others."""
    told: list[Outbound] = []
    for commitment in stored_needs.commitments_of(moment.tx, person_id):
        told += give_back(moment, stored_needs.get(moment.tx, commitment.need_id), commitment, "withdrawn")
    return told


# --- the clock ------------------------------------------------------------------------------------


def due(moment: Moment, commitment: Commitment) -> list[Outbound]:
    """Remind, ask how it goes, and after two questions without an answer ask others."""
    need = stored_needs.get(moment.tx, commitment.need_id)
    if need.needed_at is not None and moment.now < need.needed_at and not commitment.checks:
        commitment.check_at = max(commitment.arrives_at or need.needed_at, need.needed_at) + GRACE
        return [arriving.reminder(need, commitment, cards.zone_of(moment, commitment.person_id))]
    if commitment.checks >= QUESTIONS:
        return _missed(moment, need, commitment)
    commitment.checks += 1
    commitment.check_at = moment.now + (BETWEEN_URGENT if need.urgent else BETWEEN)
    return [arriving.question(need, commitment)]


def _missed(moment: Moment, need: Need, commitment: Commitment) -> list[Outbound]:
    """Nobody knows if they come: others are asked; for an urgent need a coordinator takes charge."""
    told: list[Outbound] = []
    if need.urgent and not any(each.kind == "missed" for each in alerts.of_need(moment.tx, need)):
        told += alarms.raise_alert(moment, "missed", person_id=need.person_id, need=need)
        moment.tx.session.flush()
    told += give_back(moment, need, commitment, "missed")
    text = lines(
        _("{reference}: I had no answer, so I am asking others now. That is all right.",
          reference=need.reference),
        _("Thank you for having wanted to help."),
    )  # fmt: skip
    return [*told, Outbound(commitment.person_id, text)]
