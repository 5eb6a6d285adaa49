"""What stands between the bot and a platform: nothing at all, a page to log in at, a drip without an end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bot.adapters import GatewayFault
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_wire import MatrixError
from bot.adapters.reaching import why
from bot.adapters.telegram import Telegram
from bot.keychain import Keychain
from storage.database import Database
from tests.bot_api import BotApi
from tests.faults.hasty import account, outcomes
from tests.faults.hosts import Silence, _carry
from tests.faults.matrix_tools import RunningClock, until
from tests.world import TelegramPlatform, compose

LOOPBACK = "127.0.0.1"
PAGE = b"<html><body>Please log in to this network</body></html>"
WHILE = 4  # seconds


def page(status: bytes) -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "
    return head + str(len(PAGE)).encode() + b"\r\n\r\n" + PAGE


ANSWERS = {
    "a page to log in at": page(b"200 OK"),
    "a page that forbids": page(b"403 Forbidden"),
    "a page that finds nothing": page(b"404 Not Found"),
    "something that is no HTTP": b"\x15\x03\x01\x00\x02\x02\x28",
    "nothing": b"",
}


@asynccontextmanager
async def serving(
    enters: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A port at which everyone who comes is served by `enters`; nothing of it outlives the story."""
    inside: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        inside.add(task)
        try:
            with suppress(OSError):
                await enters(reader, writer)
        finally:
            writer.transport.abort()
            inside.discard(task)

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in inside:
            task.cancel()
        await asyncio.gather(*inside, return_exceptions=True)
        await asyncio.sleep(0.05)  # what was aborted is closed in the next rounds of the loop


class Front:
    """A port before the Bot API that leads there, or answers by itself."""

    def __init__(self, port: int) -> None:
        self.answer: bytes | None = None
        self.broken = asyncio.Event()
        self._port = port

    async def enters(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.answer is not None:
            await reader.read(65_536)
            writer.write(self.answer)
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._port)
        ways: list[asyncio.Task[Any]] = [
            asyncio.create_task(_carry(reader, far_writer, Silence())),
            asyncio.create_task(_carry(far_reader, writer, Silence())),
            asyncio.create_task(self.broken.wait()),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ways:
                each.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(each, marks=pytest.mark.faults) if each == "a page that finds nothing" else each
        for each in ANSWERS  # by that one the token seems wrong: asked again in half a minute
    ],
)
async def test_what_a_network_answers_in_telegrams_place_is_believed_by_nobody(
    sqlite_database: Database, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is taken for gone, nothing is lost, and the log does not overflow."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(BotApi())
        front = Front(int(api.base_url.split(":")[2].partition("/")[0]))
        port = await stack.enter_async_context(serving(front.enters))
        platform = TelegramPlatform(api)
        platform.adapter = Telegram(
            api.token, f"http://{LOOPBACK}:{port}/bot", poll_seconds=0, pace=None, answer_seconds=2
        )
        world = compose(sqlite_database, platform, time=RunningClock())
        stopping = asyncio.Event()
        task = asyncio.create_task(world.app.run(stopping))
        await platform.says("ana", "hello")
        await until(lambda: account(world, "ana").heard)
        front.answer = ANSWERS[what]
        front.broken.set()
        for name in ("ana", "ben"):
            await platform.says(name, "/my")
        await asyncio.sleep(WHILE)
        front.answer = None
        front.broken.clear()
        await until(lambda: account(world, "ben").heard and len(account(world, "ana").heard) == 2)
        await until(lambda: _all_are_handled(sqlite_database, 3))
        stopping.set()
        await asyncio.wait_for(task, 30)
    told = [each for each in caplog.records if each.name in ("bot.app", "bot.loops")]
    assert len(told) < 5, [each.getMessage() for each in told]


async def _all_are_handled(database: Database, count: int) -> bool:
    return await outcomes(database) == {"handled": count}


# --- a name, a certificate ------------------------------------------------------------------------------


@asynccontextmanager
async def unvouched(folder: Path) -> AsyncIterator[str]:
    """An address whose certificate nobody vouches for."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    now, secret = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    signed = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), LOOPBACK, 0, ssl=context)
    try:
        yield f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("where", "cause"),
    [
        ("unvouched", "its certificate is not accepted: see the clock of this machine"),
        ("http://onecloak.invalid", "its name is not found: see the address, and the name server"),
        (f"http://{LOOPBACK}:1", "nothing listens there: see the address"),
    ],
)
async def test_the_operator_hears_why_a_platform_is_not_reached_and_what_to_see_to(
    sqlite_database: Database, tmp_path: Path, where: str, cause: str
) -> None:
    keychain = Keychain(sqlite_database, "matrix", lambda: datetime(2026, 3, 2, tzinfo=UTC))
    await keychain.load()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(unvouched(tmp_path)) if where == "unvouched" else where
        telegram = Telegram("1:token", f"{address}/bot", poll_seconds=0, pace=None, answer_seconds=5)
        with pytest.raises(GatewayFault, match="Telegram cannot be reached") as fault:
            await telegram.start()
        await telegram.stop()
        assert cause in fault.value.reason
        assert not fault.value.fatal
        client = Client(address, keychain, lambda: datetime(2026, 3, 2, tzinfo=UTC))
        stack.push_async_callback(client.close)
        with pytest.raises(MatrixError, match="the homeserver cannot be reached") as error:
            await client.call("GET", "/sync?timeout=0", seconds=5)
        assert cause in error.value.reason


def test_of_a_host_with_two_addresses_the_cause_of_one_is_told() -> None:
    both = ExceptionGroup("all attempts failed", [ConnectionRefusedError(), ConnectionRefusedError()])
    wrapped = OSError("all attempts failed")
    wrapped.__cause__ = both
    assert why(wrapped) == "nothing listens there: see the address"


# --- a homeserver ---------------------------------------------------------------------------------------


@asynccontextmanager
async def a_dripping_homeserver() -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """It answers a letter at a time without an end; then, when it is told, in order."""
    mended = asyncio.Event()

    async def enters(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        if mended.is_set():
            body = b'{"next_batch": "s1"}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(enters) as port:
        yield f"http://{LOOPBACK}:{port}", mended.set


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/sync?timeout=0"), ("PUT", "/rooms/r/send/m.room.message/1"), ("POST", "/keys/query")],
)
async def test_a_homeserver_that_answers_a_letter_at_a_time_is_given_up_and_asked_anew(
    sqlite_database: Database, method: str, path: str
) -> None:
    keychain = Keychain(sqlite_database, "matrix", lambda: datetime(2026, 3, 2, tzinfo=UTC))
    await keychain.load()
    async with a_dripping_homeserver() as (address, mend):
        client = Client(address, keychain, lambda: datetime(2026, 3, 2, tzinfo=UTC))
        try:
            with pytest.raises(MatrixError, match="cannot be reached"):
                async with asyncio.timeout(10):
                    await client.call(method, path, None if method == "GET" else {}, seconds=0.5)
            mend()
            assert await client.call(method, path, None if method == "GET" else {}) == {"next_batch": "s1"}
        finally:
            await client.close()
