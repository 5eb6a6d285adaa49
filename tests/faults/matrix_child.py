"""The whole bot on Matrix as a process of its own, which is killed: see `tests/faults/child.py`.

    python -m tests.faults.matrix_child HOMESERVER USER DATABASE_URL PID_FILE

Each bot writes the number of its process into PID_FILE before it says its first `ok`, so that it can also
be killed from outside, at a moment that nobody has chosen.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from random import SystemRandom

from bot.adapters.matrix import Matrix
from bot.adapters.matrix_login import Credentials
from bot.app import App, utc_now
from bot.doorkeeper import Doorkeeper
from bot.keychain import Keychain
from bot.setup import LOCALES
from handlers.contents import COMMANDS
from handlers.context import Core, Union
from handlers.emergency import load_table
from handlers.lexicon import Lexicons
from handlers.texts import Catalogs
from storage.database import Database
from storage.sealing import Vault
from tests.engines import MASTER_KEY
from tests.faults.child import Plan, follow, next_order, say
from tests.synapse import PASSWORD

POLL = 2  # seconds: a bot whose input ends waits no longer for news


async def live(core: Core, plan: Plan, homeserver: str, user: str, database_url: str) -> None:
    """One life of the bot; the database was migrated before."""
    database, stopping = Database(database_url, Vault(MASTER_KEY), SystemRandom()), asyncio.Event()
    adapter = Matrix(
        homeserver,
        Credentials(user, PASSWORD),
        Keychain(database, "matrix", utc_now),
        Doorkeeper(database, "matrix", utc_now),
        utc_now,
        commands=tuple(COMMANDS),
        poll_seconds=POLL,
    )
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), follow, plan, stopping)
    await App.compose(database, core, [adapter], step=plan.passes).run(stopping)
    await database.close()


def main(homeserver: str, user: str, database_url: str, pid_file: str) -> None:
    core = Core(Union(country="ES"), Catalogs.load(LOCALES), Lexicons.load(LOCALES), load_table())
    while order := next_order():
        bot = os.fork()
        if not bot:
            plan = Plan()
            plan.order(order.decode().strip())
            Path(pid_file).write_text(str(os.getpid()), encoding="ascii")
            say("ok")
            asyncio.run(live(core, plan, homeserver, user, database_url))
            return
        _, status = os.waitpid(bot, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(process)d %(levelname)s %(name)s: %(message)s")
    main(*sys.argv[1:])
