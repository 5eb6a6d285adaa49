"""The composition root: everything is made here, once, and handed down as arguments."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bot.adapters import Adapter, GatewayFault
from bot.clock import Clock
from bot.courier import Courier
from bot.fetcher import Fetcher
from bot.gateway import Gateway
from bot.settings import PREFIX, Settings, SettingsError
from bot.worker import Worker
from handlers.contents import COMMANDS
from handlers.context import Core
from handlers.emergency import load_table
from handlers.lexicon import Lexicons
from handlers.texts import Catalogs
from storage import forgetting, inbox
from storage.database import Database, sqlite_path
from storage.migrate import NewerSchema, migrate
from storage.sealing import Vault, WrongMasterKey, decode_master_key, read_or_create_master_key

log = logging.getLogger(__name__)

LOCALES = Path(__file__).parent.parent / "locales"


def utc_now() -> datetime:
    return datetime.now(UTC)


def no_step(name: str) -> None:
    """The numbered steps of the pipeline pass unnoticed, but for tests that break the process there."""


def load_core(settings: Settings) -> Core:
    catalogs = Catalogs.load(LOCALES)
    if settings.language not in catalogs.languages:
        known = ", ".join(catalogs.languages)
        raise SettingsError(f"{PREFIX}LANGUAGE is wrong: there are catalogs for {known}.")
    return Core(settings.union(), catalogs, Lexicons.load(LOCALES), load_table())


def open_vault(settings: Settings) -> tuple[Vault, str]:
    """The vault with its master key, and a word for the operator if the key was made just now."""
    if settings.master_key is not None:
        return Vault(decode_master_key(settings.master_key.get_secret_value())), ""
    path = sqlite_path(settings.database_url)
    if path is None:
        raise SettingsError(
            f"{PREFIX}MASTER_KEY is missing: PostgreSQL needs one. `onecloak key` prints one; keep a copy."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    key_file = path.with_suffix(".key")
    try:
        master, made = read_or_create_master_key(key_file)
    except ValueError:
        raise SettingsError(
            f"{PREFIX}MASTER_KEY is not set and the key file {key_file} is damaged: restore it."
        ) from None
    return Vault(
        master
    ), f"A master key was made in {key_file}. Keep a copy: without it all is lost." if made else ""


async def open_database(settings: Settings, vault: Vault, random: Random) -> Database:
    """Open and upgrade the database; raises SettingsError with what the operator can do."""
    path = sqlite_path(settings.database_url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url, vault, random)
    try:
        await migrate(database.engine)
        await database.check_master_key()
        await database.run(forgetting.replay)
    except WrongMasterKey:
        await database.close()
        raise SettingsError(
            f"{PREFIX}MASTER_KEY is wrong: the database was sealed with another one. Set that one."
        ) from None
    except NewerSchema as error:
        await database.close()
        raise SettingsError(f"{PREFIX}DATABASE_URL leads to a newer database. {error}") from None
    except OSError as error:
        await database.close()
        raise SettingsError(
            f"{PREFIX}DATABASE_URL leads to a server that does not answer ({type(error).__name__})."
        ) from None
    return database


def menu_commands(core: Core) -> dict[str, Sequence[tuple[str, str]]]:
    """The platform's command menu in each language; "" is for everyone else."""
    summaries = [(name, command.summary) for name, command in COMMANDS.items() if command.summary]
    menus: dict[str, Sequence[tuple[str, str]]] = {
        language: [(name, core.catalogs.render(summary, language)) for name, summary in summaries]
        for language in core.catalogs.languages
    }
    return {"": menus[core.union.language], **menus}


def make_adapters(settings: Settings, core: Core) -> list[Adapter]:
    """The adapters of all configured accounts; each is imported only here, when it is used."""
    adapters: list[Adapter] = []
    if settings.telegram.token is not None:
        from bot.adapters.telegram import Telegram

        token = settings.telegram.token.get_secret_value()
        adapters.append(Telegram(token, settings.telegram.base_url, commands=menu_commands(core)))
    return adapters


@dataclass(slots=True)
class Station:
    """All that serves one account: receiving, sending, fetching."""

    adapter: Adapter
    gateway: Gateway
    courier: Courier
    fetcher: Fetcher


