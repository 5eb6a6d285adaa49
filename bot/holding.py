"""The lease of one account: who may speak as it now, and how a process that lost it is kept from writing.

A holder that was frozen, or cut off from the database, does not know that another has taken over. So each of
its transactions asks under which number the account is held, and keeps that from changing until it ends; and
before it sends, it looks at its own clock, which went on while it slept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from bot.adapters import GatewayFault
from storage import work
from storage.database import Database, Transaction

Result = TypeVar("Result")

LEASE = timedelta(seconds=6)  # a takeover is done within ten
RENEW_EVERY = 1.5  # seconds
TO_RENEW = 4.0  # seconds in which the database must have answered


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the latter stops while the machine sleeps


def ticks() -> float:
    return time.clock_gettime(_CLOCK)


class LeaseLost(GatewayFault):
    """Another process speaks as the account now."""

    def __init__(self) -> None:
        super().__init__("another process has taken the account over")


class Holding:
    """An account's lease in one process. `fence` is its number, None where it was never held."""

    def __init__(
        self, database: Database, platform: str, holder: str, ticks: Callable[[], float] = ticks
    ) -> None:
        """ticks: seconds that also pass while the process is frozen, and its machine asleep."""
        self.database = database
        self.lease = f"gateway {platform}"
        self.holder = holder
        self.fence: int | None = None
        self.is_renewed = False  # whether the lease is kept up by a loop, so that its end means something
        self._ticks = ticks
        self._lasts_until: float | None = None

    @property
    def name(self) -> str:
        """What is claimed is claimed in this name: each takeover, also one's own, makes another."""
        return f"{self.holder}#{self.fence or 0}"

    async def take(self) -> bool:
        """Take or renew the lease; False while another process holds it."""
        begun = self._ticks()
        fence = await self.database.run(
            lambda tx: work.lease(tx, self.lease, self.holder, LEASE, alone=self.database.is_sqlite)
        )
        if fence is None:
            return False
        self.fence, self._lasts_until = fence, begun + LEASE.total_seconds()
        return True

    async def give_up(self) -> None:
        """Leave the account to whoever takes it next."""
        self.fence = self._lasts_until = None
        await self.database.run(lambda tx: work.end_lease(tx, self.lease, self.holder))

    def check(self, tx: Transaction) -> None:
        """Raise LeaseLost where the account is held under another number; else that waits for this commit."""
        if self.fence is None or not work.holds_lease(tx, self.lease, self.holder, self.fence):
            raise LeaseLost

    async def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one transaction, unless another process has taken the account over (LeaseLost)."""
        if self.database.is_sqlite:  # where no other can be running
            return await self.database.run(work)

        def guarded(tx: Transaction) -> Result:
            self.check(tx)
            return work(tx)

        return await self.database.run(guarded)

    def may_have_run_out(self) -> bool:
        """Whether the process slept so long, or was cut off so long, that another may have taken over."""
        if self.database.is_sqlite or self._lasts_until is None or not self.is_renewed:
            return False
        return self._ticks() >= self._lasts_until
