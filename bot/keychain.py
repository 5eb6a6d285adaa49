"""What one account keeps between starts: changed in memory, and durable before anything depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from storage import keepsakes
from storage.database import Database, Transaction

Result = TypeVar("Result")


class Keychain:
    """The keepsakes of one account; all that changed is written together, or nothing is.

    A value is made of JSON types, or is a function that gives one, called when it is written.
    What is staged belongs to events that are being taken in: it is written with them by `run`, or discarded
    and learnt again, so that nothing is ever marked as done before what it stands for is kept.
    `guard` runs in each transaction: it raises where another process has taken the account over.
    """

    def __init__(self, database: Database, gateway: str, now: Callable[[], datetime]) -> None:
        self.guard: Callable[[Transaction], None] = lambda tx: None
        self._database = database
        self._gateway = gateway
        self._now = now
        self._values: dict[str, Any] = {}
        self._changed: dict[str, Any] = {}
        self._staged: dict[str, Any] = {}
        self._before: dict[str, Any] = {}  # what stood where something is staged
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Read all that was kept; what had changed in memory only is forgotten."""
        async with self._writing:
            self._values = await self._database.run(lambda tx: keepsakes.load(tx, self._gateway))
            self._changed, self._staged, self._before = {}, {}, {}

    def get(self, name: str) -> Any:
        """A kept value, None if there is none."""
        value = self._values.get(name)
        return value() if callable(value) else value

    def items(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The names that begin with `prefix`, without it, and their values."""
        for name in [each for each in self._values if each.startswith(prefix)]:
            yield name.removeprefix(prefix), self.get(name)

    def put(self, name: str, value: Any) -> None:
        self._values[name] = self._changed[name] = value

    def drop(self, name: str) -> None:
        if self._values.pop(name, None) is not None:
            self._changed[name] = None

    def drop_all(self, prefix: str = "") -> None:
        for name in [each for each in self._values if each.startswith(prefix)]:
            self.drop(name)

    def stage(self, name: str, value: Any) -> None:
        """Change a value, or drop it with None, together with the events that are being taken in."""
        if value is None and name not in self._values:
            return
        self._before.setdefault(name, self._values.get(name))
        self._staged[name] = value
        self._set(name, value)

    @property
    def has_staged(self) -> bool:
        return bool(self._before)

    def discard(self) -> None:
        """Undo what was staged for events that were not kept."""
        for name, value in self._before.items():
            self._set(name, value)
        self._staged, self._before = {}, {}

    def _set(self, name: str, value: Any) -> None:
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    async def save(self) -> None:
        """Return once all that has changed until now is durable."""
        async with self._writing:
            if self._changed:
                await self._write(lambda tx: None)

    async def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one transaction that also writes all that has changed and all that is staged."""
        async with self._writing:
            result = await self._write(work, self._staged)
            self._staged, self._before = {}, {}
            return result

    async def _write(
        self, work: Callable[[Transaction], Result], staged: Mapping[str, Any] = MappingProxyType({})
    ) -> Result:
        taken, self._changed = self._changed, {}
        # Read now, in one go: what changes while the transaction runs belongs to the next one.
        changes = {
            name: value() if callable(value) else value for name, value in (taken | dict(staged)).items()
        }

        def carried(tx: Transaction) -> Result:
            self.guard(tx)
            keepsakes.write(tx, self._now(), self._gateway, changes)
            return work(tx)

        written = False
        try:
            result = await self._database.run(carried)
            written = True
        finally:
            if not written:
                self._changed = taken | self._changed
        return result
