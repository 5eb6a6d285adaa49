"""The hours after an earthquake: what people really write, in three languages, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from handlers.context import Union
from handlers.messages import _
from storage import cells, gathering
from storage.database import Database
from storage.gathering import Entry
from storage.tables import Need
from tests.conversations.acts import place_of, rendered
from tests.conversations.neighbours import asks, neighbour
from tests.world import BARCELONA, World, console_world

NEAR = (41.403, 2.165)


# --- what is needed, from plain words ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("We need drinking water and blankets, we are six people outside in Garcia",
         ("Drinking water", "Blankets and bedding")),
        ("my mother ran out of insulin since the quake, pharmacy closed, can someone bring it",
         ("Fetch medicine",)),
        ("can someone check if our building is safe to go back in", ("Check if a building is safe",)),
        ("we need a tent or somewhere to sleep, 4 adults 2 kids, Sagrda Familia",
         ("Tents and camping things", "A place to sleep")),
    ],
)  # fmt: skip
async def test_english_words_become_a_need_of_the_right_kind(
    world: World, words: str, kinds: tuple[str, ...]
) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says(words)
    ana.hears(*kinds, "Is that right?")
    await ana.presses("Yes")
    ana.hears("Where is help needed?")
    await ana.sends_place(*NEAR)
    ana.hears("N-", kinds[0], "You will hear from me within")
    carla.hears("🟠 A-", "I take it")  # nobody offers anything yet: a coordinator hears at once


async def test_voices_under_a_house_are_a_crisis_before_they_are_a_need(world: World) -> None:
    carla, ana = await world.coordinator("carla"), world.person("ana")
    await ana.says("Who can dig? We hear voices under the house next door")
    ana.hears("112", "Knock on a pipe or a wall", "I have told 1 coordinator")
    carla.hears("🔴 A-", "nobody yet", "I take it")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("necesitamos agua potable y mantas en Garcia, somos seis", "Drinking water"),
        ("alguien nos puede dejar una tienda de campaña? dormimos en la calle en Sagrada Famlia",
         "Tents and camping things"),
        ("no tenemos luz, puedo cargar el movil en algun sitio", "Generators and electricity"),
        ("no tenemos luz, puedo cargar el movil en algun sitio", "Charge phones and devices"),
    ],
)  # fmt: skip
async def test_spanish_words_become_a_need_of_the_right_kind(world: World, words: str, kind: str) -> None:
    await world.coordinator("carla")
    rosa = world.person("rosa")
    await rosa.says("/language es")
    rosa.inbox.clear()
    await rosa.says(words)
    named = rendered(world, _(kind))
    rosa.hears(named, rendered(world, _("Is that right?")))
    await rosa.presses(rendered(world, _("Yes")))
    await rosa.sends_place(*NEAR)
    assert any(each.text.startswith("N-") and named in each.text for each in rosa.inbox)


async def test_who_asks_for_their_mother_is_asked_if_that_pin_is_where_she_is(world: World) -> None:
    ben = await neighbour(world, "ben", "medicine", place=NEAR)
    rosa = world.person("rosa")
    await rosa.says("/language es")
    rosa.inbox.clear()
    await rosa.says("necesito insulina para mi madre, la farmacia esta cerrada desde el temblor")
    rosa.hears(rendered(world, _("Fetch medicine")))
    await rosa.presses(rendered(world, _("Yes")))
    await rosa.sends_place(*NEAR)
    ben.hears_nothing()
    await rosa.presses(rendered(world, _("Help is needed there")))
    ben.hears("Fetch medicine", "minutes from you", without=["madre"])


async def test_who_writes_turkish_chooses_the_kind_and_is_read_in_their_own_words(world: World) -> None:
    ben = await neighbour(world, "ben", "tents", place=NEAR)
    aylin = world.person("aylin")
    await aylin.says("çadır lazım, dışarıdayız, Antakyya")
    aylin.hears("did not understand", "I need help")
    await aylin.presses("I need help")
    aylin.inbox.clear()
    await aylin.says("çadır lazım, dışarıdayız, Antakyya")
    aylin.hears("What kind of help is it?", "A place to sleep", "More kinds of help")
    await aylin.presses("More kinds of help")
    await aylin.presses("Shelter")
    await aylin.presses("Tents and camping things")
    await aylin.presses("Yes")
    await aylin.sends_place(*NEAR)
    await aylin.presses("For me")
    ben.hears("Tents and camping things", without=["çadır", "Antakyya"])
    await ben.presses("I can")
    ben.hears("“çadır lazım, dışarıdayız, Antakyya”")


async def test_the_area_is_stored_coarsely_and_the_pin_opens_with_the_yes(world: World) -> None:
    ben = await neighbour(world, "ben", "drinking_water", place=NEAR)
    far = await neighbour(world, "far", "drinking_water", place=(42.5, 1.5))
    await world.need("ana", "We need drinking water", place=NEAR)
    ben.hears("Drinking water", "minutes from you", without=["41.4", "km"])
    far.hears_nothing()
    await ben.presses("I can")
    assert place_of(ben, ben.hears("open to you")) == NEAR


HATAY = (
    Entry(1, "Antakya", (("Antioquía", "es"), ("Antioch", "en")), 36.2066, 36.1572, "TR", "town", 377_793),
    Entry(2, "Kırıkhan", (("Kirikhan", ""),), 36.4994, 36.3575, "TR", "town", 70_000),
    Entry(3, "İskenderun", (("Alejandreta", "es"),), 36.5872, 36.1735, "TR", "town", 184_833),
    Entry(4, "Samandağ", (("Samandag", ""),), 36.0847, 35.9775, "TR", "town", 45_000),
)


@pytest.fixture
async def hatay(sqlite_database: Database) -> AsyncIterator[World]:
    """A union around Antakya that knows its towns by name."""
    await sqlite_database.run(lambda tx: gathering.replace_batch(tx, "TR", list(HATAY)))
    union = Union(country="TR", centre=(36.2, 36.16), area_radius=80_000, countries=("TR",))
    async with console_world(sqlite_database, union) as made:
        yield made


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("we are next to the school in Antakyaa", HATAY[0]),
        ("Atioch, the big parking", HATAY[0]),
        ("estamos en Antioquia, junto al puente", HATAY[0]),
        ("Alejandretta", HATAY[2]),
        ("Kirikhann", HATAY[1]),
        ("iskenderum", HATAY[2]),
        ("SAMANDAG sahil", HATAY[3]),
    ],
)
async def test_a_misspelled_town_is_found(hatay: World, words: str, place: Entry) -> None:
    ana = hatay.person("ana")
    await ana.says("I need blankets")
    await ana.presses("Yes")
    hatay.clear()
    await ana.says(words)
    asked = ana.inbox[0]
    button = next((each for each in asked.labels if place.name in each), None)
    if button is not None:  # one tap, where it could be another word
        await ana.presses(button)
    area = await hatay.database.run(
        lambda tx: [(each.latitude, each.longitude) for each in tx.session.scalars(sa.select(Need))]
    )
    assert area == [cells.snap(place.latitude, place.longitude)], asked


# --- nobody is left without an answer -----------------------------------------------------------------

MESSAGES = (
    "help", "we are ok thanks", "is anyone there???", "there was another one just now", "çadır lazım",
    "su yok, ekmek yok", "yardım", "Bebek maması ve suya ihtiyacımız var, Kırıkhan", "annem insülinsiz kaldı",
    "donde estan los voluntarios", "agua por favor", "gracias", "estamos en la calle",
    "how do I find my brother", "the road to Gracai is closed", "🙏", "?", "I have a van and two free hands",
)  # fmt: skip


async def test_everyone_who_writes_is_answered(world: World) -> None:
    await world.coordinator("carla")
    for number, words in enumerate(MESSAGES):
        someone = world.person(f"person{number}")
        await someone.says(words)
        assert someone.inbox, words


@pytest.mark.parametrize(
    "words",
    [
        "people trapped under the rubble in carrer de Verdi please send help",
        "my father is under the rubble and doesnt answer",
        "My father is under the rubble and doesn’t answer",
        "mi padre esta bajo los escombros y no contesta",
        "there is gas smell in our building and the stairs are cracked",
        "se ha caido una pared, hay gente atrapada debajo",
        "mi abuela no respira",
    ],
)
async def test_danger_goes_to_a_coordinator_at_once(world: World, words: str) -> None:
    carla = await world.coordinator("carla")
    ana = world.person("ana")
    await ana.says(words)
    ana.hears("112")
    carla.hears("🔴 A-", "I take it")


# --- many at once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [0, 8])
async def test_of_twelve_who_ask_in_the_same_minutes_each_has_someone_asked(world: World, apart: int) -> None:
    for number in range(30):
        await neighbour(world, f"ben{number:02}", "drinking_water", place=(41.40 + number / 8000, 2.165))
    for number in range(12):
        await asks(world, f"ana{number:02}", ("drinking_water", 1), place=NEAR)
        await world.forward(seconds=apart)
    await world.forward(seconds=10)
    questions = Counter(
        name
        for name, friend in world.people.items()
        for message in friend.inbox
        if "Can you help" in message.text
    )
    about = {
        message.text.split("N-")[1][:4]
        for name in questions
        for message in world.person(name).inbox
        if "Can you help" in message.text
    }
    assert max(questions.values()) == 1
    assert len(about) == 12


# --- those who are asked --------------------------------------------------------------------------------


async def test_one_who_never_answers_holds_nothing_up(world: World) -> None:
    silent = await neighbour(world, "silent", place=BARCELONA)
    carla = await world.coordinator("carla")
    reference = await asks(world, "ana")
    await world.settle()
    silent.hears("Fetch medicine", reference)
    late = await neighbour(world, "late", place=(41.41, 2.17))
    await world.forward(minutes=15)
    late.hears("Fetch medicine", reference)
    await late.presses("I can")
    late.hears(reference, "open to you")
    world.person("ana").hears("I have asked")
    carla.inbox.clear()
    silent.inbox.clear()
    await silent.presses("I can")
    silent.hears(f"{reference} is no longer open")


async def test_one_who_gives_up_at_the_door_is_thanked_and_others_are_asked(world: World) -> None:
    ben = await neighbour(world, "ben", place=BARCELONA)
    reference = await asks(world, "ana", urgent=True)
    await world.settle()
    ana = world.person("ana")
    await ben.presses("I can")
    await ben.presses("15 minutes")
    await world.forward(minutes=14)
    cleo = await neighbour(world, "cleo", place=(41.41, 2.17))
    world.clear()
    await ben.presses("I can't after all")
    ben.hears("Thank you for telling me")
    ana.hears(reference, "can't come after all")
    cleo.hears("Fetch medicine", reference)
    await ana.says("The door is open")  # there is no talk any more in which Ben could read it
    assert not any("The door is open" in each.text for each in ben.inbox)
    await cleo.presses("I can")
    cleo.hears(reference, "open to you")


KINDS = ("food", "transport", "company", "carrying", "repair", "papers", "pets", "goods", "digital", "tents")


async def test_of_two_who_press_at_the_same_moment_exactly_one_has_it(world: World) -> None:
    for kind in KINDS:
        pair = [await neighbour(world, f"{name} with {kind}", kind) for name in ("ben", "cleo")]
        reference = await asks(world, f"ana of {kind}", (kind, 1))
        await world.settle()
        world.clear()
        for friend in pair:
            await friend.platform.presses(friend.name, "I can")
        await world.settle()
        has_it = [friend for friend in pair if any("open to you" in each.text for each in friend.inbox)]
        assert len(has_it) == 1
        hears = [each.text for friend in pair if friend not in has_it for each in friend.inbox]
        assert any(reference in text and ("no longer open" in text or "taken" in text) for text in hears)
