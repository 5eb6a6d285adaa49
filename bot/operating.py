"""What the operator does from the command line, beside a running bot."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import TypeVar

from bot.app import utc_now
from bot.settings import Settings
from bot.setup import load_core, open_database, open_vault
from handlers import explaining
from handlers.context import Moment
from handlers.membership import MEMBER, make_code, step_down
from handlers.messages import Outbound, _
from handlers.post import post
from storage import duty, people, work

Result = TypeVar("Result")


async def print_code(settings: Settings, role: str, uses: int) -> str:
    """Make a code; only a member's may work more than once."""
    return await _in_turn(
        settings, lambda moment: make_code(moment, role, max(1, uses) if role == MEMBER else 1)
    )


async def list_coordinators(settings: Settings) -> str:
    """The coordinators in the order in which they came, with the names that they use."""

    def show(moment: Moment) -> str:
        there = {person.id for person in duty.on_duty(moment.tx, moment.now)}
        lines = []
        for number, person in enumerate(people.all_coordinators(moment.tx), 1):
            name = people.name_of(moment.tx, person) or "(no name)"
            reachable = any(each.reachable for each in people.accounts(moment.tx, person.id))
            standing = "on duty" if person.id in there else "off duty"
            lines.append(f"{number}  {name}  {standing}{'' if reachable else '  cannot be reached'}")
        work.audit(moment.tx, moment.now, None, "operator listed coordinators")
        return "\n".join(lines) or "There is no coordinator yet: `onecloak code coordinator` prints a code."

    return await _in_turn(settings, show)


async def remove_coordinator(settings: Settings, number: int) -> str:
    """Take the role away; what the person was in charge of goes back to the others."""

    def remove(moment: Moment) -> str:
        found = people.all_coordinators(moment.tx)
        if not 1 <= number <= len(found):
            return "There is no coordinator with this number."
        person = found[number - 1]
        told = step_down(moment, person)
        told.append(Outbound(person.id, _("You are not a coordinator any more. Thank you for all you did.")))
        post(moment, told)
        work.audit(moment.tx, moment.now, None, "operator removed a coordinator", subject=person)
        return "Removed. They remain a member."

    return await _in_turn(settings, remove)


async def explain(settings: Settings, reference: str) -> str:
    """Why each person was or was not asked about a need."""

    def show(moment: Moment) -> str:
        work.audit(moment.tx, moment.now, None, "operator had a need's invitations explained")
        return "\n".join(explaining.explain(moment, reference))

    return await _in_turn(settings, show)


async def _in_turn(settings: Settings, do: Callable[[Moment], Result]) -> Result:
    core = load_core(settings, listens=False)
    vault, _word = open_vault(settings)
    database = await open_database(settings, vault, SystemRandom())
    try:
        return await database.run(lambda tx: do(Moment(core, tx, utc_now())))
    finally:
        await database.close()
