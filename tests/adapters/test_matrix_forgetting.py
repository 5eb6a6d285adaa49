"""Who is forgotten by the core is forgotten by the Matrix account as well: the chat, and the keys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from storage.database import Database
from tests.matrix_world import MatrixPlatform, matrix_world
from tests.synapse import Synapse
from tests.world import World


def names_of(platform: MatrixPlatform, user: str, room: str) -> list[str]:
    """The keepsakes that are about someone, their room or the keys of their devices."""
    assert platform.matrix.keychain is not None
    everything = dict(platform.matrix.keychain.items(""))
    curves = [value["keys"]["curve25519"] for name, value in everything.items() if f"device/{user}/" in name]
    return [name for name in everything if any(each in name for each in (user, room, *curves))]


async def look(world: World, hours: int) -> None:
    world.time.moment += timedelta(hours=hours)
    await world.app.stations[0].gateway.run_once()


async def test_forgotten_people_leave_nothing_behind(
    sqlite_database: Database, synapse: Synapse, tmp_path: Path
) -> None:
    async with matrix_world(sqlite_database, synapse, tmp_path) as world:
        platform = world.platform
        assert isinstance(platform, MatrixPlatform)
        ana, ben = world.person("ana"), world.person("ben")
        await ana.says("hello")
        await ben.says("hello")
        member, room = await platform.member("ana")
        bens, bens_room = await platform.member("ben")
        await ana.says("/forget yes")
        ana.inbox.clear()
        assert names_of(platform, member.user_id, room)

        await look(world, 2)
        await look(world, 2)
        assert names_of(platform, member.user_id, room), "they may still write"
        await look(world, 24)
        assert names_of(platform, member.user_id, room) == []
        assert names_of(platform, bens.user_id, bens_room)
        await member.until(lambda: platform.bot_id not in member.client.rooms[room].users)

        platform.chats["ana"] = await member.open_chat(platform.bot_id)
        await ana.says("hello again")
        ana.hears("Hello")
