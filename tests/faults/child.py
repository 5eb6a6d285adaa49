"""The whole bot as a process of its own, which kills itself at a numbered step of the pipeline.

    python -m tests.faults.child BASE_URL TOKEN DATABASE_URL

Each line on its standard input is an order: `5 handled:2` means "be killed when step 5 is passed for the
second time from now on", an empty line means "live". The first starts a bot, later ones change when it
dies. It says `ok` to each, and `ended -9` when it has been killed; the next order starts another. Python
starts once, and every bot is a fork of it from before the first thread, so that a kill costs no second.
The end of the input ends the bot in order.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from random import SystemRandom

from bot.adapters.telegram import Telegram
from bot.app import App
from bot.setup import LOCALES
from handlers.context import Core, Union
from handlers.emergency import load_table
from handlers.lexicon import Lexicons
from handlers.texts import Catalogs
from storage.database import Database
from storage.migrate import migrate
from storage.sealing import Vault
from tests.engines import MASTER_KEY

STEPS = (
    "1 received",
    "2 committed",
    "3 confirmed",
    "4 claimed",
    "5 handled",
    "6 handled and committed",
    "7 claimed to send",
    "8 sent",
    "9 recorded",
)


class Plan:
    """Where to die: at the n-th passage of a step, counted from the moment of the order."""

    def __init__(self) -> None:
        self.step, self.left = "", 0

    def order(self, line: str) -> None:
        step, _, passage = line.partition(":")
        assert not step or step in STEPS, line
        self.step, self.left = step, int(passage or 0)

    def passes(self, step: str) -> None:
        assert step in STEPS, step
        if step == self.step:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def follow(plan: Plan, stopping: asyncio.Event) -> None:
    """Take one more order: in one go, so that no order is lost in the hands of a dying bot."""
    if line := os.read(sys.stdin.fileno(), 100):
        plan.order(line.decode().strip())
        say("ok")
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopping.set()


async def live(core: Core, plan: Plan, base_url: str, token: str, database_url: str) -> None:
    """One life of the bot."""
    database, stopping = Database(database_url, Vault(MASTER_KEY), SystemRandom()), asyncio.Event()
    await migrate(database.engine)
    adapter = Telegram(token, base_url, poll_seconds=5, pace=None)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), follow, plan, stopping)
    await App.compose(database, core, [adapter], step=plan.passes).run(stopping)
    await database.close()


def say(word: str) -> None:
    os.write(sys.stdout.fileno(), f"{word}\n".encode())


def next_order() -> bytes:
    """The next line, and not a byte more: the rest is for the bot that it starts."""
    line = b""
    while not line.endswith(b"\n") and (more := os.read(sys.stdin.fileno(), 1)):
        line += more
    return line


def main(*where: str) -> None:
    core = Core(Union(country="ES"), Catalogs.load(LOCALES), Lexicons.load(LOCALES), load_table())
    while order := next_order():
        bot = os.fork()
        if not bot:
            plan = Plan()
            plan.order(order.decode().strip())
            say("ok")
            asyncio.run(live(core, plan, *where))
            return
        _, status = os.waitpid(bot, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(process)d %(levelname)s %(name)s: %(message)s")
    main(*sys.argv[1:])
