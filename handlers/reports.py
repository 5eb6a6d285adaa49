"""What the process tells the core: refused deliveries, fetched files, faults, people who left."""

from __future__ import annotations

from uuid import UUID

from handlers import alarms, room_purpose, volunteering
from handlers.context import Context, Moment
from handlers.messages import Inbound, Outbound, _
from storage import alerts, people
from storage.tables import Account, Alert, Invitation


def blocked(ctx: Context, inbound: Inbound) -> list[Outbound]:
    """The person stopped the bot: nothing reaches them here until they write again."""
    return gone(ctx, ctx.account)


def unblocked(ctx: Context, inbound: Inbound) -> list[Outbound]:
    ctx.account.reachable = True
    return []


def gone(moment: Moment, account: Account) -> list[Outbound]:
    """An account cannot be reached: whoever waits for its owner waits no longer."""
    account.reachable = False
    moment.tx.session.flush()
    if any(each.reachable for each in people.accounts(moment.tx, account.person_id)):
        return []
    told: list[Outbound] = []
    told += volunteering.give_everything_back(moment, account.person_id)
    for alert in alerts.unresolved(moment.tx):
        if alert.owner_id == account.person_id:
            told += alarms.back_to_queue(moment, alert)
        elif alert.state == "open" and account.person_id in alerts.paged(moment.tx, alert.id):
            _hurry(moment, alert)
    return told


def _hurry(moment: Moment, alert: Alert) -> None:
    """When none of those who were told can be reached, the next step is due at once."""
    reachable = {person.id for person in people.coordinators(moment.tx)}
    if not reachable & set(alerts.paged(moment.tx, alert.id)):
        alert.next_step_at = moment.now


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
