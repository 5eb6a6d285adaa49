"""`onecloak run`: the configured accounts, or the console when there is none."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from pathlib import Path
from random import SystemRandom

from bot import logs
from bot.app import App, Role, utc_now
from bot.listener import watched
from bot.loops import first
from bot.repeats import Repeats
from bot.settings import PREFIX, Settings, SettingsError
from bot.setup import NotNow, load_core, make_adapters, make_ways, open_database, open_vault
from bot.watch import Watch
from handlers.context import Core
from storage.database import Database
from storage.sealing import Vault
from storage.sqlite_file import sqlite_path

log = logging.getLogger(__name__)

AGAIN_AFTER = 5.0  # seconds, where the database can't be used just now
BEAT_EVERY = 5.0  # seconds


def spare_the_collector() -> None:
    """Have the collector of cycles look less often: of what a batch of turns makes, nearly all ends with it.

    A million objects that stay are no longer looked through at all.
    """
    gc.freeze()
    gc.set_threshold(5_000)


async def run(settings: Settings, stopping: asyncio.Event, alive: Path, role: str = Role.ALL) -> None:
    """Run until told to stop; raises SettingsError or GatewayFault when it cannot start."""
    part = Role(role)
    if part is not Role.ALL and sqlite_path(settings.database_url) is not None:
        raise SettingsError(
            f"only one process may use a SQLite file: leave --role {part} out, or set {PREFIX}DATABASE_URL "
            "to a PostgreSQL."
        )
    core = load_core(settings)
    spare_the_collector()
    vault, word = open_vault(settings)
    if word:
        sys.stderr.write(word + "\n")
    database = await _opened(settings, vault, stopping)
    if database is None:
        return
    try:
        # A worker has no use for the accounts' tokens, and need not be given them.
        adapters = [] if part is Role.WORKER else make_adapters(settings, core, database, utc_now)
        if part is Role.GATEWAY and not adapters:
            raise SettingsError(f"there is no account for a gateway: set {PREFIX}TELEGRAM__TOKEN or another.")
        if not adapters and part is Role.ALL:
            await _console(settings, database, core)
            return
        app = App.compose(database, core, adapters, ways=make_ways(settings))
        log.info(
            "One Cloak runs as %s: %s", part, ", ".join(each.platform for each in adapters) or "no account"
        )
        async with watched(settings.listen, app, alive.parent, utc_now), asyncio.TaskGroup() as group:
            group.create_task(_beat(alive, stopping))
            group.create_task(asyncio.to_thread(core.lexicons.make_ready))
            if settings.alive_url:
                watch = Watch(database, settings.alive_url, alive.parent, app.loops.turns, app.heard, utc_now)
                group.create_task(watch.run(stopping))
            await app.run(stopping, part)
            stopping.set()
    finally:
        await database.close()


async def _opened(settings: Settings, vault: Vault, stopping: asyncio.Event) -> Database | None:
    """The database, as soon as it can be used; None where the bot is told to stop before."""
    repeats = Repeats()
    while not stopping.is_set():
        try:
            return await open_database(settings, vault, SystemRandom())
        except NotNow as error:
            if (more := repeats.heard(str(error), utc_now())) is not None:
                log.error("%s It is tried again each five seconds.%s", error, more)
        await first(stopping.wait(), timeout=AGAIN_AFTER)
    return None


async def _beat(alive: Path, stopping: asyncio.Event) -> None:
    """A sign of life for the health check: as long as the event loop turns, the file is fresh."""
    while not stopping.is_set():
        try:
            await asyncio.to_thread(alive.parent.mkdir, parents=True, exist_ok=True)
            await asyncio.to_thread(alive.touch)
        except OSError as error:  # a disk that fails must not end the bot: it says by silence how it is
            log.error("the sign of life can't be written: %s", error.strerror)
        await first(stopping.wait(), timeout=BEAT_EVERY)


async def _console(settings: Settings, database: Database, core: Core) -> None:
    from bot.adapters.console import Console
    from bot.terminal import MovableTime, PlainScreen, Screen, Terminal

    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    screen: Screen = PlainScreen()
    if interactive:
        from bot import rich_terminal

        screen = rich_terminal.RichScreen(settings.console.width)
    else:
        logs.show("WARNING")
    console = Console(lambda person, message, changed: screen.heard(person, message, changed))
    time = MovableTime()
    await time.resume(database)
    app = App.compose(database, core, [console], now=time, ways=make_ways(settings))
    await app.start()
    terminal = Terminal(app, console, time, screen)
    if interactive:
        from bot import rich_terminal

        await rich_terminal.run(terminal)
    else:
        await terminal.run_script()
