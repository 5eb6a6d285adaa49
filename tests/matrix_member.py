"""A person with a Matrix client: real encryption, real HTTP, over the Synapse of the tests.

async with await Member.join(synapse, "ana", folder) as ana:
    room = await ana.open_chat(bot_user_id)
    await ana.says(room, "I need insulin")
    await ana.until(lambda: ana.heard)
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import nio

from tests.matrix_client import Listener, good
from tests.matrix_heard import Message, Source

__all__ = ["Member", "Message"]

_ENCRYPTION = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}


class Member(Listener):
    """Somebody who does things in rooms; most give the id of the event that they made."""

    # --- rooms ------------------------------------------------------------------------------------

    async def open_chat(self, bot_user_id: str, encrypted: bool = True) -> str:
        """A direct chat, to which the bot is invited; it need not have come yet."""
        self.welcome.add(bot_user_id)
        return await self._create(
            is_direct=True, preset=nio.RoomPreset.trusted_private_chat, invite=[bot_user_id],
            initial_state=[_ENCRYPTION] if encrypted else [],
        )  # fmt: skip

    async def creates_group(self, name: str, invites: list[str], encrypted: bool = True) -> str:
        return await self._create(
            name=name, preset=nio.RoomPreset.private_chat, invite=invites,
            initial_state=[_ENCRYPTION] if encrypted else [],
        )  # fmt: skip

    async def invites(self, room: str, user_id: str) -> None:
        await self._do(self.client.room_invite, room, user_id)

    async def accepts(self, room: str) -> None:
        """Join a room by hand; invitations of those who are welcome are accepted by `sync`."""
        await self._do(self.client.join, room)

    async def leaves(self, room: str) -> None:
        await self._do(self.client.room_leave, room)

    async def wait_joined(self, user_id: str, room: str) -> None:
        """Wait until someone has come into a room."""

        def joined() -> bool:
            users = self.client.rooms[room].users
            return user_id in users and not users[user_id].invited

        await self.until(joined)

    async def rotates(self, room: str) -> None:
        """Forget the key with which this person writes: the next message brings a new one."""
        async with self._turn:
            self.client.invalidate_outbound_session(room)

    async def _create(self, **options: Any) -> str:
        room: str = (await self._do(self.client.room_create, **options)).room_id
        return room

    async def _do(self, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Do something that changes a room, and learn what it became."""
        async with self._turn:
            response = good(await call(*args, **options))
            await self._sync()
            return response

    # --- writing ----------------------------------------------------------------------------------

    async def sends(self, room: str, content: Source, event_type: str = "m.room.message") -> str:
        """Any event at all; gives its id. In an encrypted room only reactions stay in the clear."""
        async with self._turn:
            if room not in self.client.rooms:
                await self._sync()
            await self._keep_keys()
            sent = await self.client.room_send(room, event_type, content, ignore_unverified_devices=True)
            return str(good(sent).event_id)

    async def says(self, room: str, text: str, **relation: Any) -> str:
        content: Source = {"msgtype": "m.text", "body": text}
        return await self.sends(room, content | ({"m.relates_to": relation} if relation else {}))

    async def edits(self, room: str, event_id: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        old = {"msgtype": "m.text", "body": f"* {text}"}
        return await self.sends(room, old | {"m.new_content": new, "m.relates_to": relation})

    async def replies(self, room: str, to_event_id: str, text: str, quoting: str = "") -> str:
        """Answer a message; old clients still put what they quote before the answer."""
        body = f"> {quoting}\n\n{text}" if quoting else text
        return await self.says(room, body, **{"m.in_reply_to": {"event_id": to_event_id}})

    async def says_in_thread(self, room: str, root_event_id: str, text: str) -> str:
        fallback = {"is_falling_back": True, "m.in_reply_to": {"event_id": root_event_id}}
        return await self.says(room, text, rel_type="m.thread", event_id=root_event_id, **fallback)

    async def reacts(self, room: str, event_id: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.sends(room, {"m.relates_to": relation}, "m.reaction")

    async def redacts(self, room: str, event_id: str) -> None:
        async with self._turn:
            good(await self.client.room_redact(room, event_id))

    async def sends_place(self, room: str, latitude: float, longitude: float) -> str:
        uri = f"geo:{latitude},{longitude};u=10"
        body = f"Location was shared at {uri}"
        content = {
            "msgtype": "m.location",
            "body": body,
            "geo_uri": uri,
            "org.matrix.msc1767.text": body,
            "org.matrix.msc3488.location": {"uri": uri},
            "org.matrix.msc3488.asset": {"type": "m.self"},
            "org.matrix.msc3488.ts": int(time.time() * 1000),
        }
        return await self.sends(room, content)

    async def sends_photo(
        self, room: str, body: bytes, caption: str = "", filename: str = "photo.jpg", mime: str = "image/jpeg"
    ) -> str:
        content = {"msgtype": "m.image", "body": caption or filename, "filename": filename}
        return await self._sends_file(room, body, mime, content)

    async def sends_document(
        self, room: str, filename: str, body: bytes, caption: str = "", mime: str = "application/pdf"
    ) -> str:
        content = {"msgtype": "m.file", "body": caption or filename, "filename": filename}
        return await self._sends_file(room, body, mime, content)

    async def sends_voice(self, room: str, body: bytes, milliseconds: int = 1000) -> str:
        content = {
            "msgtype": "m.audio",
            "body": "Voice message.ogg",
            "info": {"duration": milliseconds},
            "org.matrix.msc1767.audio": {"duration": milliseconds, "waveform": []},
            "org.matrix.msc3245.voice": {},
        }
        return await self._sends_file(room, body, "audio/ogg", content)

    async def _sends_file(self, room: str, body: bytes, mime: str, content: Source) -> str:
        sealed = self.client.rooms[room].encrypted
        response, keys = await self.client.upload(
            io.BytesIO(body), content_type=mime, encrypt=sealed, filesize=len(body),
            filename=None if sealed else content["body"],
        )  # fmt: skip
        url = good(response).content_uri
        info = {"mimetype": mime, "size": len(body)} | content.get("info", {})
        where = {"file": {"url": url, **keys}} if sealed else {"url": url}
        return await self.sends(room, content | {"info": info} | where)
