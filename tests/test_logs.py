"""The log says what happened and where, and never who, where they are, or what they said."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot import logs
from bot.adapters import GatewayFault, NotSent, Outgoing
from bot.health import Asking
from bot.logs import WITHHELD, Writer
from bot.metrics import Metrics
from handlers.contents import COMMANDS, Command
from handlers.context import Context
from handlers.messages import Inbound, Outbound
from storage.database import Database, Transaction
from storage.tables import Fact, Outbox
from tests.bot_api import MADE_UP, Fault
from tests.conversations.acts import photo_with_secrets
from tests.matrix_world import MatrixPlatform, matrix_world
from tests.synapse import PASSWORD, Synapse
from tests.world import TelegramPlatform, World, console_world, telegram_world

# Each of these is said, sent, shown or used in the day's story, in no text of ours.
TOKEN = MADE_UP
WORDS = ("Xylophonia", "insulin-for-Wilhelmina", "Quetzalstreet", "Zanzibarry", "rosebud-caption")
PLACE = (41.398712, 2.163498)


LIBRARIES = ("httpx", "httpcore", "telegram", "nio", "aiohttp", "asyncio", "peewee")


def kept_loggers() -> dict[str, int]:
    return {name: logging.getLogger(name).level for name in ("", *logs.OUR_OWN, *LIBRARIES)}


@dataclass
class Captured:
    """All lines that would be written, and beside them what an ordinary formatter would have shown."""

    ours: io.StringIO = field(default_factory=io.StringIO)
    ordinary: io.StringIO = field(default_factory=io.StringIO)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.ours.getvalue().splitlines()]

    def messages(self, logger: str) -> list[object]:
        return [line["message"] for line in self.lines() if line["logger"] == logger]


@pytest.fixture
def captured() -> Iterator[Captured]:
    """Everything is logged, libraries' debugging too, through what `onecloak run` writes with."""
    found, levels = Captured(), kept_loggers()
    root = logging.getLogger()
    handlers, hooks = root.handlers[:], (sys.excepthook, sys.unraisablehook, threading.excepthook)
    writer = logs.configure("all", "DEBUG", "json", found.ours)
    other = logging.StreamHandler(found.ordinary)
    other.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(other)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield found
    root.handlers[:] = handlers
    logging.captureWarnings(capture=False)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    writer.close()


class Telling:
    """A handler with a bug, whose error tells what it was about, as Python's own errors do."""

    def __call__(self, ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
        name = ctx.tx.open(ctx.person.key_id, "name", ctx.person.sealed_name or b"")
        try:
            return {"": list[Outbound]()}[f"{name} wants {argument}"]
        except KeyError as error:
            raise RuntimeError(f"no help for {name}: {argument}") from error


async def the_day(world: World) -> None:
    """A need with a place, an SOS, a picture, a bug, and words that reach nobody."""
    carla, ben = await world.coordinator("carlotta"), await world.volunteer("benedikt", place=PLACE)
    ana = world.person("anastasia")
    await ana.says(f"I need someone to fetch my {WORDS[1]}, I live in {WORDS[2]}")
    await ana.presses("Fetch medicine" if "Fetch medicine" in ana.inbox[-1].labels else "Yes")
    await ana.sends_place(*PLACE)
    await ben.presses("I can")
    await ana.says(f"thank you, ring at {WORDS[3]}")
    await ana.sends_photo(photo_with_secrets(), WORDS[4])
    await ana.presses("SOS")
    await ana.says(f"{WORDS[0]} has fallen")
    await carla.presses("I take it")
    await ana.says(f"/my {WORDS[0]} {WORDS[2]}")
    await ben.blocks_the_bot()
    await ana.says(f"are you there, {WORDS[0]}?")
    await world.forward(minutes=20)


def assert_silent(captured: Captured, secrets: list[str]) -> None:
    written = captured.ours.getvalue().casefold()
    told = [secret for secret in secrets if secret.casefold() in written]
    assert told == []


def secrets_of(world: World) -> list[str]:
    names = [friend.name for friend in world.people.values()]
    return [
        *WORDS,
        *names,
        *(str(number)[:7] for number in PLACE),
        TOKEN,
        TOKEN.split(":")[1],
        "SecretCamera",
    ]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "my", Command(Telling()))


