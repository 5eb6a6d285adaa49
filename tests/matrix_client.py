"""The part of a person's Matrix client that listens: keys, syncs, and what was heard in them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import nio
from nio.crypto.attachments import decrypt_attachment

from tests.matrix_heard import Ledger, Message
from tests.synapse import Account, Synapse

# More than anyone says between two looks, so that nothing falls into a gap.
_EVERYTHING = {"room": {"timeline": {"limit": 1000}}}
_CONFIG = nio.AsyncClientConfig(
    encryption_enabled=True, store=nio.store.SqliteStore, store_sync_tokens=False,
    max_limit_exceeded=5, max_timeouts=0, request_timeout=30,
)  # fmt: skip


class Listener:
    """A client that keeps its keys. It does one thing at a time: nio cannot share two room keys at once."""

    def __init__(self, account: Account, client: nio.AsyncClient) -> None:
        self.account = account
        self.user_id = account.user_id
        self.client = client
        self.welcome: set[str] = set()  # whose invitations are accepted
        self.typing: dict[str, set[str]] = {}  # in each room, now
        self.typed: set[str] = set()  # everyone who was ever seen typing
        self.receipts: defaultdict[str, set[str]] = defaultdict(set)  # who read up to each event
        self.unreadable: dict[str, nio.MegolmEvent] = {}  # by event; the key may still come
        self.ledger = Ledger(account.user_id)
        self._turn = asyncio.Lock()

    @classmethod
    async def join(cls, synapse: Synapse, name: str, folder: Path) -> Self:
        """Somebody new, with one device, whose keys can be had."""
        return await cls.open(synapse, await synapse.register(name), folder)

    @classmethod
    async def open(cls, synapse: Synapse, account: Account, folder: Path) -> Self:
        """The client of an account; a second device is another account of `synapse.login`."""
        member = cls(account, _client(synapse.url, account, folder))
        try:
            await member.sync()
        except BaseException:
            await member.close()
            raise
        return member

    async def close(self) -> None:
        await self.client.close()
        self.client.store.database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def heard(self) -> list[Message]:
        """What the others wrote, as it stands now, oldest first."""
        return self.ledger.heard

    @property
    def messages(self) -> dict[str, Message]:
        """What everyone wrote, this person too, by event."""
        return self.ledger.messages

    async def downloads(self, message: Message) -> bytes:
        """The bytes of its file, opened."""
        file = message.attachment
        assert file is not None, "it has no file"
        body: bytes = good(await self.client.download(mxc=file.url)).body
        return bytes(decrypt_attachment(body, file.key, file.sha256, file.iv)) if file.key else body

    async def sync(self) -> None:
        """Look once at what is new, without waiting for it."""
        async with self._turn:
            await self._sync()

    async def until(self, check: Callable[[], object], seconds: float = 10) -> None:
        """Look again at each piece of news until something is so."""
        async with asyncio.timeout(seconds):
            await self.sync()
            while not check():
                await self._news()
                await self.sync()

    async def _news(self) -> None:
        """Wait for the server to have something.

        The answer is dropped: only `_sync` changes what is known, and only in its turn. It does not wait
        itself, so that one can write in the meantime.
        """
        method, path = nio.Api.sync(
            self.client.access_token, since=self.client.next_batch, timeout=5000, filter=_EVERYTHING
        )
        answer = await self.client.send(method, path)
        await answer.read()

    async def _sync(self) -> None:
        response = good(await self.client.sync(timeout=0, sync_filter=_EVERYTHING))
        for room, info in response.rooms.join.items():
            for event in info.timeline.events:
                self._note(room, event)
            for event in info.ephemeral:
                self._notice(room, event)
        await self._keep_keys()
        self._try_again()
        welcome = [
            room
            for room in response.rooms.invite
            if room in self.client.invited_rooms and self.client.invited_rooms[room].inviter in self.welcome
        ]
        for room in welcome:
            good(await self.client.join(room))
        if welcome:
            await self._sync()

    async def _keep_keys(self) -> None:
        """What a client does for its keys after each look, as nio's own loop does."""
        client = self.client
        if client.should_upload_keys:
            good(await client.keys_upload())
        if client.should_query_keys:
            good(await client.keys_query())
        if client.should_claim_keys:
            good(await client.keys_claim(client.get_users_for_key_claiming()))
        for response in await client.send_to_device_messages():
            good(response)

    def _note(self, room: str, event: Any) -> None:
        if isinstance(event, nio.MegolmEvent):
            self.unreadable[event.event_id] = event
        else:
            self.ledger.take(room, event.source, encrypted=bool(getattr(event, "decrypted", False)))

    def _try_again(self) -> None:
        for event in list(self.unreadable.values()):
            try:
                opened = self.client.decrypt_event(event)
            except nio.EncryptionError:
                continue
            del self.unreadable[event.event_id]
            self._note(event.room_id, opened)

    def _notice(self, room: str, event: Any) -> None:
        if isinstance(event, nio.TypingNoticeEvent):
            self.typing[room] = set(event.users)
            self.typed |= self.typing[room]
        elif isinstance(event, nio.ReceiptEvent):
            for receipt in event.receipts:
                self.receipts[receipt.event_id].add(receipt.user_id)


def _client(url: str, account: Account, folder: Path) -> nio.AsyncClient:
    folder.mkdir(parents=True, exist_ok=True)
    client = nio.AsyncClient(url, account.user_id, store_path=str(folder), config=_CONFIG)
    client.restore_login(account.user_id, account.device_id, account.token)
    return client


def good(response: Any) -> Any:
    """The answer, unless it is an error."""
    assert not isinstance(response, nio.ErrorResponse), f"the homeserver refused: {response}"
    return response
