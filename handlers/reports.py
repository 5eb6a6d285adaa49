"""What the process tells the core: refused deliveries, fetched files, faults, people who left."""

from __future__ import annotations

from uuid import UUID

from handlers import alarms, room_purpose, volunteering
from handlers.context import Context, Moment
from handlers.messages import Inbound, Outbound, _
from storage import alerts, needs, people
from storage.tables import Account, Invitation, Need, Person


def blocked(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """The person stopped the bot: nothing reaches them here until they write again."""
    return gone(ctx, ctx.account)


def unblocked(ctx: Context, inbound: Inbound) -> list[Outbound]:
    back(ctx, ctx.account, ctx.person)
    return []


def back(moment: Moment, account: Account, person: Person) -> None:
    """An account can be reached again: alerts that reached nobody may reach its owner, at once."""
    account.reachable = True
    if person.coordinator_since is not None or person.neighbour_since is not None:
        moment.tx.session.flush()
        alerts.hurry(moment.tx, moment.now, alerts.reaching_nobody(moment.tx))


def gone(moment: Moment, account: Account) -> list[Outbound]:
    """An account cannot be reached: whoever waits for its owner waits no longer."""
    account.reachable = False
    moment.tx.session.flush()
    if any(each.reachable for each in people.accounts(moment.tx, account.person_id)):
        return []
    told: list[Outbound] = []
    for need in _urgent_needs_of(moment, account.person_id):
        told += _tell_coordinators(moment, need)
    moment.tx.session.flush()
    told += volunteering.give_everything_back(moment, account.person_id)
    for alert in alerts.owned_by(moment.tx, account.person_id):
        told += alarms.back_to_queue(moment, alert)
    alerts.hurry(moment.tx, moment.now, alerts.reaching_nobody(moment.tx, account.person_id))
    return told


def _urgent_needs_of(moment: Moment, person_id: UUID) -> list[Need]:
    """The urgent needs that someone has accepted."""
    accepted = (needs.get(moment.tx, each.need_id) for each in needs.commitments_of(moment.tx, person_id))
    return [need for need in accepted if need.urgent]


def _tell_coordinators(moment: Moment, need: Need) -> list[Outbound]:
    """A volunteer on whom an urgent need counted is gone: a coordinator looks after it."""
    if alerts.of_need(moment.tx, need):
        return []
    return alarms.raise_alert(moment, "unreachable", person_id=need.person_id, need=need)


def undelivered(moment: Moment, inbound: Inbound) -> list[Outbound]:
    """A message of ours was refused for good, or nobody knows if it arrived."""
    detail = inbound.detail
    account = moment.tx.session.get(Account, UUID(detail["account"])) if detail.get("account") else None
    told: list[Outbound] = []
    if account is not None and detail.get("unreachable"):
        told += gone(moment, account)
    if detail.get("room_id") and detail.get("unreachable"):
        told += room_purpose.lost(moment, UUID(detail["room_id"]))
    if detail.get("invitation"):
        invitation = moment.tx.session.get(Invitation, UUID(detail["invitation"]))
        if invitation is not None and detail["fate"] == "refused":
            told += volunteering.unreachable(moment, invitation)
    if detail.get("source_account"):
        told.append(_tell_sender(detail))
    return told


def _tell_sender(detail: dict[str, str]) -> Outbound:
    if detail["fate"] == "refused":
        text = _("Your message could not be delivered: the other person can't be reached now.")
    else:
        text = _("I don't know if your last message arrived. If there is no answer, please send it again.")
    return Outbound(UUID(detail["source_person"]), text, account=UUID(detail["source_account"]))


def fault(moment: Moment, inbound: Inbound) -> list[Outbound]:
    return alarms.fault(moment)