@dataclass(slots=True)
class App:
    """The running parts of one process, in the order in which a message passes them."""

    database: Database
    core: Core
    now: Callable[[], datetime]
    stations: list[Station]
    worker: Worker
    clock: Clock
    failures: int = 0
    _wake: dict[str, asyncio.Event] = field(default_factory=dict)

    @classmethod
    def compose(
        cls,
        database: Database,
        core: Core,
        adapters: Sequence[Adapter],
        now: Callable[[], datetime] = utc_now,
        step: Callable[[str], None] = no_step,
    ) -> App:
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        keep = core.union.keep_events
        stations = [
            Station(
                adapter,
                Gateway(database, adapter, core, name, now, step),
                Courier(database, adapter, name, now, keep, step),
                Fetcher(database, adapter, core.union, now),
            )
            for adapter in adapters
        ]
        worker = Worker(database, core, name, now, step)
        return cls(database, core, now, stations, worker, Clock(database, core, now))

    async def start(self) -> None:
        """Take up what a process that ended has left; raises GatewayFault if an account does not work."""
        if self.database.is_sqlite:  # no other process can be running
            await self.database.run(inbox.release)
        for station in self.stations:
            await station.adapter.start()
            await station.courier.recover()
            await station.fetcher.recover()

    async def settle(self) -> int:
        """Handle, fetch, send until nothing is left to do at this moment; returns how much there was."""
        total = 0
        while True:
            done = await self.clock.run_once() + await self.worker.run_once()
            for station in self.stations:
                done += await station.fetcher.run_once() + await station.courier.run_once()
            if not done:
                return total
            total += done

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until `stopping` is set."""
        await self.start()
        loops: list[tuple[str, Callable[[], Awaitable[int]], float]] = [
            ("worker", self.worker.run_once, 1.0),
            ("clock", self.clock.run_once, 1.0),
        ]
        async with asyncio.TaskGroup() as group:
            for station in self.stations:
                platform = station.adapter.platform
                loops.append((f"courier {platform}", station.courier.run_some, 0.25))
                loops.append((f"fetcher {platform}", station.fetcher.run_once, 1.0))
                group.create_task(self._receive(station, stopping))
            for name, run, pause in loops:
                self._wake[name] = asyncio.Event()
                group.create_task(self._repeat(name, run, pause, stopping))
        for station in self.stations:
            await station.adapter.stop()
            await station.gateway.give_up_lease()

    async def _repeat(
        self, name: str, run: Callable[[], Awaitable[int]], pause: float, stopping: asyncio.Event
    ) -> None:
        wake = self._wake[name]
        while not stopping.is_set():
            wake.clear()
            try:
                busy = await run()
            except Exception as error:  # noqa: BLE001 (a wall: a loop goes on, whatever happens)
                self._failed(name, error)
                busy = 0
            if busy:
                self._wake_others(name)
                continue
            await _first(wake.wait(), stopping.wait(), timeout=pause)

    async def _receive(self, station: Station, stopping: asyncio.Event) -> None:
        """Receive while this process holds the account's lease."""
        name = f"gateway {station.adapter.platform}"
        while not stopping.is_set():
            pause = 0.0
            try:
                if await station.gateway.hold_lease():
                    await _first(self._take(station), stopping.wait())
                else:
                    pause = 2.0
            except GatewayFault as fault:
                log.error("%s: %s", name, fault.reason)
                self.failures += 1
                pause = (
                    fault.retry_after.total_seconds() if fault.retry_after else (30.0 if fault.fatal else 2.0)
                )
            except Exception as error:  # noqa: BLE001 (a wall, as above)
                self._failed(name, error)
                pause = 1.0
            if pause:
                await _first(stopping.wait(), timeout=pause)

    async def _take(self, station: Station) -> None:
        if await station.gateway.run_once():
            self._wake_others("")

    def _wake_others(self, name: str) -> None:
        for other, wake in self._wake.items():
            if other != name:
                wake.set()

    def _failed(self, name: str, error: Exception) -> None:
        self.failures += 1
        log.error("the %s failed and goes on in a second: %s", name, type(error).__name__, exc_info=error)


async def _first(*waits: Awaitable[object], timeout: float | None = None) -> None:  # noqa: ASYNC109
    """Wait until the first is done, end the others, and raise what the first raised."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    done, pending = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
