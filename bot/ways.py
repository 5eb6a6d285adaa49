"""The ways on which an operator can be told outside the chats: a command of theirs, a web address.

Each is given the same JSON, on its standard input or as the body of a POST; docs/escalation.md shows it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import signal
from contextlib import suppress
from dataclasses import dataclass

import httpx

from bot.outside import WayFailed

PATIENCE = 30.0  # seconds
OUR_OWN = "ONECLOAK_"  # variables that a command must not see: the master key is one


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the operator's, run without a shell; it has succeeded when it ends with 0."""

    line: str
    patience: float = PATIENCE

    async def call(self, body: bytes) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OUR_OWN)}
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(self.line), stdin=asyncio.subprocess.PIPE, stdout=nowhere, stderr=nowhere,
                env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise WayFailed(f"the command can't be run ({type(error).__name__})") from None
        try:
            await asyncio.wait_for(process.communicate(body), self.patience)
        except TimeoutError:
            raise WayFailed(f"the command took longer than {self.patience:g} seconds") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):  # it has ended just now
                    os.killpg(process.pid, signal.SIGKILL)  # and what it has started
                await process.wait()
        if process.returncode != 0:
            raise WayFailed(f"the command ended with {process.returncode}")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A web address of the operator's; it has succeeded when the answer is a 2xx."""

    address: str
    patience: float = PATIENCE

    async def call(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(self.patience), httpx.AsyncClient(timeout=self.patience) as client:
                answer = await client.post(self.address, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise WayFailed(f"the web address can't be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise WayFailed(f"the web address answered {answer.status_code}")


def hush() -> None:
    """Keep the web address, which may bear a password, out of the library's log."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
