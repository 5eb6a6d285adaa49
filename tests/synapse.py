"""A real Matrix homeserver on loopback: Synapse as a process of our own, with everything in one folder.

async with Synapse(folder) as synapse:
    account = await synapse.register("ana")
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

SERVER_NAME = "cloak.test"
PASSWORD = "of everyone in tests"
# What Synapse itself would use: for tests of how the bot behaves when it is told to slow down.
STRICT: dict[str, Any] = {
    "rc_message": {"per_second": 0.2, "burst_count": 10},
    "rc_room_creation": {"per_second": 0.016, "burst_count": 10},
    "rc_invites": {"per_room": {"per_second": 0.3, "burst_count": 10}},
}

_SECRET = "only for accounts that tests make"
_START_SECONDS = 60
_STOP_SECONDS = 10

# The server ends when its standard input closes. That happens even if the tests are killed, so none is left.
_LAUNCHER = """
import os, runpy, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
"""


class Refused(Exception):
    """The homeserver answered with an error."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('errcode')} {body.get('error')}")
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Account:
    """Somebody's account, with a device that is logged in."""

    user_id: str
    password: str
    device_id: str
    token: str


class Synapse:
    """The homeserver; it keeps its address and its folder when it is stopped and started again."""

    def __init__(self, folder: Path, limits: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.port = _free_port()
        self.start_seconds = 0.0  # how long the last start took
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Account | None = None
        folder.mkdir(parents=True, exist_ok=True)
        config = _config(folder, self.port) | _no_limits() | (limits or {})
        _write(folder / "homeserver.yaml", json.dumps(config))  # JSON is YAML
        _write(folder / "log.yaml", json.dumps(_log_config(folder)))
        _write(folder / "signing.key", _signing_key())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def user_id(self, name: str) -> str:
        return f"@{name}:{SERVER_NAME}"

    # --- the process ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start, and wait until it answers."""
        assert self._process is None, "it runs"
        began = time.monotonic()
        self._process = self._launch()
        try:
            await asyncio.wait_for(self._answers(self._process), _START_SECONDS)
        except BaseException:
            await self.stop()
            raise
        self.start_seconds = time.monotonic() - began

    async def stop(self) -> None:
        """End it: politely, and after a while without asking."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        finally:
            process.stdin.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _launch(self) -> subprocess.Popen[bytes]:
        # Not asyncio's own processes: one server serves tests that have a loop each.
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-c", _LAUNCHER, "--config-path", "homeserver.yaml"],
                cwd=self.folder, stdin=subprocess.PIPE, stdout=output, stderr=output,
            )  # fmt: skip

    async def _answers(self, process: subprocess.Popen[bytes]) -> None:
        async with aiohttp.ClientSession() as session:
            while process.poll() is None:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.get(f"{self.url}/_matrix/client/versions") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)
        raise RuntimeError(f"Synapse ended: {self.log()[-2000:]}")

    def log(self) -> str:
        """What it complained about."""
        files = [self.folder / "output.txt", self.folder / "synapse.log"]
        return "".join(each.read_text() for each in files if each.exists())

    # --- accounts ---------------------------------------------------------------------------------

    async def register(self, name: str, password: str = PASSWORD, admin: bool = False) -> Account:
        """A new account; anyone may have one, but an administrator needs the shared secret."""
        if admin:
            body = await self._register_admin(name, password)
        else:
            auth = {"type": "m.login.dummy"}
            asked = {"username": name, "password": password, "auth": auth}
            body = await self.call("POST", "/_matrix/client/v3/register", asked)
        return _account(body, password)

    async def login(self, name: str, password: str = PASSWORD) -> Account:
        """One more device of an account."""
        asked = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": password,
        }
        return _account(await self.call("POST", "/_matrix/client/v3/login", asked), password)

    async def revoke(self, token: str) -> None:
        """Make a token useless, and with it its device."""
        await self.call("POST", "/_matrix/client/v3/logout", {}, token)

    async def admin_token(self) -> str:
        """The token of an administrator, who is made when first asked for."""
        if self._admin is None:
            self._admin = await self.register("admin", admin=True)
        return self._admin.token

    async def unlimited(self, user_id: str) -> None:
        """Let someone send as fast as they like, as an operator does for a bot."""
        path = f"/_synapse/admin/v1/users/{user_id}/override_ratelimit"
        await self.call("POST", path, {"messages_per_second": 0, "burst_count": 0}, await self.admin_token())

    async def _register_admin(self, name: str, password: str) -> dict[str, Any]:
        path = "/_synapse/admin/v1/register"
        nonce = (await self.call("GET", path))["nonce"]
        signed = "\0".join((nonce, name, password, "admin")).encode()
        mac = hmac.new(_SECRET.encode(), signed, hashlib.sha1).hexdigest()
        asked = {"nonce": nonce, "username": name, "password": password, "admin": True, "mac": mac}
        return await self.call("POST", path, asked)

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> dict[str, Any]:
        """Any request; gives the JSON of the answer, or raises `Refused`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession(self.url) as session,
            session.request(method, path, json=body, headers=headers) as answer,
        ):
            result: dict[str, Any] = await answer.json(content_type=None)
            if answer.status != 200:
                raise Refused(answer.status, result)
            return result


def _account(body: dict[str, Any], password: str) -> Account:
    return Account(body["user_id"], password, body["device_id"], body["access_token"])


def _config(folder: Path, port: int) -> dict[str, Any]:
    listener = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "resources": [{"names": ["client"], "compress": False}],
    }
    return {
        "server_name": SERVER_NAME,
        "public_baseurl": f"http://127.0.0.1:{port}/",
        "pid_file": str(folder / "synapse.pid"),
        "signing_key_path": str(folder / "signing.key"),
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "database": {"name": "sqlite3", "args": {"database": str(folder / "synapse.db")}},
        "listeners": [listener],
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "registration_shared_secret": _SECRET,
        "macaroon_secret_key": _SECRET,
        "bcrypt_rounds": 4,
        "report_stats": False,
        "caches": {"sync_response_cache_duration": 0},
        "presence": {"enabled": False},
        # It speaks with nobody, and does nothing that no test looks at.
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "push": {"enabled": False},
        "user_directory": {"enabled": False},
        "url_preview_enabled": False,
    }


def _no_limits() -> dict[str, Any]:
    """Every limit of the server, too high to be met."""
    free = {"per_second": 100_000, "burst_count": 100_000}
    flat = (
        "rc_message", "rc_registration", "rc_registration_token_validity", "rc_joins_per_room",
        "rc_key_requests", "rc_3pid_validation", "rc_third_party_invite", "rc_media_create",
        "rc_room_creation", "rc_reports", "rc_user_directory", "rc_profile", "rc_delayed_event_mgmt",
    )  # fmt: skip
    return dict.fromkeys(flat, free) | {
        "rc_login": {"address": free, "account": free, "failed_attempts": free},
        "rc_joins": {"local": free, "remote": free},
        "rc_invites": {"per_room": free, "per_user": free, "per_issuer": free},
    }


def _log_config(folder: Path) -> dict[str, Any]:
    file = {"class": "logging.FileHandler", "filename": str(folder / "synapse.log")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"file": file},
        "root": {"level": "WARNING", "handlers": ["file"]},
    }


def _signing_key() -> str:
    """A new key in Synapse's own notation."""
    return f"ed25519 a_test {base64.b64encode(os.urandom(32)).decode().rstrip('=')}\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _free_port() -> int:
    """A port that the system gives to nobody by itself.

    From the range that it does give, a stopped server's port could be taken by the client that looks for it.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
