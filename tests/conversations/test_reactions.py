"""An emoji on a message of the bot presses a button; what cannot be meant so is passed over in silence."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from handlers.reactions import chosen, number, plain
from storage.database import Transaction
from storage.tables import Choice, Outbox
from tests.conversations.acts import reacts
from tests.world import World


@pytest.mark.parametrize("emoji", ["1️⃣", "1", "👍", "👍🏿", "✅", "👌🏻", "❤️", "❤", "🙏🏽"])
async def test_a_yes_accepts_the_invitation(world: World, emoji: str) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    ben.hears("Can you help")
    await reacts(world, ben, emoji, "Can you help")
    ben.hears("open to you", "insulin")


@pytest.mark.parametrize("emoji", ["2️⃣", "👎", "👎🏼", "❌"])
async def test_a_no_declines_it(world: World, emoji: str) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    world.clear()
    await reacts(world, ben, emoji, "Can you help")
    ben.hears("Thank you for telling me")


@pytest.mark.parametrize("emoji", ["🎉", "9️⃣", "🔟", "", "👍👍"])
async def test_what_presses_nothing_is_passed_over(world: World, emoji: str) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    world.clear()
    await reacts(world, ben, emoji, "Can you help")
    world.nobody_hears_anything_else()


async def test_an_emoji_on_words_that_were_passed_on_presses_nothing_and_is_not_passed_on(
    world: World,
) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    await ben.presses("I can")
    await ben.says("I see it")
    world.clear()
    ana = world.person("ana")
    await reacts(world, ana, "👍", "I see it")
    await reacts(world, ana, "1️⃣", "I see it")
    world.nobody_hears_anything_else()


async def test_a_number_presses_also_in_a_form(world: World) -> None:
    ana = world.person("ana")
    await ana.says("I need insulin")
    ana.hears("Is that right?", "Yes")
    await reacts(world, ana, "1️⃣")
    ana.hears("Where is help needed?")
    await reacts(world, ana, "1️⃣", "Is that right?")
    ana.hears("answered before")


async def test_the_only_button_is_meant_by_any_yes(world: World) -> None:
    carla = await world.coordinator("carla")
    await world.person("ana").says("sos")
    carla.hears("🔴 A-", "I take it")
    await reacts(world, carla, "👍", "🔴")
    carla.hears("You are in charge")


async def test_a_stale_one_is_answered_like_a_stale_button(world: World) -> None:
    ben, cleo = await world.volunteer("ben"), await world.volunteer("cleo")
    reference = await world.need("ana")
    await ben.presses("I can")
    world.clear()
    await reacts(world, cleo, "👍", "Can you help")
    cleo.hears(f"{reference} is no longer open")

    def forget_buttons(tx: Transaction) -> None:
        tx.session.execute(sa.delete(Choice))

    await world.database.run(forget_buttons)
    await reacts(world, cleo, "👍", "Can you help")
    cleo.hears("no longer valid")
    await reacts(world, cleo, "🎉", "Can you help")
    cleo.hears_nothing()


async def test_who_is_unknown_is_not_met_by_an_emoji(world: World) -> None:
    await reacts(world, world.person("ana"), "👍")
    world.nobody_hears_anything_else()


@pytest.mark.parametrize(
    ("emoji", "means", "found"),
    [
        ("👍", ("", "yes"), 2), ("👍", ("", ""), None), ("👍", ("",), 1), ("👎", ("",), None),
        ("👎", ("yes", "no"), 2), ("2⃣", ("", ""), 2), ("3️⃣", ("", ""), None), ("🔟", ("",) * 10, 10),
        ("0️⃣", ("",), None), ("10", ("",) * 10, None), ("²", ("", ""), None),
    ],
)  # fmt: skip
def test_which_button_an_emoji_presses(emoji: str, means: tuple[str, ...], found: int | None) -> None:
    assert chosen(emoji, means) == found


def test_variants_say_nothing() -> None:
    assert plain("👍🏾") == "👍"
    assert plain("✋🏻\ufe0f") == "✋"
    assert [number(f"{digit}\ufe0f\u20e3") for digit in range(1, 10)] == list(range(1, 10))


async def test_a_press_counts_though_the_process_ended_before_it_knew_its_own_message(world: World) -> None:
    ben = await world.volunteer("ben")
    await world.need("ana")
    ben.hears("Can you help")

    def forget_the_id(tx: Transaction) -> None:
        shown = sa.update(Outbox).where(Outbox.invitation_id.is_not(None))
        later = world.time() + timedelta(minutes=1)
        tx.session.execute(
            shown.values(message_id=None, state="waiting", reason="the process ended", due_at=later)
        )

    await world.database.run(forget_the_id)
    await reacts(world, ben, "👍", "Can you help")
    ben.hears("open to you", "insulin")
