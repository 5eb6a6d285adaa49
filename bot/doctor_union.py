"""What the doctor sees of the union: whom to call, who can be told, which words were read by whom."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from bot.settings import PREFIX, Settings
from bot.setup import LOCALES
from handlers.emergency import load_table, numbers_for, to_call
from handlers.readiness import ENOUGH, TEST_HOLDS
from storage import people, readiness
from storage.database import Database, Transaction
from storage.tables import NamedPlace, Person

REVIEWED = re.compile(r"^# Reviewed by a native speaker: *(\w+)", re.MULTILINE)
SECONDS_TO_ANSWER = 10.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database knows that the doctor asks for."""

    coordinators: int  # who can be reached
    languages: frozenset[str]  # that people use
    untested: tuple[str, ...]  # ways outside the chats
    has_places: bool


async def examine(settings: Settings, database: Database | None, now: datetime) -> AsyncIterator[str]:
    """database: None where there is none that can be used yet."""
    yield _number(settings)
    if not settings.time_zone:
        yield f"note Time zone: {PREFIX}TIME_ZONE is not set, so nobody's night is known and kept quiet."
    else:
        yield f"ok Time zone: {settings.time_zone}."
    kept = await database.run(lambda tx: _kept(tx, settings, now)) if database is not None else None
    if kept is not None:
        yield _coordinators(kept.coordinators)
        if settings.country and not kept.has_places:
            yield "note Places: none is known by name: `onecloak places load` reads them in."
    yield _phrases({settings.language} | (kept.languages if kept else frozenset()), settings.locales_folder)
    for line in _ways(settings, kept.untested if kept else settings.outside_ways()):
        yield line
    yield await _sign_of_life(settings.alive_url)


def _kept(tx: Transaction, settings: Settings, now: datetime) -> Kept:
    tried = {way: readiness.last_outside_test(tx, way) for way in settings.outside_ways()}
    return Kept(
        coordinators=len(people.coordinators(tx)),
        languages=frozenset(tx.session.scalars(sa.select(Person.language).distinct())),
        untested=tuple(way for way, at in tried.items() if at is None or now - at >= TEST_HOLDS),
        has_places=tx.session.scalar(sa.select(NamedPlace.id).limit(1)) is not None,
    )


def _number(settings: Settings) -> str:
    found = to_call(numbers_for(settings.country, load_table()), "other", settings.emergency_number)
    if not settings.country and found is None:
        return (
            f"! Emergency number: {PREFIX}COUNTRY is not set, so people in danger are told none. "
            "Set it, two letters such as ES."
        )
    if found is None:
        return (
            f"! Emergency number: none is known for {settings.country}. Set {PREFIX}EMERGENCY_NUMBER "
            "to the one to call."
        )
    if not found.sure:
        return (
            f"note Emergency number: {found.number} for {settings.country}, but sources disagree. Ask "
            f"your control room, and set {PREFIX}EMERGENCY_NUMBER (docs/emergency.md)."
        )
    return f"ok Emergency number: {found.number}."


def _coordinators(count: int) -> str:
    if count >= ENOUGH:
        return f"ok Coordinators: {count} can be reached."
    return (
        f"! Coordinators: {count} can be reached, {ENOUGH} or more are needed: one may be asleep. "
        "`onecloak code coordinator` lets one in."
    )


# --- words --------------------------------------------------------------------------------------------


def unreviewed(languages: Iterable[str], folders: Iterable[Path]) -> list[str]:
    """The languages of whose crisis phrases no file says that a native speaker has read it."""
    return sorted(each for each in languages if not any(_is_reviewed(folder / each) for folder in folders))


def _is_reviewed(folder: Path) -> bool:
    path = folder / "crisis.toml"
    found = REVIEWED.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found is not None and found[1].casefold() != "no"


def _phrases(languages: Iterable[str], own: Path | None) -> str:
    folders = [LOCALES, *([own] if own is not None else [])]
    found = unreviewed(languages, folders)
    if not found:
        return "ok Words: native speakers have read the crisis phrases of the languages that are used."
    return (
        f"note Words: no native speaker has read the crisis phrases of {', '.join(found)}. Have yours read "
        f"locales/<language>/crisis.toml, and put what they say into {PREFIX}LOCALES_FOLDER (docs/words.md)."
    )


# --- the ways out -------------------------------------------------------------------------------------


def _ways(settings: Settings, untested: Iterable[str]) -> Iterator[str]:
    if not settings.outside_ways():
        yield (
            "note Second way out: there is none, so nobody hears of an alert while the chats are down. Set "
            f"{PREFIX}OUTSIDE_COMMAND or {PREFIX}OUTSIDE_WEBHOOK (docs/escalation.md)."
        )
        return
    program = next(iter(shlex.split(settings.outside_command)), "")
    if program and shutil.which(program) is None:
        yield f"! Second way out: the program of {PREFIX}OUTSIDE_COMMAND is not there or can't be run."
    missing = set(untested)
    for way in settings.outside_ways():
        if way in missing:
            yield f"note Second way out: the {way} was not tried lately: a coordinator's /drill tries it."
        else:
            yield f"ok Second way out: the {way} was tried and works."


async def _sign_of_life(address: str) -> str:
    """Only whether somebody listens there: a visit would count as a sign that all is well."""
    if not address:
        return f"note Sign of life: {PREFIX}ALIVE_URL is not set, so nobody notices if this machine dies."
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            _reader, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError) as error:
        return (
            f"! Sign of life: nobody answers at {PREFIX}ALIVE_URL ({type(error).__name__}): is the address "
            "right, and may this machine reach it?"
        )
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return "ok Sign of life: somebody listens at its address."
