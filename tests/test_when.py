"""When, how often and how many: read from plain words, by a clock that is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.setup import LOCALES
from handlers import counting, when

MADRID = "Europe/Madrid"
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # 13:00 in Madrid
CALENDARS = when.load(LOCALES)


def said(text: str, language: str = "en", now: datetime = MONDAY) -> tuple[str, int | None] | None:
    found = when.read(text, CALENDARS, language, MADRID, now)
    return (f"{found.at.astimezone(ZoneInfo(MADRID)):%m-%d %H:%M}", found.every) if found else None


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "I need a ride tomorrow at 10", ("11-24 10:00", None)),
        ("en", "a ride to hospital the day after tomorrow", ("11-25 10:00", None)),
        ("en", "Someone to walk my dog every Tuesday at 9", ("11-24 09:00", 7)),
        ("en", "food on Tuesdays please", ("11-24 10:00", 7)),
        ("en", "next Monday morning", ("11-30 09:00", None)),
        ("en", "a ride on Friday afternoon", ("11-27 15:00", None)),
        ("en", "this evening", ("11-23 19:00", None)),
        ("en", "can somebody come tonight?", ("11-23 20:00", None)),
        ("en", "at 18:00", ("11-23 18:00", None)),
        ("en", "at 6pm", ("11-23 18:00", None)),
        ("en", "at 9 am", ("11-24 09:00", None)),
        ("en", "half past 4", ("11-23 16:30", None)),
        ("en", "in 2 hours", ("11-23 15:00", None)),
        ("en", "in half an hour", ("11-23 13:30", None)),
        ("en", "in three days", ("11-26 13:00", None)),
        ("en", "on 24 December at 8", ("12-24 08:00", None)),
        ("en", "on November 30th", ("11-30 10:00", None)),
        ("en", "every other Friday", ("11-27 10:00", 14)),
        ("en", "every day at 8", ("11-24 08:00", 1)),
        ("en", "every morning", ("11-24 09:00", 1)),
        ("en", "Monday at 11", ("11-30 11:00", None)),  # eleven has passed today
        ("en", "Monday at 14:30", ("11-23 14:30", None)),
        ("es", "mañana a las 9", ("11-24 09:00", None)),
        ("es", "mañana por la mañana", ("11-24 09:00", None)),
        ("es", "mañana a las 5 de la tarde", ("11-24 17:00", None)),
        ("es", "pasado mañana a las 10", ("11-25 10:00", None)),
        ("es", "cada martes a las 9", ("11-24 09:00", 7)),
        ("es", "los martes a las 9 y media", ("11-24 09:30", 7)),
        ("es", "Necesito compañía todos los sábados", ("11-28 10:00", 7)),
        ("es", "el viernes", ("11-27 10:00", None)),
        ("es", "EL MIERCOLES a las 18:15", ("11-25 18:15", None)),
        ("es", "esta tarde", ("11-23 17:00", None)),
        ("es", "hoy a las 6", ("11-23 18:00", None)),
        ("es", "en dos horas", ("11-23 15:00", None)),
        ("es", "en media hora", ("11-23 13:30", None)),
        ("es", "el 24 de diciembre a las 8", ("12-24 08:00", None)),
        ("es", "todos los días a las 8", ("11-24 08:00", 1)),
        ("es", "cada dos semanas, el jueves", ("11-26 10:00", 14)),
    ],
)
def test_what_is_said_of_time_is_read(language: str, text: str, expected: tuple[str, int | None]) -> None:
    assert said(text, language) == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I need insulin, I can't walk"),
        ("en", "as soon as possible"),
        ("en", "I have been ill since Monday"),
        ("en", "I fell last Tuesday"),
        ("en", "I live at 10 Main Street"),
        ("en", "I can't sleep at night"),
        ("en", "food for 3 people"),
        ("en", "at 25:00"),
        ("en", ""),
        ("es", "estoy enfermo desde el lunes"),
        ("es", "el martes pasado me caí"),
        ("es", "por la noche tengo miedo"),
        ("es", "lo antes posible"),
        ("es", "el 31 de noviembre"),
    ],
)
def test_what_is_not_said_is_not_made_up(language: str, text: str) -> None:
    assert said(text, language) is None


def test_the_days_are_those_of_the_reader() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # Tuesday already in Madrid
    assert said("tomorrow at 10", now=late) == ("11-25 10:00", None)


def test_what_comes_again_keeps_its_hour_when_the_clocks_change() -> None:
    before = datetime(2026, 10, 20, 7, 0, tzinfo=UTC)  # 9:00 in summer
    following = when.following(before, 7, MADRID, before)
    assert following == datetime(2026, 10, 27, 8, 0, tzinfo=UTC)


@given(st.integers(0, 60_000), st.integers(1, 60), st.integers(0, 400))
def test_the_next_time_is_ahead_on_the_same_weekday_or_step(hours: int, every: int, days: int) -> None:
    begun = MONDAY + timedelta(hours=hours)
    now = begun + timedelta(days=days)
    upcoming = when.following(begun, every, "UTC", now)
    assert now < upcoming <= now + timedelta(days=every) or upcoming == begun + timedelta(days=every)
    assert (upcoming - begun) % timedelta(days=every) == timedelta()


@settings(deadline=None)  # the first reading loads the tables of dates
@given(st.text(max_size=80), st.sampled_from(["en", "es"]))
def test_no_text_breaks_the_reading_and_all_that_is_read_lies_ahead(text: str, language: str) -> None:
    found = when.read(text, CALENDARS, language, MADRID, MONDAY)
    assert found is None or MONDAY < found.at <= MONDAY + when.FARTHEST
    assert 1 <= counting.helpers(text, CALENDARS, language) <= counting.MOST


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en", "3 people to carry a sofa", 3),
        ("en", "two strong men for a wardrobe", 2),
        ("en", "food for 3 people", 1),
        ("en", "we are 4 people without water", 1),
        ("en", "I need insulin", 1),
        ("en", "99 people", 20),
        ("es", "necesito tres personas para mover un armario", 3),
        ("es", "comida para 3 personas", 1),
        ("es", "somos 3 personas", 1),
    ],
)
def test_how_many_helpers_are_wanted(language: str, text: str, count: int) -> None:
    assert counting.helpers(text, CALENDARS, language) == count


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I haven't eaten in 2 days"),
        ("en", "there has been no water in two days"),
        ("en", "I need food, call me at 5"),
        ("en", "my insulin runs out at 8pm"),
        ("en", "I run out of insulin in 2 days"),
        ("en", "the shops are closed until tomorrow, I need bread"),
        ("es", "cierran hasta mañana y no tengo pan"),
        ("es", "no he comido en 2 dias"),
        ("es", "en tres días no ha venido nadie"),
        ("es", "necesito agua, llámame a las 5"),
        ("es", "necesito agua, vivo en la calle 2 de mayo"),
    ],
)
def test_hunger_behind_them_a_call_and_a_street_are_no_time_to_wait_for(language: str, text: str) -> None:
    assert said(text, language) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ride Thu at 10", ("11-26 10:00", None)),
        ("a ride on Tue & Thu after 17h", ("11-24 17:00", None)),
        ("I can't go by myself, can someone drive me in 2 hours", ("11-23 15:00", None)),
        ("the sun was out", None),
    ],
)
def test_a_short_name_of_a_day_counts_beside_an_hour(
    text: str, expected: tuple[str, int | None] | None
) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "a babysitter every Tuesday from 9 to 12", ("11-24 09:00", 7)),
        ("en", "on Thursday between 10 and 12, please", ("11-26 10:00", None)),
        ("es", "que cuiden al niño el jueves de 9 a 12, tiene 5 años", ("11-26 09:00", None)),
        ("es", "el jueves a partir de las 17", ("11-26 17:00", None)),
        ("es", "juguetes para niños de 5 a 7 años el jueves", ("11-26 10:00", None)),
    ],
)
def test_of_two_hours_the_first_counts_and_ages_are_none(
    language: str, text: str, expected: tuple[str, int | None]
) -> None:
    assert said(text, language) == expected