async def test_a_whole_day_in_telegram_leaves_no_word_name_place_or_token_in_the_log(
    sqlite_database: Database, captured: Captured, failing: None
) -> None:
    async with telegram_world(sqlite_database) as world:
        platform = world.platform
        assert isinstance(platform, TelegramPlatform)
        api = platform.api
        for name in ("httpx", "httpcore", "telegram"):  # as if nobody had hushed them
            logging.getLogger(name).setLevel(logging.DEBUG)
        await the_day(world)
        eve = platform.person("evangeline")
        sender = {"id": eve.user_id, "is_bot": False, "first_name": "Evangeline"}
        message = {"message_id": 9, "date": 0, "from": sender, "chat": eve.chat, "text": [WORDS[0]]}
        api.update({"message": message})
        api.raw(WORDS[0])
        for fault in (Fault.REFUSED, Fault.PARSE, Fault.FLOOD, Fault.BAD_GATEWAY, Fault.RESET_AFTER):
            api.fault("sendMessage", fault)
            await world.person("anastasia").says(f"{WORDS[0]} {fault}")
        await world.forward(minutes=10)
        ids = [str(chat) for person in platform._names.values() for chat in (person.chat["id"],)]
        assert_silent(captured, [*secrets_of(world), "evangeline", "your words"])
        # Telegram's ids are short here, so they are looked for as whole words.
        written = captured.ours.getvalue().replace('"', " ").split()
        assert not set(ids) & set(written)

    assert "event 1" in captured.ours.getvalue() or captured.messages("bot.worker")
    errors = [line["error"] for line in captured.lines() if "error" in line]
    assert ["RuntimeError", "KeyError"] in errors
    ways = [str(line["way"]) for line in captured.lines() if "way" in line]
    assert any("tests/test_logs.py:" in way and "__call__" in way for way in ways)
    # What an ordinary formatter writes does tell it all: so the test above can fail.
    ordinary = captured.ordinary.getvalue()
    assert TOKEN in ordinary
    assert WORDS[0] in ordinary


async def test_a_whole_day_in_matrix_leaves_no_word_name_place_room_or_key_in_log_figure_or_fault(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path, captured: Captured, failing: None
) -> None:
    async with matrix_world(sqlite_database, synapse, tmp_path) as world:
        platform = world.platform
        assert isinstance(platform, MatrixPlatform)
        for name in ("nio", "aiohttp", "asyncio", "peewee"):  # as if nobody had hushed them
            logging.getLogger(name).setLevel(logging.DEBUG)
        await the_day(world)
        ana, room = await platform.member("anastasia")
        group = await ana.creates_group(f"{WORDS[0]} in {WORDS[2]}", [platform.bot_id])
        await ana.sends(room, {"msgtype": "m.text", "body": [WORDS[0]]})  # what no app sends
        await ana.sends_document(room, f"{WORDS[1]}.txt", WORDS[3].encode())
        await world.settle()
        faults = await _while_the_homeserver_is_away(world, synapse)
        await world.person("anastasia").says(f"{WORDS[0]} is better")
        await world.forward(minutes=10)

        exposed = await Metrics(world.app, Asking(sqlite_database), tmp_path, world.time).exposed()
        reasons = await sqlite_database.run(
            lambda tx: [str(each) for each in tx.session.scalars(sa.select(Outbox.reason).distinct())]
        )
        secrets = [*secrets_of(world), *secrets_of_matrix(platform), group, PASSWORD]
        assert len(faults) > 1
        assert len(set(reasons)) > 1, "something could not be sent"
        assert_silent(captured, secrets)
        for told in (*faults, *reasons, exposed.decode()):
            assert [each for each in secrets if each.casefold() in told.casefold()] == []

    assert ["RuntimeError", "KeyError"] in [line.get("error") for line in captured.lines()]
    ordinary = captured.ordinary.getvalue()
    assert WORDS[0] in ordinary
    assert any(each in ordinary for each in secrets_of_matrix(platform))


def secrets_of_matrix(platform: MatrixPlatform) -> list[str]:
    """Ids of people, rooms, devices and messages, and the tokens of all."""
    found = [*platform.chats.values(), *(event for _chat, event in platform.matrix.delivered)]
    for member in platform.members.values():
        account = member.account
        found += [account.user_id, account.user_id[1:].partition(":")[0], account.token, account.device_id]
    login = platform.matrix.keychain.get("login")
    return [*found, login["token"], login["device"]]


async def _while_the_homeserver_is_away(world: World, synapse: Synapse) -> list[str]:
    """Something is due to be sent and received meanwhile; gives what the faults say."""
    station, platform = world.app.stations[0], world.platform
    assert isinstance(platform, MatrixPlatform)
    reader = platform.members["anastasia"].user_id
    await synapse.stop()
    try:
        world.time.moment += timedelta(hours=2)
        await world.app.clock.run_once()
        await station.courier.run_once()
        with pytest.raises(GatewayFault) as receiving:
            await station.gateway.run_once()
        with pytest.raises((NotSent, GatewayFault)) as sending:
            await station.adapter.send(Outgoing(reader, WORDS[0], key="once more"))
    finally:
        await synapse.start()
    return [receiving.value.reason, *(f"{each.value!s} {each.value!r}" for each in (receiving, sending))]


