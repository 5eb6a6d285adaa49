"""`onecloak simulate`: a day under the present policy, and under a changed one beside it.

All happens in a database in memory: no account is used, and the union's own data are not touched.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from bot.adapters import Outgoing
from bot.adapters.console import Console
from bot.app import App
from bot.settings import Settings, SettingsError, read_settings
from bot.setup import load_core
from bot.simulated_day import Day, VirtualTime
from bot.simulated_figures import Figures, gini, percentile, ratio, rounded, table
from bot.simulated_people import FIRST_HOUR, Plan, Someone, moments, popularity, population
from handlers.context import Core
from handlers.limits import NIGHT
from handlers.skills import COMMON, OTHER, of
from storage import cells, offers, people
from storage.database import Database, Result, Transaction
from storage.sealing import Vault
from storage.tables import Alert, Base, Commitment, Need, Verification

MONDAY = (2026, 3, 2)
AFTERWARDS = timedelta(hours=2)  # in which the last needs may still find someone
CENTRE = (41.39, 2.17)  # of a union that has set none
COORDINATORS = ("carla", "dora")
POLICY = ("most_asked", "silence_percent", "wave_minutes", "urgent_wave_minutes")


async def simulate(settings: Settings, plan: Plan, changes: Sequence[str]) -> str:
    """The day's figures as a table and a last line of JSON; raises SettingsError for a wrong change."""
    policies = {"present": settings}
    if changes:
        policies["changed"] = _changed(settings, changes)
    core = load_core(settings)
    columns = {name: await day(plan, replace(core, union=each.union())) for name, each in policies.items()}
    figures = {name: rounded(each) for name, each in columns.items()}
    return f"{table(columns)}\n{json.dumps(figures)}"


def _changed(settings: Settings, changes: Sequence[str]) -> Settings:
    """The settings with some of the policy's changed, each as `name=value`."""
    values = dict(each.partition("=")[::2] for each in changes)
    if unknown := set(values) - set(POLICY):
        raise SettingsError(f"--change knows {', '.join(POLICY)}, not {', '.join(sorted(unknown))}.")
    return read_settings(None, **{**settings.model_dump(exclude_unset=True), **values})


async def day(plan: Plan, core: Core) -> Figures:
    """One day from eight in the morning, on the real handlers."""
    zone = ZoneInfo(core.union.time_zone)
    begin = datetime(*MONDAY, FIRST_HOUR, tzinfo=zone)
    skills = [*COMMON, *(each for each in core.vocabulary.skills if each not in (*COMMON, OTHER))]
    everyone = population(plan, core.union.centre or CENTRE, skills)
    database = _InMemory(plan.seed)
    try:
        made = await _compose(plan, core, database, everyone, begin)
        random = Random(f"{plan.seed} needs")
        planned = list(moments(plan, begin))
        for moment in planned:
            skill = random.choices(skills, popularity(skills))[0]
            made.asks(random.choice(everyone), moment.astimezone(UTC), skill)
        await made.run(begin.astimezone(UTC) + timedelta(hours=plan.hours) + AFTERWARDS)
        return await database.run(lambda tx: _figures(tx, made, len(planned)))
    finally:
        await database.close()


class _InMemory(Database):
    """A database that nobody will miss: in memory, without a thread, with the same ids for the same seed."""

    def __init__(self, seed: int) -> None:
        super().__init__("sqlite+aiosqlite://", Vault(Random(seed).randbytes(32)), Random(seed))
        self._direct = sa.create_engine(
            "sqlite://", connect_args={"isolation_level": None}, poolclass=StaticPool
        )
        sa.event.listen(self._direct, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        Base.metadata.create_all(self._direct)

    async def run(self, work: Callable[[Transaction], Result]) -> Result:
        with Session(self._direct, expire_on_commit=False) as session, session.begin():
            tx = Transaction(session, self.vault, self.random)
            result = work(tx)
            tx.write()
            return result

    async def close(self) -> None:
        self._direct.dispose()
        await super().close()


async def _compose(plan: Plan, core: Core, database: Database, everyone: Sequence[Someone],
                   begin: datetime) -> Day:  # fmt: skip
    """The union as it is in the morning: its volunteers' offers, its coordinators, nobody asked yet."""
    heard: list[tuple[str, Outgoing, bool]] = []
    console = Console(lambda name, message, changed: heard.append((name, message, changed)))
    time = VirtualTime(begin.astimezone(UTC))
    await database.run(lambda tx: _settle_in(tx, core, time(), everyone[: plan.volunteers]))
    app = App.compose(database, core, [console], now=time)
    await app.start()
    coordinators = [Someone(name, everyone[0].home, Random(f"{plan.seed} {name}")) for name in COORDINATORS]
    by_name = {each.name: each for each in (*everyone, *coordinators)}
    return Day(plan, app, console, time, ZoneInfo(core.union.time_zone), by_name, heard)


def _settle_in(tx: Transaction, core: Core, now: datetime, volunteers: Sequence[Someone]) -> None:
    for name in COORDINATORS:
        person = people.meet(tx, now, Console.platform, name, core.union.language).person
        person.member_since = person.coordinator_since = person.consent_asked_at = now
        person.on_duty = True
    for each in volunteers:
        person = people.meet(tx, now, Console.platform, each.name, core.union.language).person
        person.member_since = person.consent_asked_at = now
        terms = offers.Terms(
            each.skills,
            place=cells.snap(*each.home),
            radius=each.radius,
            quiet_from=NIGHT[0],
            quiet_until=NIGHT[1],
        )
        offers.save(tx, now, person, core.union.time_zone, terms)
        tx.session.add_all(
            Verification(person_id=person.id, skill=skill, verified_at=now)
            for skill in each.skills
            if of(core, skill).verified_only
        )


def _figures(tx: Transaction, made: Day, asked_for: int) -> Figures:
    commitments = tx.session.scalars(sa.select(Commitment).order_by(Commitment.created_at.desc())).all()
    first = {each.need_id: each.created_at for each in commitments}
    needs = tx.session.scalars(sa.select(Need)).all()
    waits = [(first[each.id] - each.created_at).total_seconds() / 60 for each in needs if each.id in first]
    volunteers = [each.name for each in made.everyone.values() if each.skills]
    invitations = [made.asked[name] for name in volunteers]
    helped = Counter(each.person_id for each in commitments)
    idle = [0] * (len(volunteers) - len(helped))
    return Figures(
        needs=asked_for,
        accepted=len(waits),
        unmatched_share=ratio(asked_for - len(waits), asked_for),
        accept_minutes_p50=percentile(waits, 0.5),
        accept_minutes_p90=percentile(waits, 0.9),
        invitations=sum(invitations),
        invitations_per_acceptance=ratio(sum(invitations), len(commitments)),
        answered_share=ratio(made.answered, sum(invitations)),
        most_invitations_of_one=max(invitations, default=0),
        invitations_gini=gini(invitations),
        commitments_gini=gini([*helped.values(), *idle]),
        withdrawn=sum(each.state == "withdrawn" for each in commitments),
        done=sum(each.state == "done" for each in needs),
        alerts=tx.session.scalars(sa.select(sa.func.count()).select_from(Alert)).one(),
    )
