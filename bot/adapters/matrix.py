"""Matrix, through matrix-nio: its encryption and its reading of rooms, on our own inbox, outbox and keys."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any

from nio import MatrixRoom
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from nio.exceptions import EncryptionError, GroupEncryptionError, LocalProtocolError

from bot.adapters import File, GatewayFault, NotSent, Outgoing, Pace, RawEvent, Refused
from bot.adapters.matrix_client import Client
from bot.adapters.matrix_events import ENCRYPTED, MESSAGE, report
from bot.adapters.matrix_forgetting import Forgetting
from bot.adapters.matrix_keys import ACCOUNT
from bot.adapters.matrix_login import KEYS_LOST, RESEND, Credentials, log_in
from bot.adapters.matrix_manners import Manners, Profile
from bot.adapters.matrix_pace import Allowance
from bot.adapters.matrix_reading import Reader
from bot.adapters.matrix_rooms import AT_ONCE, Rooms
from bot.adapters.matrix_signing import Identity
from bot.adapters.matrix_sync import Receiver
from bot.adapters.matrix_text import edit, pieces
from bot.adapters.matrix_wire import TOKEN_REFUSED, MatrixError, gateway_fault, hush, outcome, quoted
from bot.doorkeeper import Doorkeeper
from bot.keychain import Keychain
from handlers.messages import Kind

log = logging.getLogger(__name__)


class Matrix:
    """One Matrix account, on one device at a time."""

    platform = "matrix"
    pace: Pace | None = None  # a homeserver says itself when it is too fast
    repeats_safely = True  # a transaction id seen before is the same event (spec, "Transaction identifiers")

    def __init__(
        self,
        homeserver: str,
        credentials: Credentials,
        keychain: Keychain,
        doorkeeper: Doorkeeper,
        now: Callable[[], datetime],
        profile: Profile | None = None,
        commands: Collection[str] = (),
        poll_seconds: float = 30,
    ) -> None:
        self.keychain = keychain
        self.client: Client | None = None
        self._homeserver = homeserver.rstrip("/")
        self._credentials = credentials
        self._doorkeeper = doorkeeper
        self._now = now
        self._profile = profile or Profile()
        self._commands = commands
        self._poll_seconds = poll_seconds
        self._allowance = Allowance()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tending = asyncio.Lock()
        self._shut_out = False

    # --- the connection -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Log in as the kept device or as a new one, signed by its owner; raises GatewayFault."""
        hush()
        await self.stop()
        await self.keychain.load()
        self.client = client = Client(self._homeserver, self.keychain, self._now)
        self._manners = Manners(client, self._allowance, self._now)
        identity: Identity | None = None
        try:
            identity = self._identity = await log_in(client, self._credentials)
        except MatrixError as error:
            raise gateway_fault(error) from None
        finally:
            if identity is None:  # nothing is sent over half a connection
                await self.stop()
        names = [client.user_id, client.user_id[1:].partition(":")[0], self._profile.name]
        self._rooms = Rooms(client, self._doorkeeper, self._now)
        self._forgetting = Forgetting(client, self._rooms, self._doorkeeper, self._now)
        reader = Reader(client, self._rooms, self._now, names)
        self._receiver = Receiver(client, self._rooms, reader, self._now)
        self._shut_out = False
        self._manners.introduce(self._profile)

    async def stop(self) -> None:
        """Close the connection; what was only politeness is left undone."""
        if self.client is not None:
            await self._manners.stop()
            await self.client.close()
        self.client = None

    def _connected(self) -> Client:
        if self.client is None:
            raise NotSent("Matrix is not connected")
        return self.client

    # --- receiving ------------------------------------------------------------------------------------------

    async def receive(self, cursor: str | None) -> tuple[list[RawEvent], str | None]:
        """Wait for what is new; raises GatewayFault. It is kept with the keys that opened it."""
        if self.client is None or self.keychain.get(ACCOUNT) is None:
            await self.start()
        client = self._connected()
        self.keychain.discard()  # of events that were not kept
        events = []
        if (device := self.keychain.get(RESEND)) is not None:
            self.keychain.stage(RESEND, None)
            events.append(report(Kind.RESEND, f"resend:{device}", "", "", platform=self.platform))
        try:
            await self._keep_keys(client)
            self._manners.politely(self._tend())
            found, since = await self._receiver.receive(cursor, 0 if events else self._poll_seconds)
        except MatrixError as error:
            self._shut_out = self._shut_out or error.token_is_gone
            raise gateway_fault(error) from None
        self._shut_out = False
        return [*events, *found], since

    async def _keep_keys(self, client: Client) -> None:
        """Keep the homeserver supplied with keys; where it refuses, the account must hear all the same."""
        try:
            await client.upload_keys(self._identity.sign_device)
            await client.send_key_messages()
        except MatrixError as error:
            if error.token_is_gone or not 400 <= error.status < 500:
                raise
            log.error("the homeserver does not take the bot's keys: %s", error.reason)
            if error.status == 400 and client.should_upload_keys:
                # It knows others under the same names: ours are an older copy, and must not speak again.
                self.keychain.drop(ACCOUNT)
                await self.keychain.save()
                raise GatewayFault(KEYS_LOST) from None

    async def _tend(self) -> None:
        """Come and go, beside receiving: one room that can't be joined or left must not make us deaf."""
        if not self._tending.locked():
            async with self._tending:
                await self._rooms.tend()
                await self._forgetting.tend()

    async def accepted(self, events: list[RawEvent]) -> None:
        """Show that the messages were read and that an answer is being written."""
        self._manners.read(events)

    # --- sending --------------------------------------------------------------------------------------------

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        """Send, change in place or take back; raises NotSent or Refused. A repeat is the same event."""
        self._connected()
        if self._shut_out:  # a refused login is tried again by `receive` only
            raise NotSent(TOKEN_REFUSED)
        self._allowance.sends(self._now())
        try:
            return await self._send(message)
        except MatrixError as error:
            self._shut_out = self._shut_out or error.token_is_gone
            if error.wait is not None:
                self._allowance.refused(self._now(), error.wait)
            raise outcome(error) from None
        except (GroupEncryptionError, LocalProtocolError) as error:  # a member came or went just now
            raise NotSent(f"the message could not be encrypted ({type(error).__name__})") from None

    async def _send(self, message: Outgoing) -> tuple[str, ...]:
        taken_back = (*message.retracts, message.edits) if message.withdraws else message.retracts
        for number, event_id in enumerate(filter(None, taken_back)):
            try:
                await self._anywhere(message, partial(self._retract, event_id, number))
            except MatrixError as error:
                if error.status != 404:  # it is gone already
                    raise
        if message.edits and not message.withdraws:
            return await self._anywhere(message, self._edit)
        if taken_back and not (message.text or message.title):
            return ()
        room = await self._room(message)
        async with self._locks[room.room_id]:
            sent = await self._put_all(room, message)
        if message.buttons:
            self._manners.offer(room.room_id, sent[0], message.buttons, message.key)
        if not message.is_room:
            self._manners.said(room.room_id)
        return sent

    async def _room(self, message: Outgoing) -> MatrixRoom:
        return (
            self._rooms.room(message.chat) if message.is_room else await self._rooms.chat_with(message.chat)
        )

    async def _anywhere(
        self, message: Outgoing, do: Callable[[MatrixRoom, Outgoing], Awaitable[tuple[str, ...]]]
    ) -> tuple[str, ...]:
        """Change something where it stands: a person may have moved to another chat since."""
        rooms = [await self._room(message)]
        if not message.is_room:
            rooms += [room for room in self._rooms.chats_with(message.chat) if room is not rooms[0]]
        *others, last = rooms
        for room in others:
            try:
                async with self._locks[room.room_id]:
                    return await do(room, message)
            except MatrixError as error:
                if error.status not in (400, 404):
                    raise
        async with self._locks[last.room_id]:
            return await do(last, message)

    async def _put_all(self, room: MatrixRoom, message: Outgoing) -> tuple[str, ...]:
        sent: list[str] = []
        for number, piece in enumerate(pieces(message, self._commands)):
            content = piece.content
            if message.withdraws:  # it only says what was taken back, and need not ring
                content = {**content, "msgtype": "m.notice"}
            if piece.file is not None:
                content = {**content, **await self._uploaded(room, piece.file)}
            event_id = await self._put(room, message, content, f"{message.key}.{number}")
            sent.insert(0 if piece.main else len(sent), event_id)
        if not sent:
            raise Refused("the message is empty")
        return tuple(sent)

    async def _edit(self, room: MatrixRoom, message: Outgoing) -> tuple[str, ...]:
        content = edit(message, self._commands)
        if content is None:
            raise Refused("the message cannot be changed in place")
        await self._put(room, message, content, f"{message.key}.edit")
        return (message.edits,)

    async def _put(
        self, room: MatrixRoom, message: Outgoing, content: dict[str, Any], transaction: str
    ) -> str:
        client, kind = self._connected(), MESSAGE
        if room.encrypted:
            readers = None if message.is_room else {client.user_id, message.chat}
            kind, content = ENCRYPTED, await client.encrypted(room, MESSAGE, content, readers)
        if not message.is_room and not self._rooms.is_chat(room.room_id, message.chat):
            raise NotSent("someone else has come into the chat", AT_ONCE)
        path = f"/rooms/{quoted(room.room_id)}/send/{kind}/{quoted(transaction)}"
        return str((await client.call("PUT", path, content))["event_id"])

    async def _retract(
        self, event_id: str, number: int, room: MatrixRoom, message: Outgoing
    ) -> tuple[str, ...]:
        path = f"/rooms/{quoted(room.room_id)}/redact/{quoted(event_id)}/{quoted(f'{message.key}.r{number}')}"
        await self._connected().call("PUT", path, {})
        return ()

    # --- files ----------------------------------------------------------------------------------------------

    async def _uploaded(self, room: MatrixRoom, file: File) -> dict[str, Any]:
        """Where the file is now, and in an encrypted room the key that opens it."""
        client = self._connected()
        if not room.encrypted:
            return {"url": await client.upload(file.body, file.mime)}
        cipher, keys = await asyncio.to_thread(encrypt_attachment, file.body)
        return {"file": {**keys, "url": await client.upload(cipher, "application/octet-stream")}}

    async def fetch(self, reference: str) -> bytes:
        """Fetch an attachment's bytes, in clear; raises NotSent (try later) or Refused (never)."""
        where = json.loads(reference)
        try:
            body = await self._connected().download(where["url"])
        except MatrixError as error:
            raise outcome(error) from None
        if "key" not in where:
            return body
        try:
            return bytes(
                await asyncio.to_thread(decrypt_attachment, body, where["key"], where["sha256"], where["iv"])
            )
        except EncryptionError:
            raise Refused("the file is not what was announced") from None
