"""The command `onecloak`: run the bot, print codes, manage coordinators, read in places, check its health."""

from __future__ import annotations

import argparse
import asyncio
import base64
import dataclasses
import fcntl
import io
import os
import resource
import secrets
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import IO, Any

from bot import logs
from bot.adapters import GatewayFault
from bot.settings import Settings, SettingsError, Stopped, read_settings
from bot.simulated_people import Plan
from storage.sqlite_file import sqlite_path

MOST_FILES = 65_536
HEALTHY_FOR = 30  # seconds since the last sign of life


def main() -> None:
    """Parse the command line and run one command; a wrong setting is one sentence on standard error."""
    arguments = _parser().parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a letter shows the others
    try:
        if arguments.command == "key":
            _out(base64.b64encode(secrets.token_bytes(32)).decode())
            return
        settings = read_settings()
        logs.configure(_role(arguments), settings.log_level, settings.log_format)
        if arguments.command == "health":
            sys.exit(0 if _healthy(settings) else "One Cloak has given no sign of life.")
        commands: dict[str, Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, None]]] = {
            "run": _run, "code": _code, "coordinators": _coordinators, "doctor": _doctor,
            "places": _places, "simulate": _simulate, "explain": _explain,
            "backup": _backup, "restore": _restore,
        }  # fmt: skip
        asyncio.run(commands[arguments.command](settings, arguments))
    except (SettingsError, GatewayFault, Stopped) as error:
        sys.exit(f"One Cloak cannot go on: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _role(arguments: argparse.Namespace) -> str:
    """What this process does, as its log says it."""
    return str(getattr(arguments, "role", "all") if arguments.command == "run" else arguments.command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "onecloak", description="A self-hosted chat-bot for mutual aid and emergencies."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start the bot; without a configured account, the console")
    run.add_argument(
        "--role", choices=("all", "worker", "gateway"), default="all",
        help="on PostgreSQL: only handle what comes in, or only receive and send; any number of either",
    )  # fmt: skip
    code = commands.add_parser("code", help="print a one-time code that lets someone in")
    code.add_argument("role", choices=("member", "coordinator", "neighbour"))
    code.add_argument(
        "--uses", type=int, default=1, metavar="N", help="how many people may use it (members only)"
    )
    people = commands.add_parser("coordinators", help="list the coordinators, or remove one")
    people.add_argument("action", choices=("list", "remove"))
    people.add_argument("number", nargs="?", type=int, help="the number in the list")
    places = commands.add_parser("places", help="read in names of places: of countries, or your own")
    of_places = places.add_subparsers(dest="action", required=True)
    load = of_places.add_parser("load", help="of countries, from GeoNames; by default the union's")
    load.add_argument("countries", nargs="*", metavar="COUNTRY", help="two letters such as ES")
    own = of_places.add_parser("import", help="the union's own: neighbourhoods, landmarks, hubs")
    own.add_argument("file", type=Path, help="CSV (name,latitude,longitude,kind,aliases) or GeoJSON")
    explain = commands.add_parser("explain", help="say why each person was or was not asked about a need")
    explain.add_argument("reference", help="such as N-7K3Q")
    commands.add_parser("doctor", help="look at all that the bot depends on; say what is well, what to do")
    commands.add_parser("key", help="print a new key, for ONECLOAK_MASTER_KEY or ONECLOAK_BACKUP_KEY")
    backup = commands.add_parser("backup", help="make a sealed backup, also beside a running bot")
    backup.add_argument("--folder", type=Path, help="where to, if not ONECLOAK_BACKUP_FOLDER")
    _describe_restoration(commands.add_parser("restore", help="bring a backup back, while no bot runs"))
    commands.add_parser("health", help="exit with 0 if the running bot gave a sign of life")
    _describe_simulation(commands.add_parser("simulate", help="a day of made-up people, to try a policy out"))
    return parser


def _describe_restoration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, help="the file ….backup; by default the newest")
    parser.add_argument("--keys", type=Path, help="its file ….keys; by default the newest beside it")
    parser.add_argument("--check", action="store_true", help="only see if both can be used; change nothing")
    parser.add_argument("--replace", action="store_true", help="move the database that is there aside")
    parser.add_argument(
        "--nothing-since", action="store_true",
        help="the bot has not run since this backup was made: its Matrix device may go on",
    )  # fmt: skip
    parser.add_argument(
        "--ended", nargs="+", default=[], metavar="REFERENCE", help="cases that had ended, such as A-2M9D"
    )


def _describe_simulation(parser: argparse.ArgumentParser) -> None:
    for each in dataclasses.fields(Plan):
        parser.add_argument(
            f"--{each.name.replace('_', '-')}", type=type(each.default), default=each.default, metavar="N",
            help=f"{each.metadata['help']} ({each.default})",
        )  # fmt: skip
    parser.add_argument(
        "--change", nargs="+", default=[], metavar="SETTING=VALUE",
        help="also run the same day with these settings, such as most_asked=8 wave_minutes=10",
    )  # fmt: skip


async def _simulate(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import simulating

    plan = Plan(**{each.name: getattr(arguments, each.name) for each in dataclasses.fields(Plan)})
    _out(await simulating.simulate(settings, plan, arguments.change))


async def _run(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import running

    only_one = _only_process(settings)
    _open_as_many_files_as_may_be()
    try:
        await running.run(settings, _stop_on_signals(), _heartbeat_file(settings), arguments.role)
    finally:
        if only_one is not None:
            only_one.close()


def _open_as_many_files_as_may_be() -> None:
    """Most systems allow a thousand unless asked, of which a crowd at a port leaves none for the database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


async def _code(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import operating

    _out(await operating.print_code(settings, arguments.role, arguments.uses))


async def _explain(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import operating

    _out(await operating.explain(settings, arguments.reference))


async def _coordinators(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import operating

    if arguments.action == "list":
        _out(await operating.list_coordinators(settings))
    elif arguments.number is None:
        sys.exit("Give the number of the coordinator as `onecloak coordinators list` shows it.")
    else:
        _out(await operating.remove_coordinator(settings, arguments.number))


async def _places(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import placing

    if arguments.action == "load":
        for line in await placing.load(settings, arguments.countries):
            _out(line)
    else:
        _out(await placing.import_own(settings, arguments.file))


async def _doctor(settings: Settings, arguments: argparse.Namespace) -> None:
    """Beside a running bot or without; exits with 1 where something is to be done."""
    from bot import doctor

    lines = []
    async for line in doctor.examine(settings):
        lines.append(line)
        _out(line)
    if any(line.startswith("!") for line in lines):
        sys.exit(1)


async def _backup(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import backup
    from bot.app import utc_now

    for line in await backup.backup(settings, utc_now(), arguments.folder):
        _out(line)


async def _restore(settings: Settings, arguments: argparse.Namespace) -> None:
    from bot import restore
    from bot.app import utc_now

    wish = restore.Wish(arguments.file, arguments.keys, arguments.replace, arguments.nothing_since,
                        arguments.ended, arguments.check)  # fmt: skip
    only_one = None if wish.only_check else _only_process(settings)
    try:
        for line in await restore.restore(settings, wish, utc_now()):
            _out(line)
    finally:
        if only_one is not None:
            only_one.close()


def _only_process(settings: Settings) -> IO[str] | None:
    """On SQLite only one bot may run; the lock is gone the moment its process is."""
    path = sqlite_path(settings.database_url)
    if path is None:
        return None
    try:
        path = path.resolve()  # the same file may have two names
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    except (OSError, RuntimeError) as error:  # the latter of a link that leads to itself
        raise SettingsError(
            f"ONECLOAK_DATABASE_URL leads to no place that can be written ({type(error).__name__})."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(f"another One Cloak is running on {path}; stop it first.") from None
    return lock


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    return stopping


def _heartbeat_file(settings: Settings) -> Path:
    path = sqlite_path(settings.database_url)
    return path.with_suffix(".alive") if path is not None else Path("data/onecloak.alive")


def _healthy(settings: Settings) -> bool:
    try:
        return time.time() - _heartbeat_file(settings).stat().st_mtime < HEALTHY_FOR
    except FileNotFoundError:
        return False


def _out(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # its reader has gone, as `head` goes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
