"""Telegram, through python-telegram-bot without its Updater, which loses what it has not handled."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from telegram import Bot, LinkPreviewOptions, Message, User, WebhookInfo
from telegram.constants import FileSizeLimit, ParseMode
from telegram.error import BadRequest, TelegramError

from bot.adapters import (
    ChatMoved,
    File,
    GatewayFault,
    NotSent,
    Outgoing,
    Pace,
    RawEvent,
    Refused,
    Uncertain,
)
from bot.adapters.telegram_events import UPDATES, next_cursor, pressed, raw_event
from bot.adapters.telegram_groups import Groups
from bot.adapters.telegram_keyboards import Markup, inline, keyboard
from bot.adapters.telegram_text import Piece, pieces
from bot.adapters.telegram_wire import (
    GONE,
    UNREADABLE,
    Wire,
    fetch_outcome,
    gateway_fault,
    hush,
    outcome,
    said,
)
from bot.adapters.text import file_name
from bot.doorkeeper import Doorkeeper
from handlers.messages import Media

if TYPE_CHECKING:
    from bot.adapters.telegram_webhook import Hook

# Telegram's Bot FAQ, "My bot is hitting limits": 30 messages a second overall, 1 a chat, 20 a minute a group.
TELEGRAM_PACE = Pace(overall_per_second=30, chat_per_second=1, room_per_minute=20)

PRESS_ANSWER_SECONDS = 5
STOP_SECONDS = 1
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Telegram:
    """One Telegram bot."""

    platform = "telegram"
    repeats_safely = False
    keychain = None

    def __init__(
        self,
        token: str,
        base_url: str = "https://api.telegram.org/bot",
        poll_seconds: int = 50,
        commands: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({}),
        pace: Pace | None = TELEGRAM_PACE,
        answer_seconds: float = 15,
        doorkeeper: Doorkeeper | None = None,
        hook: Hook | None = None,
    ) -> None:
        """doorkeeper: without one no group is ever left. hook: with one, updates are brought to us."""
        self.pace = pace
        self.may_speak: Callable[[], bool] = lambda: True
        self._hook = hook
        self._poll_seconds = poll_seconds
        self._commands = commands
        self._updates_url = f"{base_url}{token}/getUpdates"
        # Two pools: a long poll must never wait for sends, nor they for it.
        to_poll = poll_seconds + answer_seconds
        self._poll = Wire(
            longest=to_poll + answer_seconds + 1, connection_pool_size=2, read_timeout=to_poll, pool_timeout=5
        )
        self._sends = Wire(
            longest=2 * answer_seconds + 1,
            may_speak=lambda: self.may_speak(),
            connection_pool_size=64,
            read_timeout=answer_seconds,
            pool_timeout=5,
        )
        self._bot = Bot(
            token,
            base_url=base_url,
            base_file_url=f"{base_url.removesuffix('/bot')}/file/bot",
            request=self._sends,
            get_updates_request=self._poll,
        )
        self._answers: set[asyncio.Task[None]] = set()
        self._groups = Groups(self._bot, doorkeeper) if doorkeeper is not None else None

    async def start(self) -> None:
        """Check the token, make sure that we may poll, and announce the commands; raises GatewayFault."""
        await self.check()
        await self._agree_on_the_way()
        for language, commands in self._commands.items():
            try:
                await self._bot.set_my_commands(list(commands), language_code=language or None)
            except (TelegramError, *UNREADABLE):
                # The menu is a convenience: a bot without it still answers.
                log.warning("Telegram did not take the list of commands")

    async def _agree_on_the_way(self) -> None:
        """Have Telegram bring the updates, or let us ask for them; what waits there waits on."""
        if self._hook is not None:
            call = self._bot.set_webhook(
                self._hook.url,
                allowed_updates=UPDATES,
                secret_token=self._hook.secret,
                drop_pending_updates=False,
            )
            await _settled(call, gateway_fault)
            return
        webhook = await _settled(self._bot.get_webhook_info(), gateway_fault)
        if webhook.url:
            await _settled(self._bot.delete_webhook(drop_pending_updates=False), gateway_fault)

    async def _look_at_the_way(self, hook: Hook) -> None:
        """Now and then: another program with the same token may have turned Telegram away from us."""
        await asyncio.sleep(self._poll_seconds)
        webhook = await _settled(self._bot.get_webhook_info(), gateway_fault)
        if webhook.url != hook.url:
            log.warning("Telegram brought updates elsewhere and is asked again to bring them here")
            await self._agree_on_the_way()
        elif webhook.pending_update_count and webhook.last_error_message:
            log.warning("Telegram has %d updates that it could not bring", webhook.pending_update_count)

    @property
    def listens(self) -> bool:
        """Whether updates are brought to `listen`, in every gateway, whoever holds the lease."""
        return self._hook is not None

    async def listen(
        self, take: Callable[[Sequence[RawEvent]], Awaitable[None]], stopping: asyncio.Event
    ) -> None:
        """Take what Telegram brings until `stopping` is set; raises OSError."""
        from bot.adapters.telegram_webhook import Doorstep  # whose server is loaded only where it is used

        assert self._hook is not None
        hush()
        await self._sends.initialize()  # presses are answered by whoever took them
        await Doorstep(self._hook, take).run(stopping)

    async def tend(self) -> int:
        """Leave the groups that this process saw and in which the bot has no business."""
        if self._groups is not None:
            await self._groups.tend()
        return 0

    async def check(self) -> None:
        """See if Telegram accepts the token; raises GatewayFault."""
        hush()
        for wire in (self._poll, self._sends):
            await wire.initialize()
        await _settled(self._bot.get_me(), gateway_fault)

    async def described(self) -> tuple[User, WebhookInfo]:
        """What Telegram says of the bot, and of the webhook that may be set for it; raises GatewayFault."""
        bot = await _settled(self._bot.get_me(), gateway_fault)
        return bot, await _settled(self._bot.get_webhook_info(), gateway_fault)

    async def receive(self, cursor: str | None) -> tuple[list[RawEvent], str | None]:
        """Wait for the next updates. Asking with a cursor confirms all before it; raises GatewayFault."""
        await self.tend()
        if self._hook is not None:
            await self._look_at_the_way(self._hook)
            return [], cursor
        query = {"timeout": str(self._poll_seconds), "limit": "100", "allowed_updates": json.dumps(UPDATES)}
        if cursor is not None:
            query["offset"] = cursor
        # Raw, because the library builds objects of a batch and one malformed update would block it for ever.
        updates = await _settled(self._poll.post(f"{self._updates_url}?{urlencode(query)}"), gateway_fault)
        if not isinstance(updates, list):
            raise GatewayFault("Telegram's answer is no list of updates")
        return [raw_event(update) for update in updates], next_cursor(updates, cursor)

    async def accepted(self, events: list[RawEvent]) -> None:
        """Stop the buttons' spinners, in the background: nothing depends on it; note the groups."""
        if self._groups is not None:
            self._groups.see(events)
        for query in filter(None, map(pressed, events)):
            task = asyncio.create_task(self._answer(query))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def send(self, message: Outgoing) -> tuple[str, ...]:
        """Send, change in place or take back; raises NotSent, Uncertain, Refused or ChatMoved."""
        for retracted in message.retracts:
            await _settled(self._retract(message.chat, retracted), outcome)
        if message.edits:
            return (await _settled(self._edit(message), outcome),)
        sent: list[str] = []
        for piece in pieces(message):
            try:
                one = await _settled(self._put(message, piece), outcome)
            except (NotSent, Refused, ChatMoved):
                if sent:
                    raise Uncertain("only a part of the message was sent") from None
                raise
            sent.insert(0 if piece.main else len(sent), one)
        if not sent and not message.retracts:
            raise Refused("the message is empty")
        return tuple(sent)

    async def fetch(self, reference: str) -> bytes:
        """Fetch an attachment's bytes; raises NotSent (try later) or Refused (never)."""
        file = await _settled(self._bot.get_file(reference), fetch_outcome)
        if (file.file_size or 0) > FileSizeLimit.FILESIZE_DOWNLOAD:
            raise Refused("the file is too big")
        if not file.file_path:
            raise NotSent("Telegram does not say where the file is")
        return bytes(await _settled(file.download_as_bytearray(), fetch_outcome))

    async def stop(self) -> None:
        """Close the connections, after a moment for presses that are being answered."""
        if self._answers:
            _, late = await asyncio.wait(self._answers, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for wire in (self._poll, self._sends):
            await wire.shutdown()

    async def _answer(self, query: str) -> None:
        try:
            async with asyncio.timeout(PRESS_ANSWER_SECONDS):
                await self._bot.answer_callback_query(query)
        except (TelegramError, TimeoutError, *UNREADABLE) as error:
            # Usually "query is too old": the spinner has stopped by itself then.
            log.debug("A press could not be answered (%s)", type(error).__name__)

    async def _put(self, message: Outgoing, piece: Piece) -> str:
        markup = keyboard(message.buttons) if piece.main else None
        if piece.file:
            sent = await self._put_file(message.chat, piece, piece.file, markup)
        elif piece.place:
            sent = await self._bot.send_location(
                message.chat, piece.place.latitude, piece.place.longitude, reply_markup=markup
            )
        else:
            sent = await _forgiving(
                piece,
                lambda words, mode: self._bot.send_message(
                    message.chat,
                    words,
                    parse_mode=mode,
                    reply_markup=markup,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                ),
            )
        return str(sent.message_id)

    async def _put_file(self, chat: str, piece: Piece, file: File, markup: Markup) -> Message:
        async def put(method: Callable[..., Awaitable[Message]]) -> Message:
            return await _forgiving(
                piece,
                lambda words, mode: method(
                    chat,
                    file.body,
                    filename=file_name(file),
                    caption=words or None,
                    parse_mode=mode,
                    reply_markup=markup,
                ),
            )

        ways: dict[str, Callable[..., Awaitable[Message]]] = {
            Media.PHOTO: self._bot.send_photo,
            Media.VOICE: self._bot.send_voice,
            Media.VIDEO: self._bot.send_video,
        }
        if way := ways.get(file.media):
            try:
                return await put(way)
            except BadRequest as error:
                if said(error, *GONE):
                    raise
        # Anything goes as a document, also a picture out of proportion or a voice message unwanted as such.
        return await put(self._bot.send_document)

    async def _retract(self, chat: str, message_id: str) -> None:
        if not message_id.isdecimal():
            return  # of a group that Telegram has moved since: it can't be reached any more
        try:
            await self._bot.delete_message(chat, int(message_id))
        except BadRequest as error:
            # Gone already, or older than the two days in which Telegram lets a bot delete.
            if not said(error, "message to delete not found", "message can't be deleted"):
                raise

    async def _edit(self, message: Outgoing) -> str:
        """Change the text and the buttons; a file or a place stays as it was sent."""
        texts = pieces(replace(message, file=None, place=None))
        if len(texts) != 1 or not message.edits.isdecimal():
            raise Refused("the message cannot be changed in place")
        try:
            await _forgiving(
                texts[0],
                lambda words, mode: self._bot.edit_message_text(
                    words,
                    message.chat,
                    int(message.edits),
                    parse_mode=mode,
                    reply_markup=inline(message.buttons) if message.buttons else None,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                ),
            )
        except BadRequest as error:
            if not said(error, "message is not modified"):
                raise
        return message.edits


async def _settled(call: Awaitable[_T], meaning: Callable[[TelegramError], Exception]) -> _T:
    """Await a call and raise what its failure means, without the library's error, which holds the token."""
    try:
        return await call
    except TelegramError as error:
        problem = meaning(error)
    except UNREADABLE:
        problem = meaning(TelegramError("an answer that cannot be read"))
    raise problem


async def _forgiving(piece: Piece, call: Callable[[str, str | None], Awaitable[_T]]) -> _T:
    """Send as HTML, and as plain text if Telegram cannot read our HTML: the words matter most."""
    try:
        return await call(piece.marked, ParseMode.HTML)
    except BadRequest as error:
        if not said(error, "can't parse entities"):
            raise
    return await call(piece.plain, None)
