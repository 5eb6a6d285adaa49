"""The clock of the machine is wrong by a day or by decades, and is set right again: it destroys nothing.

A clock without a battery begins in 1970; a slip of the hand or a broken source of time leaps a year ahead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from handlers.context import Union
from storage import inbox, retention, work
from storage.database import Database, Transaction
from storage.tables import Attachment, Choice, Code, Conversation, Inbox, Key, Lease, Outbox
from tests.conversations.acts import needs_a_walk, photo_with_secrets, restart
from tests.conversations.chats import joined, two_platforms
from tests.conversations.crews import crew, rings_at, rung, the_alert
from tests.storage import BOTH_ENGINES
from tests.world import ConsolePlatform, World, console_world

pytestmark = BOTH_ENGINES
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NEWBORN = datetime(1970, 1, 1, tzinfo=UTC)
UNION = Union(country="ES", time_zone="UTC")
KEPT_FOR_A_TIME = (Attachment, Choice, Code, Conversation, Inbox, Key, Outbox)


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """At the console, on either engine."""
    async with console_world(database, UNION) as made:
        assert isinstance(made.platform, ConsolePlatform)
        made.platform.folder = tmp_path
        yield made


async def kept(world: World) -> dict[str, int]:
    """How many rows there are of what is kept only for a time, and how many events can still be opened."""

    def count(tx: Transaction) -> dict[str, int]:
        rows = {
            each.__tablename__: tx.session.scalar(sa.select(sa.func.count()).select_from(each)) or 0
            for each in KEPT_FOR_A_TIME
        }
        readable = sa.select(sa.func.count()).where(Inbox.sealed_payload.is_not(None))
        return {**rows, "readable": tx.session.scalar(readable) or 0}

    return await world.database.run(count)


async def goes_to(world: World, moment: datetime, *, restarted: bool = False) -> None:
    world.time.moment = moment
    if restarted:
        await world.app.stations[0].holding.give_up()
        await restart(world)
    await world.settle()


async def a_lived_in_union(world: World) -> None:
    """Words, a photo, a half-filled form, an unused code, and buttons that nobody has pressed yet."""
    ben = await world.volunteer("ben")
    await world.need("ana")
    await ben.presses("I can")
    await world.person("ana").sends_photo(photo_with_secrets(), "this is the door")
    await world.person("dora").says("/need")
    await world.code()
    await world.forward(minutes=90)
    world.clear()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("ahead", [DAY, 365 * DAY, 365 * 30 * DAY])
async def test_a_clock_that_leaps_ahead_destroys_nothing_before_it_is_set_right(
    world: World, ahead: timedelta, restarted: bool
) -> None:
    await a_lived_in_union(world)
    before, right = await kept(world), world.time()
    assert all(before.values()), before
    for minutes in range(0, 120, 30):  # it takes them two hours to see it
        await goes_to(world, right + ahead + timedelta(minutes=minutes), restarted=restarted)
    await goes_to(world, right + timedelta(hours=2), restarted=restarted)
    after = await kept(world)
    lost = {name: (count, after[name]) for name, count in before.items() if after[name] < count}
    assert not lost


async def test_what_was_kept_long_enough_goes_also_when_the_bot_runs_a_day_in_a_week(world: World) -> None:
    """The doubt must not last: after a long rest the bot catches up within hours."""
    await world.person("ana").says("I need insulin")
    await world.settle()
    began = await kept(world)
    for week in range(1, 6):
        begins = datetime(2026, 3, 2, 12, tzinfo=UTC) + 7 * week * DAY
        for hour in range(24):
            await goes_to(world, begins + hour * HOUR, restarted=hour == 0)
    ended = await kept(world)
    assert ended["readable"] == ended["conversations"] == 0 < began["conversations"]
    assert ended["choices"] < began["choices"] or not began["choices"]


async def test_a_clock_that_begins_in_1970_destroys_nothing_and_asks_nobody_when_it_is_set_right(
    world: World,
) -> None:
    await a_lived_in_union(world)
    before, right = await kept(world), world.time()
    for minutes in (0, 30, 61):
        await goes_to(world, NEWBORN + timedelta(minutes=minutes), restarted=not minutes)
    world.clear()
    await goes_to(world, right + timedelta(minutes=1))
    world.nobody_hears_anything_else()
    assert await kept(world) == before
    ana = world.person("ana")
    await ana.says("/my")
    ana.hears("N-")


async def test_who_cries_for_help_while_the_clock_begins_in_1970_is_heard_and_told_on(world: World) -> None:
    await crew(world)
    right = world.time() + DAY
    await goes_to(world, NEWBORN, restarted=True)
    await world.person("ana").says("/sos 41.4000, 2.1600")
    assert rung(world) == "carla"
    assert await rings_at(world, seconds=61) == [(60, "dora")]
    await goes_to(world, right)
    assert rung(world).split().count("eva") == 1, "one step is taken for all that were missed"
    world.clear()
    await world.settle()
    world.nobody_hears_anything_else()
    await world.person("eva").presses("I take it")
    assert (await the_alert(world)).state == "taken"


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_clock_goes_a_day_forth_and_back_while_someone_is_in_danger(
    world: World, restarted: bool
) -> None:
    """One step for the day that never was; afterwards no step is left out, done twice, or a day late."""
    await crew(world)
    ana, right = world.person("ana"), world.time()
    await ana.says("/sos 41.4000, 2.1600")
    assert rung(world) == "carla"
    await goes_to(world, right + DAY, restarted=restarted)
    told = rung(world).split()
    assert sorted(set(told)) == sorted(told), "nobody's phone rings twice for one step"
    assert "dora" in told
    assert (await the_alert(world)).step == 2
    await goes_to(world, right + timedelta(minutes=1), restarted=restarted)
    assert (await the_alert(world)).step == 2, "the way back is no step"
    world.clear()
    heard = await rings_at(world, minutes=3)
    assert [names.split().count("eva") for _second, names in heard].count(1) == 1
    assert (await the_alert(world)).step == 3
    await world.forward(minutes=5)
    assert ana.inbox, "she hears where things stand"


@pytest.mark.parametrize("ahead", [DAY, 365 * DAY])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_need_does_not_wait_for_the_day_that_the_clock_was_ahead(
    world: World, ahead: timedelta, restarted: bool
) -> None:
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo", place=(41.43, 2.19))
    reference, right = await world.need("ana"), world.time()
    world.clear()
    await goes_to(world, right + ahead, restarted=restarted)
    asked = [each for each in (*ben.inbox, *cleo.inbox) if "I can" in each.labels]
    assert len(asked) <= 2
    assert sum("still need" in each.text for each in world.person("ana").inbox) <= 1
    await goes_to(world, right + timedelta(minutes=1), restarted=restarted)
    world.clear()
    await world.forward(hours=1)
    everyone = [each.text for friend in world.people.values() for each in friend.inbox]
    assert any(reference in each for each in everyone), "the search goes on within the hour"


async def test_a_volunteers_silence_is_noticed_although_the_clock_was_a_year_ahead(world: World) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    right = world.time()
    world.time.moment = right + 365 * DAY
    await ben.presses("I can")
    await goes_to(world, right)
    world.clear()
    await world.forward(hours=1)
    assert ben.inbox, "he is asked how it goes"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_number_means_the_newest_question_although_the_clock_was_ahead_when_others_were_asked(
    world: World, restarted: bool
) -> None:
    """Of those, the order stays as it was."""
    ana, right = world.person("ana"), world.time()
    await goes_to(world, right + DAY)
    await ana.says("/language")
    await world.forward(minutes=1)
    await ana.says("/forget")
    await goes_to(world, right, restarted=restarted)
    world.clear()
    await ana.says("2")
    ana.hears("All right.")
    await world.forward(minutes=1)
    await ana.says("/language")
    await world.forward(minutes=1)
    world.clear()
    await ana.says("2")
    ana.hears("A partir de ahora te escribo en español")


@pytest.mark.parametrize("restarted", [False, True])
async def test_two_unread_invitations_are_asked_about_although_the_clock_was_ahead_when_their_reader_spoke(
    world: World, restarted: bool
) -> None:
    ben, right = await world.volunteer("ben", "I can fetch medicine and walk dogs"), world.time()
    await goes_to(world, right + DAY)
    await ben.says("thanks")  # to which no buttons are shown
    await goes_to(world, right, restarted=restarted)
    await world.forward(minutes=1)
    await world.need("ana")
    await needs_a_walk(world.person("zoe"))
    world.clear()
    await ben.says("yes")
    ben.hears("Which one do you mean?")


async def test_two_invitations_that_came_while_the_clock_was_ahead_are_still_unread_when_it_is_right(
    world: World,
) -> None:
    ben, right = (
        await world.volunteer("ben", "I can fetch medicine and walk dogs"),
        world.time() + timedelta(minutes=5),
    )
    await goes_to(world, right + DAY)
    await ben.says("/my")
    await world.forward(minutes=1)
    await world.need("ana")
    await needs_a_walk(world.person("zoe"))
    await goes_to(world, right)
    await world.forward(minutes=1)
    world.clear()
    await ben.says("yes")
    ben.hears("Which one do you mean?")


async def test_who_used_another_chat_while_the_clock_was_ahead_is_told_where_they_write_now(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with two_platforms(sqlite_database, tmp_path) as world:
        here, other = await joined(world, "ana")
        right = world.time()
        await goes_to(world, right + DAY)
        await other.says("/my")
        await goes_to(world, right)
        await world.forward(minutes=1)
        await world.volunteer("ben")
        await world.need("ana")
        await world.person("ben").presses("I can")
        here.hears("Someone has accepted")


async def test_an_event_that_was_claimed_by_a_clock_ahead_is_free_for_others_in_minutes(
    database: Database,
) -> None:
    """Its worker was killed; and then the clock was set right."""
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    arrival = inbox.Arrival("1", "ana", {}, crisis=False)
    await database.run(lambda tx: inbox.accept(tx, now, "telegram", [arrival], "1", DAY))
    hold = timedelta(seconds=15)

    assert await database.run(lambda tx: inbox.claim(tx, now + DAY, "killed", 9, hold))
    assert not await database.run(lambda tx: inbox.claim(tx, now + DAY, "other", 9, hold))
    assert await database.run(lambda tx: inbox.claim(tx, now, "other", 9, hold))
    assert not await database.run(
        lambda tx: inbox.claim(tx, now - timedelta(minutes=4), "behind", 9, hold)
    ), "clocks of two hosts that differ by minutes take nothing from each other"


async def test_a_lease_of_a_clock_ahead_keeps_nobody_out(database: Database) -> None:
    """Who held it was killed; then the clock of the database was set right."""
    lasts = timedelta(seconds=6)

    def made_ahead(tx: Transaction) -> None:
        work.lease(tx, "gateway x", "killed", lasts, alone=False)
        tx.write()
        tx.session.execute(sa.update(Lease).values(expires_at=work.database_now(tx) + DAY))

    await database.run(made_ahead)
    assert await database.run(lambda tx: work.lease(tx, "gateway x", "heir", lasts, alone=False)) == 2
    assert await database.run(lambda tx: work.lease(tx, "gateway x", "late", lasts, alone=False)) is None


def test_no_time_that_a_right_clock_can_show_is_called_wrong() -> None:
    assert retention.is_surely_wrong(NEWBORN)
    assert not retention.is_surely_wrong(datetime(2026, 3, 2, tzinfo=UTC))
