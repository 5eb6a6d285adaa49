"""Things that people of a story do more rarely than writing and pressing."""

from __future__ import annotations

import io

from PIL import Image

from bot.adapters.console import Console
from bot.app import App
from handlers.messages import Words
from tests.bot_api import Sent
from tests.bot_api_groups import Group, press
from tests.matrix_world import MatrixPlatform
from tests.world import BARCELONA, ConsolePlatform, Friend, Heard, TelegramPlatform, World

GPS, CAMERA = 0x8825, 0x0110


def rendered(world: World, words: Words, language: str = "es") -> str:
    """How a text of ours reads in a language; it may not be translated yet."""
    return world.core.catalogs.render(words, language)


def photo_with_secrets() -> bytes:
    """A picture whose hidden data tell where it was made and with what."""
    exif = Image.Exif()
    exif[CAMERA] = "SecretCamera"
    exif.get_ifd(GPS).update({1: "N", 2: (41.0, 24.0, 0.0), 3: "E", 4: (2.0, 9.0, 36.0)})
    out = io.BytesIO()
    Image.new("RGB", (32, 16), "green").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def needs_a_walk(someone: Friend) -> None:
    """They ask, urgently, for somebody who walks their dog."""
    await someone.says("/need someone to walk my dog")
    await someone.presses("It is urgent")
    await someone.sends_place(*BARCELONA)
    await someone.presses("For me")


async def restart(world: World) -> None:
    """The process ends and another begins on the same database."""
    world.app = App.compose(world.database, world.core, [world.platform.adapter], now=world.time)
    await world.app.start()


def tokens(world: World, friend: Friend, label: str) -> list[str]:
    """The tokens of every button with this label that a person has received, the oldest first."""
    if isinstance(world.platform, ConsolePlatform):
        return [token for shown, token in world.platform._buttons[friend.name] if shown == label]
    assert isinstance(world.platform, TelegramPlatform)
    heard = world.platform.person(friend.name).heard
    return [key.token for message in heard for key in message.keys if key.label == label]


async def press_token(world: World, friend: Friend, token: str) -> None:
    """Press a button by its token, whoever it was meant for."""
    assert isinstance(world.platform, ConsolePlatform)
    world.platform.console.press(friend.name, token)
    await world.settle()


async def send_voice(world: World, friend: Friend, body: bytes = b"OggS made up") -> None:
    if isinstance(world.platform, TelegramPlatform):
        world.platform.person(friend.name).sends_voice(body)
    elif isinstance(world.platform, MatrixPlatform):
        await world.platform.sends_voice(friend.name, body)
    else:
        assert isinstance(world.platform, ConsolePlatform)
        world.platform._send(friend.name, "voice.ogg", body, "")
    await world.settle()


async def send_sticker(world: World, friend: Friend) -> None:
    assert isinstance(world.platform, ConsolePlatform)
    world.platform.console.say(
        friend.name, "", file={"media": "sticker", "path": "none.webp", "mime": "image/webp"}
    )
    await world.settle()


def place_of(friend: Friend, message: Heard) -> tuple[float | None, float | None]:
    """The place of a message; Telegram sends a pin as a message of its own, before or after the words."""
    pinned = message if message.place is not None else friend.hears("")
    assert pinned.place is not None
    return pinned.place.latitude, pinned.place.longitude


# --- what the console can do, and other platforms in their own way ------------------------------------


def console(world: World) -> Console:
    assert isinstance(world.platform, ConsolePlatform)
    return world.platform.console


async def reacts(world: World, friend: Friend, emoji: str, to_words: str = "") -> None:
    """Set an emoji on the newest message with these words."""
    console(world).react(friend.name, emoji, console(world).message_with(friend.name, to_words))
    await world.settle()


async def takes_back(world: World, friend: Friend) -> None:
    """Take the last message back."""
    console(world).redact(friend.name)
    await world.settle()


async def writes_unreadably(world: World, friend: Friend, late: bool = False) -> None:
    console(world).locked(friend.name, late)
    await world.settle()


async def invites(world: World, friend: Friend, room: str = "hall", rights: str = "administrator") -> Friend:
    """Ask the bot into a group; what is posted there is heard by the group. rights: in Telegram."""
    if isinstance(friend.platform, TelegramPlatform):
        group = friend.platform.group(room)
        group.becomes(friend.platform.person(friend.name).user, rights)
    else:
        console(world).invite(friend.name, room)
    await world.settle()
    return world.person(room, friend.platform)


async def says_in(world: World, friend: Friend, room: Friend, text: str, to_words: str = "") -> None:
    """Say something in a group, perhaps as a reply to the newest message there with these words."""
    if isinstance(friend.platform, TelegramPlatform):
        group = friend.platform.group(room.name)
        reply_to = posted(group, to_words).message_id if to_words else None
        group.says(friend.platform.person(friend.name).user, text, reply_to)
    else:
        reply = {"reply_to": console(world).message_with(room.name, to_words)} if to_words else {}
        console(world).say(friend.name, text, room=room.name, **reply)
    await world.settle()


async def reacts_in(world: World, friend: Friend, room: Friend, emoji: str, to_words: str = "") -> None:
    if isinstance(friend.platform, TelegramPlatform):
        group = friend.platform.group(room.name)
        group.reacts(friend.platform.person(friend.name).user, posted(group, to_words).message_id, emoji)
    else:
        console(world).react(friend.name, emoji, console(world).message_with(room.name, to_words), room.name)
    await world.settle()


async def presses_in(world: World, friend: Friend, room: Friend, label: str) -> None:
    """Press a button of the newest message in a Telegram group that has it."""
    assert isinstance(friend.platform, TelegramPlatform)
    group = friend.platform.group(room.name)
    message = next(each for each in reversed(group.heard) if label in each.labels)
    key = next(each for each in message.keys if each.label == label)
    press(friend.platform.person(friend.name), group, message, key)
    await world.settle()


def posted(group: Group, words: str) -> Sent:
    """The newest message of the bot in a Telegram group with these words in it."""
    return next(each for each in reversed(group.heard) if words in each.text)


async def coordinators_room(world: World, friend: Friend) -> Friend:
    """A coordinators' room; the story begins after that."""
    room = await invites(world, friend)
    await says_in(world, friend, room, "/coordinators")
    assert "I post alerts here" in room.inbox[-1].text
    world.clear()
    return room
