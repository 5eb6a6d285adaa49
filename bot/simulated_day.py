"""A day in a simulated union: people write and press, the real handlers answer, and the clock is moved.

People know a button by what it stands for (`/accept N-7K3Q`), not by its words, in any language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.adapters import Outgoing
from bot.adapters.console import Console
from bot.app import App
from bot.simulated_people import Plan, Someone, awake
from handlers.skills import label
from storage.choices import TOKEN_LENGTH
from storage.database import Transaction
from storage.tables import Account, Choice, Person

MOST_TRIES = 5  # of one question, before someone gives up
ARRIVES = 30  # minutes until a volunteer is there, as they say; the next larger that is offered
AT_WORK = 30  # minutes that the help takes, as median
COORDINATOR_HAND = 3.0  # minutes until a coordinator acts, as median
INSTANT = timedelta(milliseconds=1)


@dataclass(slots=True)
class VirtualTime:
    """A clock that the day moves."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


@dataclass(frozen=True, slots=True)
class Key:
    """A button as its reader understands it: what it says if pressed, and its token."""

    says: str
    token: str
    means: str
    asks_place: bool

    @property
    def command(self) -> str:
        return self.says.split(" ")[0] if self.says.startswith("/") else ""


@dataclass(slots=True)
class Day:
    """Everyone, what they are going to do, and what they have been asked."""

    plan: Plan
    app: App
    console: Console
    time: VirtualTime
    zone: ZoneInfo
    everyone: dict[str, Someone]
    heard: list[tuple[str, Outgoing, bool]]
    asked: Counter[str] = field(default_factory=Counter)  # invitations, by volunteer
    answered: int = 0
    _planned: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)
    _coming: set[tuple[str, str]] = field(default_factory=set)  # who has accepted which need
    _tries: Counter[tuple[str, str]] = field(default_factory=Counter)

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Somebody is going to do something; what is planned for one moment happens in order."""
        heappush(self._planned, (moment, next(self._numbers), act))

    async def run(self, until: datetime) -> None:
        """Let time pass, stopping at each moment at which something is due or somebody acts."""
        while True:
            due = await self.app.clock.next_due()
            planned = self._planned[0][0] if self._planned else None
            moment = min((each for each in (due, planned) if each is not None), default=until)
            if moment >= until:
                break
            self.time.moment = max(moment, self.time.moment + INSTANT)
            while self._planned and self._planned[0][0] <= self.time.moment:
                heappop(self._planned)[2]()
            await self._settle(is_due=due is not None and due <= self.time.moment)
        self.time.moment = until

    async def _settle(self, *, is_due: bool) -> None:
        """As the app does, but each part is only asked when it has something to do: it is a long day."""
        station = self.app.stations[0]
        left = await station.gateway.run_once() if self.console.waiting() else 0
        while left and (done := await self.app.worker.run_once()):
            left -= done
        if is_due:
            await self.app.clock.run_once()
        while await station.courier.run_once():
            pass
        await self._read()

    async def _read(self) -> None:
        """Let the readers of what was delivered make up their minds."""
        heard = [(name, message, changed) for name, message, changed in self.heard if message.buttons]
        self.heard.clear()
        tokens = [message.buttons[0].token[:TOKEN_LENGTH] for _name, message, _changed in heard]
        read = await self.app.database.run(lambda tx: _options(tx, tokens)) if tokens else {}
        for name, message, changed in heard:
            scope, options = read[message.buttons[0].token[:TOKEN_LENGTH]]
            keys = [
                Key(option["says"], press.token, option.get("means", ""), press.asks_place)
                for option, press in zip(options, message.buttons, strict=True)
            ]
            self._reads(self.everyone[name], scope, keys, changed=changed)

    # --- what people do ---------------------------------------------------------------------------

    def asks(self, someone: Someone, moment: datetime, skill: str) -> None:
        """Someone is going to ask for a kind of help."""

        def act() -> None:
            someone.wants = skill
            self.console.say(someone.name, "/need")

        self.at(moment, act)

    def _reads(self, someone: Someone, scope: str, keys: Sequence[Key], *, changed: bool) -> None:
        by_command = {key.command: key for key in reversed(keys) if key.command}
        if scope:
            self._is_questioned(someone, scope, keys, by_command)
        elif "/accept" in by_command:
            if not changed:
                self._is_invited(someone, by_command)
        elif "/eta" in by_command:
            self._has_accepted(someone, keys)
        elif "/confirm" in by_command:
            if someone.random.random() < self.plan.confirm:
                self._presses(someone, by_command["/confirm"], self._soon(someone))
        elif "/take" in by_command or "/still" in by_command:
            key = by_command.get("/take") or by_command["/still"]
            self._presses(someone, key, self.time() + someone.hand(COORDINATOR_HAND))
        else:
            agreeing = next((key for key in keys if key.means == "yes"), None)
            if agreeing is not None:
                self._presses(someone, agreeing, self._soon(someone))

    def _is_invited(self, someone: Someone, by_command: dict[str, Key]) -> None:
        self.asked[someone.name] += 1
        if not someone.answers():
            return
        declines = someone.random.random() < self.plan.decline
        self._presses(someone, by_command["/decline" if declines else "/accept"], self._soon(someone))
        self.answered += 1

    def _has_accepted(self, someone: Someone, keys: Sequence[Key]) -> None:
        """Say when one will be there; then come and help, or take it back on the way, perhaps at the door."""
        offered = (key for key in keys if key.command == "/eta")
        times = sorted(((int(key.says.split()[-1]), key) for key in offered), key=lambda each: each[0])
        reference = times[0][1].says.split()[1]
        if (someone.name, reference) in self._coming:
            return  # a question how it goes: they act as they had planned to
        self._coming.add((someone.name, reference))
        minutes, key = next((each for each in times if each[0] >= ARRIVES), times[-1])
        begin = self.time() + timedelta(seconds=20)
        self._presses(someone, key, begin)
        arrival = begin + timedelta(minutes=minutes)
        if someone.random.random() < self.plan.withdraw:
            self._says(someone, f"/withdraw {reference}", begin + (arrival - begin) * someone.random.random())
            self._coming.discard((someone.name, reference))
        else:
            self._says(someone, f"/here {reference}", arrival)
            self._says(someone, f"/done {reference}", arrival + someone.hand(AT_WORK))

    def _is_questioned(
        self, someone: Someone, scope: str, keys: Sequence[Key], by_command: dict[str, Key]
    ) -> None:
        """Answer a question of the form for a need, within seconds; after too many tries give up."""
        moment = self.time() + timedelta(seconds=someone.random.randint(5, 30))
        self._tries[someone.name, scope] += 1
        if self._tries[someone.name, scope] > MOST_TRIES:
            self._presses(someone, by_command["/cancel"], moment)
            return
        field_name = scope.rsplit(":", 1)[-1]
        fitting = next((key for key in keys if key.says == someone.wants), None)
        if field_name == "place":
            self.at(moment, lambda: self.console.send_place(someone.name, *someone.home))
        elif fitting is not None:
            self._presses(someone, fitting, moment)
        elif field_name in ("words", "skill"):
            words = self._words_for(someone.wants, by_name=field_name == "skill")
            self._says(someone, words, moment)
        elif field_name == "confirm":
            urgent = someone.random.random() < self.plan.urgent
            self._presses(someone, _saying(keys, "urgent" if urgent else "yes"), moment)
        elif field_name == "same":
            self._presses(someone, _saying(keys, "another"), moment)
        else:
            self._presses(someone, by_command.get("/skip", keys[0]), moment)

    def _words_for(self, skill: str, *, by_name: bool) -> str:
        """The name of a kind of help; words that say nothing where it would first be taken for another."""
        core, language = self.app.core, self.app.core.union.language
        name = core.catalogs.render(label(skill), language)
        heard = core.lexicons.skills(name, language)
        return name if by_name or not heard or heard[0] == skill else "…"

    def _soon(self, someone: Someone) -> datetime:
        moment = self.time() + someone.hand(self.plan.minutes_to_answer)
        return awake(moment.astimezone(self.zone)).astimezone(UTC)

    def _says(self, someone: Someone, words: str, moment: datetime) -> None:
        self.at(moment, lambda: self.console.say(someone.name, words))

    def _presses(self, someone: Someone, key: Key, moment: datetime) -> None:
        self.at(moment, lambda: self.console.press(someone.name, key.token))


def _saying(keys: Sequence[Key], says: str) -> Key:
    return next((key for key in keys if key.says == says), keys[0])


def _options(tx: Transaction, tokens: Sequence[str]) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """What the buttons of some messages stand for, and the question that they belong to."""
    query = (
        sa.select(Choice.token, Choice.scope, Choice.sealed_options, Person.key_id)
        .join(Account, Account.id == Choice.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(Choice.token.in_(tokens))
    )
    rows = tx.session.execute(query).all()
    tx.load_keys(row.key_id for row in rows)
    return {
        row.token: (row.scope, tx.open(row.key_id, "choice", row.sealed_options)["options"]) for row in rows
    }
