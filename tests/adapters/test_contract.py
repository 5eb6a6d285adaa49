"""The contract that every adapter keeps: the same acts bring the same events, the same answers arrive.

`any_world` runs each story on every platform; the conversations in `tests/conversations` use it too.
"""

from __future__ import annotations

import io

from PIL import Image

from tests.world import Friend, World


async def talking(world: World) -> tuple[Friend, Friend]:
    """Ana and Ben in a talk, with all that led to it cleared."""
    ben, ana = await world.volunteer("ben"), world.person("ana")
    await world.need("ana")
    await ben.presses("I can")
    world.clear()
    return ana, ben


async def test_words_arrive_as_they_were_written(any_world: World) -> None:
    ana, ben = await talking(any_world)
    for words in ('<b>bold</b> & "quoted"', "{name} %s \\n", "مرحبا ‏abc‏", "👩‍👩‍👧 é́", "a\n\nb"):
        await ana.says(words)
        assert ben.hears("from the one who asked").text.endswith(words)


async def test_a_long_message_arrives_whole(any_world: World) -> None:
    ana, ben = await talking(any_world)
    words = " ".join(f"word{number}" for number in range(600))
    await ana.says(words)
    heard = " ".join(message.text for message in ben.inbox)
    assert all(word in heard for word in words.split())


async def test_messages_arrive_in_the_order_in_which_they_were_said(any_world: World) -> None:
    ana, ben = await talking(any_world)
    for number in range(5):
        await any_world.platform.says("ana", f"line {number}")
    await any_world.settle()
    for number in range(5):
        ben.hears(f"line {number}")
    ana.hears_nothing()


async def test_a_press_counts_for_the_one_who_was_asked_only(any_world: World) -> None:
    ana, ben = await talking(any_world)
    await ben.presses("15 minutes")
    ben.hears("I have told them")
    ana.hears("15 minutes")
    ana.hears("Your volunteer is expected")  # the card, kept current
    any_world.nobody_hears_anything_else()


async def test_a_place_and_a_photo_arrive(any_world: World) -> None:
    ana, ben = await talking(any_world)
    await ana.sends_place(41.41, 2.15)
    places = [message.place for message in ben.inbox if message.place is not None]
    assert [(round(place.latitude or 0, 2), round(place.longitude or 0, 2)) for place in places] == [
        (41.41, 2.15)
    ]
    ben.inbox.clear()
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    await ana.sends_photo(picture.getvalue(), "the door")
    message = ben.hears("the door")
    assert message.file is not None
    assert message.file.mime == "image/jpeg"


async def test_edits_and_replies_find_what_they_belong_to(any_world: World) -> None:
    ana, ben = await talking(any_world)
    await ana.says("The blue door")
    ben.hears("The blue door")
    await ana.edits("The green door")
    ben.sees_changed("The green door")
    await ben.replies("The green door", "I see it")
    ana.hears("I see it")


async def test_who_blocks_the_bot_is_not_written_to(any_world: World) -> None:
    ana, ben = await talking(any_world)
    await ben.blocks_the_bot()
    ana.hears("can't come after all")
    await ana.says("/my")
    ben.hears_nothing()
