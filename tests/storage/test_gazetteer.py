"""Places by name, on both engines: rightly spelt, misspelt, within sentences, in every alphabet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import gathering, gazetteer, spelling
from storage.database import Database, Transaction
from storage.gathering import Entry
from storage.likelihood import Found
from tests.storage import BOTH_ENGINES

pytestmark = BOTH_ENGINES

CENTRE = (41.39, 2.17)
HATAY = (36.2, 36.16)
ES = [
    Entry(1, "Barcelona", (("Барселона", ""), ("برشلونة", ""), ("巴塞罗那", ""), ("ברצלונה", "")),
          41.38879, 2.15899, "ES", "town", 1_620_343, "Europe/Madrid"),
    Entry(2, "Gràcia", (("Gracia", ""), ("Vila de Gràcia", "")), 41.40237, 2.15641, "ES", "town", 121_502,
          "Europe/Madrid"),
    Entry(3, "L'Hospitalet de Llobregat", (("L'Hospitalet", ""),), 41.35967, 2.10028, "ES", "town", 257_038),
    Entry(4, "Sant Joan Despí", (), 41.36667, 2.05, "ES", "town", 31_647),
    Entry(5, "San Juan", (), 42.77, -8.4, "ES", "town", 900),
    Entry(6, "San Juan", (), 42.3, 2.3, "ES", "town", 500),
    Entry(7, "Gracia", (), 37.1, -4.5, "ES", "town", 700),
]  # fmt: skip
TR = [
    Entry(11, "Antakya", (("Антакья", ""), ("أنطاكية", ""), ("Antioch", "")), 36.20655, 36.15722, "TR",
          "town", 399_045, "Europe/Istanbul"),
    Entry(12, "Kahramanmaraş", (("Maraş", ""),), 37.5847, 36.9264, "TR", "town", 376_045),
    Entry(13, "Adıyaman", (), 37.76441, 38.27629, "TR", "town", 198_433),
    Entry(14, "İskenderun", (("إسكندرون", ""),), 36.58718, 36.17347, "TR", "town", 297_943),
    Entry(15, "Антакья-Север", (), 36.25, 36.15, "TR", "town", 900),
    Entry(16, "Харків", (("Харьков", ""), ("Kharkiv", "")), 36.3, 36.3, "TR", "town", 1_433_886),
]  # fmt: skip


def load(tx: Transaction) -> None:
    gathering.replace_batch(tx, "ES", ES)
    gathering.replace_batch(tx, "TR", TR)


@pytest.fixture
async def loaded(database: Database) -> Database:
    await database.run(load)
    return database


async def finds(loaded: Database, text: str, centre: tuple[float, float] | None = CENTRE) -> list[Found]:
    return await loaded.run(lambda tx: gazetteer.find(tx, text, centre))


def names(found: Sequence[Found]) -> list[str]:
    return [each.name for each in found]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Gràcia", "Gràcia"),
        ("GRACIA", "Gràcia"),
        ("g\u200bracia", "Gràcia"),
        ("estoy en la vila de gracia", "Gràcia"),
        ("L'Hospitalet", "L'Hospitalet de Llobregat"),
        ("l hospitalet", "L'Hospitalet de Llobregat"),
        ("мы рядом, Барселона", "Barcelona"),
        ("نحن في برشلونه", "Barcelona"),
        ("我们在巴塞罗那", "Barcelona"),
        ("אני בברצלונה", "Barcelona"),
        ("Carrer de Verdi 12, Gràcia, Barcelona", "Gràcia"),
    ],
)
async def test_a_place_is_found_as_it_is_written(loaded: Database, text: str, name: str) -> None:
    assert names(await finds(loaded, text))[0] == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("we are near the school in Antakia", "Antakya"),
        ("Antakya'da enkaz var", "Antakya"),
        ("antakyada", "Antakya"),
        ("Karamanmarash", "Kahramanmaraş"),
        ("kahramanmaras merkez acil yardim", "Kahramanmaraş"),
        ("adiyamn", "Adıyaman"),
        ("ADIYAMAN", "Adıyaman"),
        ("iskenderun", "İskenderun"),
        ("eskenderun", "İskenderun"),
        ("نحن بأنطاكيا", "Antakya"),
        ("мы в Харькове", "Харків"),
    ],
)
async def test_misspelt_after_an_earthquake(loaded: Database, text: str, name: str) -> None:
    assert names(await finds(loaded, text, HATAY))[0] == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("estoy en Grasia junto al mercado", "Gràcia"),
        ("ospitalet", "L'Hospitalet de Llobregat"),
        ("San Juan Despi", "Sant Joan Despí"),
        ("Barselonna", "Barcelona"),
    ],
)
async def test_a_misspelt_place_is_only_guessed(loaded: Database, text: str, name: str) -> None:
    found = await finds(loaded, text)
    assert found[0].name == name
    assert not found[0].exact


@pytest.mark.parametrize(
    "text",
    ["necesito ayuda con la compra", "please come quickly we have no water", "12", "?", "ا", "\u200b"],
)
async def test_ordinary_words_are_no_places(loaded: Database, text: str) -> None:
    assert await finds(loaded, text) == []


async def test_the_nearest_of_one_name_stands_first_and_a_larger_place_named_beside_it_last(
    loaded: Database,
) -> None:
    assert [each.latitude for each in await finds(loaded, "San Juan")] == [42.3, 42.77]
    assert [each.latitude for each in await finds(loaded, "San Juan", (42.7, -8.4))] == [42.77, 42.3]
    gracia, *others, barcelona = await finds(loaded, "Barcelona, Gracia")
    assert (gracia.name, gracia.supported) == ("Gràcia", True)
    assert (barcelona.name, barcelona.holds_another) == ("Barcelona", True)
    assert len(others) == 1  # its namesake far away


async def test_a_country_read_in_again_takes_the_place_of_what_it_was(loaded: Database) -> None:
    await loaded.run(lambda tx: gathering.replace_batch(tx, "ES", ES[:1]))
    assert await loaded.run(gathering.count) == {"ES": 1, "TR": len(TR)}
    assert await finds(loaded, "Gràcia") == []
    assert await finds(loaded, "Grasia") == []
    assert names(await finds(loaded, "Barselona"))[0] == "Barcelona"


async def test_the_unions_own_places_are_merged_by_their_ids(loaded: Database) -> None:
    hub = Entry(-5, "Casa Orlandai", (("Orlandai", ""),), 41.3990, 2.1220, kind="hub")
    moved = Entry(-5, "Casa Orlandai", (), 41.3995, 2.1225, kind="hub")
    assert await loaded.run(lambda tx: gathering.merge_own(tx, [hub])) == 1
    assert await loaded.run(lambda tx: gathering.merge_own(tx, [hub])) == 0
    assert await loaded.run(lambda tx: gathering.merge_own(tx, [moved])) == 0
    assert [each.latitude for each in await finds(loaded, "casa orlandai")] == [41.3995]
    assert await finds(loaded, "orlandai") == []
    await loaded.run(lambda tx: gathering.replace_batch(tx, "ES", ES))
    assert names(await finds(loaded, "cassa orlandai")) == ["Casa Orlandai"]


async def test_an_area_is_called_by_the_unions_own_name_before_a_towns(
    loaded: Database,
) -> None:
    own = [
        Entry(-1, "Vallcarca", (("Vallcarca i els Penitents", "ca"),), 41.4125, 2.1420),
        Entry(-2, "Hospital de Sant Pau", (), 41.4136, 2.1744, kind="hospital"),
    ]
    await loaded.run(lambda tx: gathering.merge_own(tx, own))

    async def near(latitude: float, longitude: float) -> gazetteer.Area | None:
        return await loaded.run(lambda tx: gazetteer.nearest(tx, latitude, longitude))

    area = await near(41.4130, 2.1430)
    assert area is not None
    assert (area.called("en"), area.called("ca")) == ("Vallcarca", "Vallcarca i els Penitents")
    assert area.time_zone == "Europe/Madrid"
    other = await near(41.4136, 2.1744)
    assert other is not None
    assert other.name == "Gràcia"  # a hospital is no area
    assert await near(0.0, 0.0) is None


# --- spelling, pure -------------------------------------------------------------------------------

NAMES = st.text("abcdefghijklmnopqrstuvwxyzàéıñşçABC 'АБВГДежзأنطاكية", min_size=4, max_size=24)
Slip = Callable[[str, Random], str]


def dropped(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[:at] + text[at + 1 :]


def exchanged(text: str, random: Random) -> str:
    at = random.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def added(text: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(text) + text[at:]


def replaced(text: str, random: Random) -> str:
    at = random.randrange(len(text))
    return text[:at] + random.choice(text) + text[at + 1 :]


@settings(deadline=None)
@given(NAMES, st.sampled_from([dropped, exchanged, added, replaced]), st.randoms(use_true_random=False))
def test_one_slip_always_meets_the_name_in_the_index(name: str, slip: Slip, random: Random) -> None:
    known = spelling.key(name)
    if len(known) >= 5:
        typed = slip(known, random)
        assert spelling.misspellings(known) & spelling.misspellings(typed)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_can_be_spelt(text: str) -> None:
    words = spelling.words(text)
    for span in spelling.spans(words):
        assert span.key
        assert 0 <= span.first < span.end <= len(words)
