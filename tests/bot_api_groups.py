"""Groups of the fake Bot API: who is in them, what the bot hears there, and how they become supergroups.

As tdlib/telegram-bot-api tells it (its issue 266): when a group is upgraded, the bot joins the supergroup,
and is never said to have left the group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bot_api import BotApi
    from tests.bot_api_people import Key, Person, Sent


@dataclass
class Group:
    """A group, and what all in it see of the bot's messages; its messages have numbers of their own."""

    api: BotApi
    user_id: int  # the chat's id: below zero
    kind: str = "group"
    bot_is: str = "left"  # or member, administrator, kicked
    may_write: bool = True
    moved_to: int | None = None
    heard: list[Sent] = field(default_factory=list)
    last_id: int = 0

    @property
    def chat(self) -> dict[str, Any]:
        return {"id": self.user_id, "type": self.kind, "title": "A hall"}

    @property
    def has_bot(self) -> bool:
        return self.bot_is in ("member", "administrator")

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def becomes(self, by: dict[str, Any], new: str) -> None:
        """The bot is asked in, put out, or given other rights."""
        old, self.bot_is = self.bot_is, new
        bot = self.api.bot
        change = {
            "chat": self.chat, "from": by, "date": self.api.seconds,
            "old_chat_member": {"user": bot, "status": old}, "new_chat_member": {"user": bot, "status": new},
        }  # fmt: skip
        self.api.update({"my_chat_member": change})

    def says(self, by: dict[str, Any], text: str, reply_to: int | None = None) -> int:
        """Someone writes; a bot that is no administrator hears only commands and replies to itself."""
        message_id = self.next_id()
        body = {
            "message_id": message_id,
            "date": self.api.seconds,
            "chat": self.chat,
            "from": by,
            "text": text,
        }
        answered = next((one for one in self.heard if one.message_id == reply_to), None)
        if reply_to is not None:
            body["reply_to_message"] = {"message_id": reply_to, "date": self.api.seconds, "chat": self.chat}
        is_for_bot = text.startswith("/") or answered is not None
        if self.bot_is == "administrator" or (self.has_bot and is_for_bot):
            self.api.update({"message": body})
        return message_id

    def reacts(self, by: dict[str, Any], message_id: int, emoji: str) -> None:
        """Someone sets an emoji: only an administrator hears of it."""
        if self.bot_is == "administrator":
            change = {
                "chat": self.chat, "message_id": message_id, "user": by, "date": self.api.seconds,
                "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": emoji}],
            }  # fmt: skip
            self.api.update({"message_reaction": change})

    def upgrade(self, by: dict[str, Any], new_id: int) -> Group:
        """The group becomes a supergroup: the old one takes nothing any more, the bot is in the new one."""
        new = self.api.group(new_id, kind="supergroup")
        self.moved_to = new_id
        new.becomes(by, self.bot_is)
        for here, other in (
            (new, {"migrate_from_chat_id": self.user_id}),
            (self, {"migrate_to_chat_id": new_id}),
        ):
            body = {"message_id": here.next_id(), "date": self.api.seconds, "chat": here.chat, "from": by}
            self.api.update({"message": {**body, **other}})
        return new


def press(person: Person, group: Group, message: Sent, key: Key) -> None:
    """Someone presses a button in a group."""
    body = {"message_id": message.message_id, "date": group.api.seconds, "chat": group.chat}
    query = {"id": group.api.new_query(), "from": person.user, "chat_instance": "1", "data": key.token}
    group.api.update({"callback_query": {**query, "message": {**body, "text": message.text}}})
