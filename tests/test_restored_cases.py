"""A backup comes back: what is over stays over, and who was in charge of something still is."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.backup import backup
from bot.restore import Wish, restore
from bot.settings import Settings
from storage import needs, returning
from storage.database import Database, Transaction
from storage.tables import Alert, Inbox, Lease, Need, Person
from tests.restoring import MORNING, living, lose, settings_in
from tests.storage import MINUTE
from tests.world import NOON, Friend, Time, World


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return settings_in(tmp_path)


async def the_alert(database: Database, reference: str | None = None) -> Alert:
    query = sa.select(Alert).where(Alert.kind == "sos")
    if reference is not None:
        query = query.where(Alert.reference == reference)
    return await database.run(lambda tx: tx.session.scalars(query).one())


def heard(friend: Friend) -> str:
    return "\n".join(message.text for message in friend.inbox)


# --- over ---------------------------------------------------------------------------------------------------


async def test_no_alert_that_was_closed_since_is_paged_and_one_that_is_open_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    async with living(settings) as world:
        carla, ben = await world.coordinator("carla"), await world.volunteer("ben")
        ana, dan = world.person("ana"), world.person("dan")
        need = await world.need("eve")
        assert ben.inbox
        for person in (ana, dan):
            await person.says("/sos the curtains are burning")
        await backup(settings, world.time())
        await carla.presses("I take it")
        await carla.says("/take")
        taken = await world.database.run(
            lambda tx: list(tx.session.scalars(sa.select(Alert).where(Alert.state == "taken")))
        )
        for alert in taken[:1]:
            await carla.says(f"/resolve {alert.reference} helped")
        closed = await world.database.run(
            lambda tx: list(
                tx.session.scalars(sa.select(Alert.reference).where(Alert.resolved_at.is_not(None)))
            )
        )
        assert len(closed) == 1
        await world.person("eve").says("/stop")
    await lose(settings)
    said = await restore(settings, Wish(), MORNING)
    assert any("2 cases ended again" in line for line in said), said
    async with living(settings, Time(MORNING), seed=2) as world:
        carla, ben = world.person("carla"), world.person("ben")
        await world.forward(hours=2)
        paged = "\n".join(message.text for message in carla.inbox)
        assert closed[0] not in paged
        assert "A-" in paged, "the other is open, and nobody is in charge of it"
        assert not any(need in message.text for message in ben.inbox)
        still = await world.database.run(
            lambda tx: list(tx.session.scalars(sa.select(Alert).where(Alert.reference == closed[0])))
        )
        assert [(each.state, each.outcome) for each in still] == [("resolved", returning.ENDED)]


async def test_a_case_of_which_the_operator_knows_that_it_had_ended_is_not_paged(settings: Settings) -> None:
    async with living(settings) as world:
        await world.coordinator("carla")
        await world.person("ana").says("/sos the curtains are burning")
        reference = await world.database.run(lambda tx: tx.session.scalars(sa.select(Alert.reference)).one())
        await backup(settings, NOON)
    await lose(settings, ledger=True)
    said = await restore(settings, Wish(), MORNING)
    assert any(f"Still open, as far as the backup knows: {reference} (sos)" in line for line in said)
    said = await restore(settings, Wish(replace=True, ended=(reference, "A-0000")), MORNING)
    assert "There is no open case A-0000; nothing was ended by that name." in said
    async with living(settings, Time(MORNING), seed=2) as world:
        await world.forward(hours=1)
        assert not any(reference in each.text for each in world.person("carla").inbox)
        assert await world.database.run(
            lambda tx: tx.session.scalar(sa.select(sa.func.count()).select_from(Lease.__table__))
        )
        assert (
            await world.database.run(
                lambda tx: tx.session.scalar(sa.select(sa.func.count()).where(Inbox.outcome.is_(None)))
            )
            == 0
        )


# --- in charge ----------------------------------------------------------------------------------------------


async def an_sos(world: World) -> tuple[Friend, Friend, Friend]:
    """Carla and Dora are coordinators; Ana is in danger, and both know."""
    carla, dora = await world.coordinator("carla"), await world.coordinator("dora")
    ana = world.person("ana")
    await ana.says("/sos the curtains are burning")
    assert "nobody yet" in heard(carla)
    assert "nobody yet" in heard(dora)
    world.clear()
    return carla, dora, ana


async def test_what_was_taken_since_is_in_the_same_hands_again_and_nobody_is_paged(
    settings: Settings,
) -> None:
    async with living(settings) as world:
        carla, dora, ana = await an_sos(world)
        reference = (await the_alert(world.database)).reference
        await backup(settings, world.time())
        await world.forward(minutes=1)
        await carla.presses("I take it")
        taken_at = world.time()
    await lose(settings)
    said = await restore(settings, Wish(), taken_at + 10 * MINUTE)
    assert any("1 alerts put into the hands in which they were" in line for line in said), said
    assert any(f"In somebody's hands, as far as is known: {reference} (sos)" in line for line in said), said
    assert not any("Still open" in line for line in said)

    async with living(settings, Time(taken_at + 15 * MINUTE), seed=2) as world:
        carla, dora, ana = (world.person(name) for name in ("carla", "dora", "ana"))
        await world.settle()
        alert = await the_alert(world.database)
        assert (alert.state, alert.taken_at) == ("taken", taken_at)
        assert f"Are you still on {reference}?" in heard(carla)
        assert reference not in heard(dora), "she is not paged"
        await carla.presses("Yes, I am on it")
        world.clear()

        await ana.says("The smoke comes under the door")
        assert "The smoke comes under the door" in heard(carla), "they talk through the bot as before"
        await carla.replies("The smoke comes under the door", "Stay at the window")
        assert "Stay at the window" in heard(ana)
        await world.forward(minutes=10)
        assert reference not in heard(dora)


async def test_without_an_answer_of_the_one_who_was_in_charge_the_others_are_paged_again(
    settings: Settings,
) -> None:
    """Nobody knows what happened while the bot was away; once too often is better than never."""
    async with living(settings) as world:
        carla, _dora, _ana = await an_sos(world)
        reference = (await the_alert(world.database)).reference
        await backup(settings, world.time())
        await world.forward(minutes=1)
        await carla.presses("I take it")
    await lose(settings)
    await restore(settings, Wish(), MORNING)
    async with living(settings, Time(MORNING), seed=2) as world:
        await world.settle()
        assert reference not in heard(world.person("dora"))
        await world.forward(minutes=30)
        assert reference in heard(world.person("dora"))
        await world.person("dora").presses("I take it")
        assert "Dora has taken charge" in heard(world.person("ana"))


@pytest.mark.parametrize("what_is_left", ["the list beside it", "a newer backup", "the database itself"])
async def test_the_last_one_who_took_it_over_is_in_charge_whatever_is_left(
    settings: Settings, tmp_path: Path, what_is_left: str
) -> None:
    async with living(settings) as world:
        carla, dora, _ana = await an_sos(world)
        await backup(settings, NOON)
        old = next((tmp_path / "data" / "backups").glob("*.backup"))
        await world.forward(minutes=1)
        await carla.presses("I take it")
        await world.forward(minutes=1)
        await carla.presses("Hand over")
        await carla.presses("Dora")
        await carla.presses("Skip")
        await dora.presses("I take over")
        alert, owner = await the_alert(world.database), await person_of(world, "dora")
        assert alert.owner_id == owner
        if what_is_left == "a newer backup":
            await backup(settings, world.time())
    path = settings.data_file(".db")
    if what_is_left == "the database itself":
        settings.data_file(".ledger").unlink()
    else:
        await lose(settings, ledger=what_is_left == "a newer backup")
    await restore(settings, Wish(old, replace=path.exists()), MORNING)
    async with living(settings, Time(MORNING), seed=2) as world:
        await world.settle()
        alert = await the_alert(world.database)
        assert (alert.state, alert.owner_id) == ("taken", owner)
        assert "Are you still on" in heard(world.person("dora"))
        assert alert.reference not in heard(world.person("carla"))


async def person_of(world: World, name: str) -> object:
    from storage import people

    index = world.database.vault.index("address", "console", name)
    return await world.database.run(lambda tx: people.load(tx, [index])[index].person.id)


async def test_what_was_given_back_since_has_nobody_and_is_paged_at_once(settings: Settings) -> None:
    async with living(settings) as world:
        carla, _dora, _ana = await an_sos(world)
        await world.forward(minutes=1)
        await carla.presses("I take it")
        await backup(settings, world.time())
        await world.forward(minutes=1)
        await carla.presses("Hand back")
    await lose(settings)
    said = await restore(settings, Wish(), MORNING)
    assert any("Still open" in line for line in said), said
    async with living(settings, Time(MORNING), seed=2) as world:
        await world.settle()
        alert = await the_alert(world.database)
        assert (alert.state, alert.owner_id) == ("open", None)
        assert all(alert.reference in heard(world.person(name)) for name in ("carla", "dora"))


async def test_a_list_that_missed_a_line_puts_nobody_in_charge_against_the_database(
    settings: Settings,
) -> None:
    """The disk was full when Carla gave it back; the bot starts again on its own, newest database."""
    async with living(settings) as world:
        carla, _dora, _ana = await an_sos(world)
        await world.forward(minutes=1)
        await carla.presses("I take it")
        ledger = settings.data_file(".ledger").read_bytes()
        assert b"\ntaken " in ledger
        await world.forward(minutes=1)
        await carla.presses("Hand back")
        assert settings.data_file(".ledger").read_bytes() != ledger
        settings.data_file(".ledger").write_bytes(ledger)
    async with living(settings, Time(NOON + 3 * MINUTE), seed=2) as world:
        alert = await the_alert(world.database)
        assert (alert.state, alert.owner_id) == ("open", None)
        await world.person("dora").says("/take")
        assert "You are in charge" in heard(world.person("dora"))


async def test_who_became_a_coordinator_after_the_backup_is_not_known_as_one_so_the_others_are_paged(
    settings: Settings,
) -> None:
    async with living(settings) as world:
        await an_sos(world)
        reference = (await the_alert(world.database)).reference
        await world.person("eve").says("hello")
        await backup(settings, world.time())
        await world.forward(minutes=1)
        eve = await world.coordinator("eve")
        await eve.says(f"/take {reference}")
        assert "You are in charge" in heard(eve)
    await lose(settings)
    await restore(settings, Wish(), MORNING)
    async with living(settings, Time(MORNING), seed=2) as world:
        await world.settle()
        assert (await the_alert(world.database)).state == "open"
        assert reference in heard(world.person("dora"))


# --- gone since ---------------------------------------------------------------------------------------------


async def test_what_someone_who_left_since_was_in_charge_of_or_had_accepted_goes_to_others_again(
    settings: Settings,
) -> None:
    """It went to others when she left; in the backup it is hers, and she is forgotten again."""
    async with living(settings) as world:
        carla = await world.coordinator("carla")
        ben = await world.volunteer("ben")
        need = await world.need("eve")
        await ben.presses("I can")
        await world.person("ana").says("/sos the curtains are burning")
        await carla.presses("I take it")
        await backup(settings, world.time())
        await world.coordinator("dora")
        await world.forward(minutes=1)
        for gone in (carla, ben):
            await gone.says("/forget")
            await gone.presses("Yes, delete everything")
    await lose(settings)
    said = await restore(settings, Wish(), MORNING)
    assert any("2 people forgotten again" in line for line in said), said

    def left(tx: Transaction) -> tuple[object, ...]:
        people = tx.session.scalar(sa.select(sa.func.count()).select_from(Person.__table__))
        alert = tx.session.scalars(sa.select(Alert).where(Alert.kind == "sos")).one()
        asked = tx.session.scalars(sa.select(Need).where(Need.reference == need)).one()
        return people, alert.state, alert.owner_id, asked.state, len(needs.commitments(tx, asked.id))

    async with living(settings, Time(MORNING), seed=2) as world:
        assert await world.database.run(left) == (2, "open", None, "open", 0), "Eve and Ana are known"
        dora = await world.coordinator("dora")
        fay = await world.volunteer("fay")
        await world.forward(hours=1)
        assert (await the_alert(world.database)).reference in heard(dora)
        assert need in heard(fay), "someone else is asked"