async def test_a_whole_day_at_the_console_leaves_nothing_either(
    sqlite_database: Database, captured: Captured, failing: None
) -> None:
    async with console_world(sqlite_database) as world:
        await the_day(world)
        assert_silent(captured, secrets_of(world))
    assert ["RuntimeError", "KeyError"] in [line.get("error") for line in captured.lines()]
    assert WORDS[0] in captured.ordinary.getvalue()


async def test_no_error_of_the_database_tells_what_was_written(database: Database) -> None:
    def twice(tx: Transaction) -> None:
        tx.session.add_all([Fact(name="same", value=WORDS[0]), Fact(name="other", value=WORDS[1])])
        tx.session.flush()
        tx.session.expunge_all()
        tx.session.add(Fact(name="same", value=WORDS[2]))

    with pytest.raises(SQLAlchemyError) as raised:
        await database.run(twice)
    assert not any(word in str(raised.value) for word in WORDS)


# --- one line -----------------------------------------------------------------------------------------


def test_a_line_says_when_how_grave_who_logs_and_what_this_process_does(captured: Captured) -> None:
    logging.getLogger("bot.worker").warning("event %d is unreadable", 7)
    (line,) = captured.lines()
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "level": "warning", "role": "all", "logger": "bot.worker", "message": "event 7 is unreadable",
    }  # fmt: skip


def test_what_a_library_says_is_withheld_but_for_where_it_said_it(captured: Captured) -> None:
    logging.getLogger("some.library").error(f"no session for {WORDS[0]}")
    (line,) = captured.lines()
    assert line["message"] == WITHHELD
    assert str(line["at"]).startswith("tests/test_logs.py:")
    assert WORDS[0] not in captured.ours.getvalue()


def test_only_warnings_of_libraries_come_through_where_nobody_changes_the_levels() -> None:
    stream, levels = io.StringIO(), kept_loggers()
    root = logging.getLogger()
    handlers, hooks = root.handlers[:], (sys.excepthook, sys.unraisablehook, threading.excepthook)
    try:
        logs.configure("all", "DEBUG", "json", stream)
        logging.getLogger("some.library").info("hello")
        logging.getLogger("storage.outbox").debug("hello")
        logs.show("WARNING")
        logging.getLogger("bot.app").info("hello")
    finally:
        root.handlers[:] = handlers
        logging.captureWarnings(capture=False)
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    assert [json.loads(line)["logger"] for line in stream.getvalue().splitlines()] == ["storage.outbox"]


def test_in_a_terminal_the_same_fields_are_read_as_pairs() -> None:
    record = logging.LogRecord("bot.app", logging.INFO, __file__, 1, 'it "runs"\non %s', ("two",), None)
    record.created = 0.0
    shown = logs.Lines("worker", json=False).format(record)
    assert shown == (
        'time=1970-01-01T00:00:00.000Z level=info role=worker logger=bot.app message="it \\"runs\\"\\non two"'
    )


def test_errors_that_nobody_catches_are_lines_too(captured: Captured) -> None:
    error = OperationalError(f"INSERT {WORDS[0]}", None, Exception(WORDS[1]))
    group = ExceptionGroup(WORDS[2], [error, ValueError(WORDS[3])])
    sys.excepthook(type(group), group, None)
    thread = threading.Thread(target=lambda: int(WORDS[4]))
    thread.start()
    thread.join()
    uncaught, in_thread = captured.lines()
    assert uncaught["error"] == ["ExceptionGroup", "sqlalchemy.exc.OperationalError", "ValueError"]
    assert in_thread["error"] == ["ValueError"]
    assert not any(word in captured.ours.getvalue() for word in WORDS)


def test_a_warning_of_python_is_withheld(captured: Captured) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(WORDS[0], stacklevel=1)
    assert captured.messages("py.warnings") == [WITHHELD]


def test_a_line_that_cannot_be_made_does_not_show_its_arguments(captured: Captured) -> None:
    writer = logging.getLogger().handlers[0]
    assert isinstance(writer, Writer)
    writer.handle(logging.LogRecord("bot.app", logging.ERROR, __file__, 1, "%d", (WORDS[0],), None))
    assert captured.ours.getvalue() == "a line of bot.app could not be written (TypeError)\n"
