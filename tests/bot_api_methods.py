"""The methods of the fake Bot API: what each does, and which limits it keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.bot_api_groups import Group
from tests.bot_api_people import Key, Person, Sent, Upload
from tests.bot_api_queue import Superseded, Updates
from tests.bot_api_text import Unreadable, units, visible

Params = dict[str, Any]
PRESS_KEPT = timedelta(seconds=60)
DOWNLOAD_BYTES = 20_000_000
TEXT_UNITS = 4096
CAPTION_UNITS = 1024
BUTTONS = 100


class Refusal(Exception):
    """An error answer."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
        if parameters:
            self.body["parameters"] = parameters


class Methods:
    """What the server knows, and the methods that a bot may call."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.bot = {"id": 1000, "is_bot": True, "first_name": "One Cloak", "username": "one_cloak_bot"}
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.sent: list[Sent] = []  # every message and every edit as it was made, duplicates included
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.answered: list[str] = []  # ids of presses
        self.actions: list[tuple[int, str]] = []
        self.reactions: list[tuple[int, int, str]] = []
        self.webhook = self.secret = ""
        self.updates = Updates(now)
        self._message_id = 0
        self._queries: dict[str, datetime] = {}
        self._files: dict[str, Upload] = {}

    @property
    def seconds(self) -> int:
        return int(self.now().timestamp())

    def new_message_id(self) -> int:
        self._message_id += 1
        return self._message_id

    def new_query(self) -> str:
        query = str(7000 + len(self._queries))
        self._queries[query] = self.now()
        return query

    def keep(self, file: Upload) -> dict[str, Any]:
        """Keep a file, and describe it as messages do."""
        file_id = f"file-{len(self._files) + 1}"
        self._files[file_id] = file
        return {"file_id": file_id, "file_unique_id": f"unique-{file_id}", "file_size": len(file.body)}

    def kept(self, file_id: str) -> Upload | None:
        return self._files.get(file_id)

    # --- receiving

    async def get_updates(self, params: Params) -> object:
        if self.webhook:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active")
        allowed = json.loads(params["allowed_updates"]) if params.get("allowed_updates") else None
        offset, limit, seconds = (
            int(params.get(name, usual)) for name, usual in (("offset", 0), ("limit", 100), ("timeout", 0))
        )
        try:
            return await self.updates.poll(offset, limit, seconds, allowed)
        except Superseded:
            raise Refusal(409, "Conflict: terminated by other getUpdates request") from None

    async def get_me(self, params: Params) -> object:
        return {"can_join_groups": True, "supports_inline_queries": False, **self.bot}

    async def get_webhook_info(self, params: Params) -> object:
        waiting = len(self.updates)
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": waiting}

    async def set_webhook(self, params: Params) -> object:
        self.webhook, self.secret = params["url"], params.get("secret_token", "")
        return True

    async def delete_webhook(self, params: Params) -> object:
        self.webhook = ""
        if params.get("drop_pending_updates") == "true":
            await self.updates.poll(self.updates.next_number, 1, 0, None)
        return True

    async def set_my_commands(self, params: Params) -> object:
        self.commands[params.get("language_code", "")] = json.loads(params["commands"])
        return True

    async def get_file(self, params: Params) -> object:
        file_id = params["file_id"]
        if (file := self.kept(file_id)) is None:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(file.body) > DOWNLOAD_BYTES:
            raise Refusal(400, "Bad Request: file is too big")
        size = len(file.body)
        return {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_size": size,
            "file_path": f"files/{file_id}",
        }

    # --- sending

    async def send_message(self, params: Params) -> object:
        text, bold = _text(params, "text", TEXT_UNITS, "message is too long")
        if not text:
            raise Refusal(400, "Bad Request: message text is empty")
        preview = not json.loads(params.get("link_preview_options", "{}")).get("is_disabled", False)
        return self._send("sendMessage", params, {"text": text}, text=text, bold=bold, preview=preview)

    async def send_photo(self, params: Params) -> object:
        return self._send_file("photo", params, lambda file: [{**file, "width": 90, "height": 60}])

    async def send_voice(self, params: Params) -> object:
        return self._send_file("voice", params, lambda file: {**file, "duration": 1})

    async def send_video(self, params: Params) -> object:
        return self._send_file("video", params, lambda file: {**file, "width": 9, "height": 6, "duration": 1})

    async def send_document(self, params: Params) -> object:
        return self._send_file("document", params, lambda file: file)

    async def send_location(self, params: Params) -> object:
        place = (float(params["latitude"]), float(params["longitude"]))
        shown = {"location": {"latitude": place[0], "longitude": place[1]}}
        return self._send("sendLocation", params, shown, place=place)

    async def send_contact(self, params: Params) -> object:
        number = params["phone_number"]
        shown = {"contact": {"phone_number": number, "first_name": params["first_name"]}}
        return self._send("sendContact", params, shown, contact=number)

    async def edit_message_text(self, params: Params) -> object:
        text, bold = _text(params, "text", TEXT_UNITS, "message is too long")
        return self._edit(params, "editMessageText", text=text, bold=bold)

    async def edit_message_reply_markup(self, params: Params) -> object:
        return self._edit(params, "editMessageReplyMarkup")

    async def delete_message(self, params: Params) -> object:
        person = self._reader(params)
        if isinstance(person, Person) and person.wrote.pop(int(params["message_id"]), None) is not None:
            return True  # a bot may delete incoming messages in private chats, for two days
        message = next((one for one in person.heard if str(one.message_id) == params["message_id"]), None)
        if message is None:
            raise Refusal(400, "Bad Request: message to delete not found")
        person.heard.remove(message)
        return True

    async def answer_callback_query(self, params: Params) -> object:
        asked = self._queries.get(params["callback_query_id"])
        if asked is None or self.now() - asked > PRESS_KEPT:
            raise Refusal(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self.answered.append(params["callback_query_id"])
        return True

    async def set_message_reaction(self, params: Params) -> object:
        emoji = "".join(one["emoji"] for one in json.loads(params.get("reaction", "[]")))
        self.reactions.append((self._reader(params).user_id, int(params["message_id"]), emoji))
        return True

    async def send_chat_action(self, params: Params) -> object:
        self.actions.append((self._reader(params).user_id, params["action"]))
        return True

    async def leave_chat(self, params: Params) -> object:
        group = self._group(int(params["chat_id"]))
        group.becomes(self.bot, "left")
        return True

    def _group(self, chat: int) -> Group:
        """A group in which the bot may write now."""
        group = self.groups[chat]
        if group.moved_to is not None:
            moved = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, moved, migrate_to_chat_id=group.moved_to)
        if not group.has_bot:
            raise Refusal(403, "Forbidden: bot was kicked from the group chat")
        if not group.may_write:
            raise Refusal(400, "Bad Request: not enough rights to send text messages to the chat")
        return group

    def _reader(self, params: Params) -> Person | Group:
        if int(params["chat_id"]) in self.groups:
            return self._group(int(params["chat_id"]))
        person = self.people.get(int(params["chat_id"]))
        if person is None:
            raise Refusal(400, "Bad Request: chat not found")
        if person.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        return person

    def _send(self, method: str, params: Params, shown: dict[str, Any], **seen: Any) -> dict[str, Any]:
        person = self._reader(params)
        buttons = _buttons(params)
        message_id = person.next_id() if isinstance(person, Group) else self.new_message_id()
        message = Sent(method, person.user_id, message_id, buttons=buttons, **seen)
        person.heard.append(message)
        self.sent.append(replace(message))
        return self._told(message, person, shown)

    def _send_file(self, kind: str, params: Params, shown: Callable[[dict[str, Any]], object]) -> object:
        file = params[kind]
        if not isinstance(file, Upload):
            raise Refusal(400, f"Bad Request: there is no {kind} in the request")
        text, bold = _text(params, "caption", CAPTION_UNITS, "message caption is too long")
        content = {kind: shown(self.keep(file)), **({"caption": text} if text else {})}
        return self._send(f"send{kind.title()}", params, content, file=file, text=text, bold=bold)

    def _edit(self, params: Params, method: str, **seen: Any) -> object:
        person = self._reader(params)
        message = next((one for one in person.heard if str(one.message_id) == params["message_id"]), None)
        if message is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if "text" in seen and message.method != "sendMessage":
            raise Refusal(400, "Bad Request: there is no text in the message to edit")
        changed = replace(message, **seen, buttons=_buttons(params), edited=True)
        if replace(changed, edited=message.edited) == message:
            raise Refusal(400, "Bad Request: message is not modified")
        person.heard[person.heard.index(message)] = changed
        self.sent.append(replace(changed, method=method))
        return self._told(changed, person, {"text": changed.text})

    def _told(self, message: Sent, person: Person | Group, shown: dict[str, Any]) -> dict[str, Any]:
        about = {"message_id": message.message_id, "date": self.seconds, "from": self.bot}
        return {**about, "chat": person.chat, **shown}


def _text(params: Params, field: str, limit: int, too_long: str) -> tuple[str, list[str]]:
    text, bold = params.get(field, ""), list[str]()
    if params.get("parse_mode") == "HTML":
        try:
            text, bold = visible(text)
        except Unreadable as problem:
            raise Refusal(400, f"Bad Request: can't parse entities: {problem}") from None
    if units(text := text.strip()) > limit:
        raise Refusal(400, f"Bad Request: {too_long}")
    return text, bold


def _buttons(params: Params) -> list[list[Key]]:
    markup = json.loads(params.get("reply_markup", "{}"))
    below = markup.get("inline_keyboard", [])
    for button in (button for row in below for button in row):
        if not 1 <= len(button["callback_data"].encode()) <= 64:
            raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    rows = [
        [Key(one["text"], one.get("callback_data", ""), one.get("request_location", False)) for one in row]
        for row in below or markup.get("keyboard", [])
    ]
    if sum(map(len, rows)) > BUTTONS:
        raise Refusal(400, "Bad Request: too many buttons")
    return rows
