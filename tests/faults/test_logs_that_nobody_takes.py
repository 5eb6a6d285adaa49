"""The log's reader stops reading, or is gone: lines are lost, and never a message, a moment or the bot."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

import pytest

from bot.app import App
from bot.logs import Lines, Writer
from tests.world import World

LINES = 2_000  # more than any pipe holds


@dataclass
class Pipe:
    reader: int
    stream: TextIO

    def read(self) -> str:
        os.set_blocking(self.reader, False)
        read = b""
        with suppress(BlockingIOError):
            while some := os.read(self.reader, 65_536):
                read += some
        return read.decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    yield Pipe(reader, stream)
    for close in (stream.close, lambda: os.close(reader)):
        with suppress(OSError):
            close()


@pytest.fixture
def log(pipe: Pipe) -> logging.Logger:
    writer = Writer(pipe.stream)
    writer.setFormatter(Lines("all", json=True))
    log = logging.Logger("bot.of_this_test")
    log.addHandler(writer)
    return log


def test_a_pipe_that_nobody_reads_holds_up_nothing_and_what_was_lost_is_said(
    pipe: Pipe, log: logging.Logger
) -> None:
    """Where a write waits for the reader, the whole bot does: this test would have no end."""
    for number in range(LINES):
        log.error("line %d", number)
    assert "line 0" in pipe.read()
    log.error("it reads again")
    lost, again = pipe.read().splitlines()
    assert "lines before this one were lost" in lost
    assert int(lost.split()[0]) > 100
    assert "it reads again" in again


def test_a_pipe_whose_reader_is_gone_fails_nothing(pipe: Pipe, log: logging.Logger) -> None:
    os.close(pipe.reader)
    for number in range(10):
        log.error("line %d", number)
        log.error("%d", "no number")


def test_a_stream_that_was_closed_fails_nothing(pipe: Pipe, log: logging.Logger) -> None:
    pipe.stream.close()
    log.error("a line")


async def test_a_loop_whose_failure_cannot_even_be_logged_goes_on(
    world: World, pipe: Pipe, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.close(pipe.reader)
    monkeypatch.setattr("bot.loops.log", log)
    assert isinstance(world.app, App)
    world.app.loops.failed("worker", RuntimeError("a failure"))
    await world.person("ana").says("hello")
    world.person("ana").hears("this is One Cloak")


def test_what_is_no_file_is_written_to_as_before() -> None:
    shown = io.StringIO()
    writer = Writer(shown)
    writer.setFormatter(Lines("all", json=True))
    writer.emit(logging.LogRecord("bot.app", logging.ERROR, "", 1, "a line", (), None))
    assert "a line" in shown.getvalue()
