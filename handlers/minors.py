"""People under 18: nobody is sent to them alone, a trained coordinator looks after them."""

from __future__ import annotations

from datetime import timedelta

from handlers import alarms
from handlers.context import Context, Moment
from handlers.messages import Outbound
from storage import alerts, people, work
from storage.tables import Need

AGAIN = timedelta(days=1)


def notice(ctx: Context, words: str) -> None:
    """Remember it where someone says that they are a minor; nobody is asked for their age."""
    if words and ctx.person.minor_since is None and ctx.core.lexicons.crisis_words.says_minor(words):
        ctx.person.minor_since = ctx.now
        work.audit(ctx.tx, ctx.now, None, "said to be a minor", subject=ctx.person)


def is_minor(moment: Moment, need: Need) -> bool:
    """Whether a need must not be matched with volunteers one to one."""
    return people.get(moment.tx, need.person_id).minor_since is not None


def ask_coordinator(moment: Moment, need: Need) -> list[Outbound]:
    """A need of a minor goes to a coordinator and to nobody else; it is looked at again each day."""
    need.next_step_at = moment.now + AGAIN
    if alerts.of_need(moment.tx, need):
        return []
    return alarms.raise_alert(moment, "minor", person_id=need.person_id, need=need)
