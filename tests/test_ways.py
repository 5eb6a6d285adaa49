"""A command and a web address as ways out of the chats: what they are given, and what counts as failed."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.outside import WayFailed
from bot.ways import Command, Webhook, hush

BODY = b'{"reference":"A-7K3Q"}'


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


async def test_a_command_is_given_the_alert_on_its_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And neither a shell nor our own secrets."""
    monkeypatch.setenv("ONECLOAK_MASTER_KEY", "secret")
    monkeypatch.setenv("GATEWAY", "sms")
    out = tmp_path / "out"
    code = (
        f"import os, sys; open({str(out)!r}, 'w').write(sys.stdin.read() + sys.argv[1] + "
        "os.environ.get('ONECLOAK_MASTER_KEY', 'no key') + os.environ['GATEWAY'])"
    )
    await Command(f"{python(code)} '$HOME; echo'").call(BODY)
    assert out.read_text() == BODY.decode() + "$HOME; echo" + "no key" + "sms"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (python("raise SystemExit(3)"), "ended with 3"),
        ("/no/such/program", "can't be run (FileNotFoundError)"),
        ("''", "can't be run"),
        ("/", "can't be run (PermissionError)"),
    ],
)
async def test_a_command_that_fails_says_why(command: str, reason: str) -> None:
    with pytest.raises(WayFailed) as failure:
        await Command(command).call(BODY)
    assert reason in str(failure.value)


async def test_a_command_that_hangs_is_ended_with_all_it_has_started(tmp_path: Path) -> None:
    held = tmp_path / "held"
    code = (
        f"import fcntl, subprocess, sys, time; file = open({str(held)!r}, 'w'); "
        "fcntl.flock(file, fcntl.LOCK_EX); "
        "file.write('yes'); file.flush(); "
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], pass_fds=[file.fileno()]); "
        "time.sleep(60)"
    )
    with pytest.raises(WayFailed, match="the command took longer than 2 seconds"):
        await Command(python(code), patience=2).call(BODY)
    assert held.read_text() == "yes"
    with held.open() as file:  # it is free once none of them lives
        await asyncio.wait_for(asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX), 10)


async def test_a_command_that_reads_nothing_has_succeeded_all_the_same() -> None:
    await Command(python("pass")).call(BODY * 10_000)


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, list[tuple[str, bytes]]]]:
    """A web address that keeps what is written to it and answers with the status in its path."""
    heard: list[tuple[str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append((request.content_type, await request.read()))
        status = int(request.match_info["status"])
        if status == 0:
            await asyncio.sleep(5)
        return web.Response(status=status or 200)

    app = web.Application()
    app.router.add_post("/{status}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{port}", heard
    await runner.cleanup()


async def test_a_web_address_is_given_the_alert(address: tuple[str, list[tuple[str, bytes]]]) -> None:
    url, heard = address
    await Webhook(f"{url}/204").call(BODY)
    assert heard == [("application/json", BODY)]


@pytest.mark.parametrize(
    ("path", "reason"), [("/500", "answered 500"), ("/302", "answered 302"), ("/0", "can't be reached")]
)
async def test_a_web_address_that_fails_says_why_and_does_not_name_itself(
    address: tuple[str, list[tuple[str, bytes]]], path: str, reason: str
) -> None:
    url, _heard = address
    with pytest.raises(WayFailed) as failure:
        await Webhook(f"{url}{path}?key=secret", patience=0.5).call(BODY)
    assert reason in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://[::1/x", "ftp://127.0.0.1/x"])
async def test_a_web_address_that_is_not_there(url: str) -> None:
    with pytest.raises(WayFailed, match="can't be reached"):
        await Webhook(url, patience=2).call(BODY)


async def test_the_address_stays_out_of_the_log(
    address: tuple[str, list[tuple[str, bytes]]], caplog: pytest.LogCaptureFixture
) -> None:
    hush()
    url, _heard = address
    with caplog.at_level(logging.DEBUG):
        await Webhook(f"{url}/200?key=secret").call(BODY)
    ours = [each for each in caplog.records if each.name != "aiohttp.access"]
    assert not any("secret" in each.getMessage() for each in ours)
