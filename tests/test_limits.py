"""Plain words about when, how and until when: sentences as people write them, and what is understood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import pausing, tongues, week, zones
from handlers.texts import Catalogs

SPOKEN = ("en", "es")
UNHURRIED = settings(deadline=None)  # a busy machine is no fault
NOTHING = Catalogs({}, ())
MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def shown(free: str | None) -> str:
    return "" if free is None else NOTHING.render(week.shown(free, "en"), "en")


def told(text: str, *, asked: bool = False) -> str:
    return shown(week.read(text, SPOKEN, asked=asked))


WORKDAYS = "Monday–Friday"
OFFERED = [
    ("I have a van on Saturdays", "Saturday, all day"),
    ("I can cook on weekday evenings", f"{WORKDAYS}, 18:00–22:00"),
    ("puedo los martes y jueves por la tarde", "Tuesday, Thursday, 12:00–20:00"),
    ("only mornings", "every day, 6:00–12:00"),
    ("evenings and weekends", f"{WORKDAYS}, 18:00–22:00 · Saturday, Sunday, all day"),
    ("mornings and evenings on weekdays", f"{WORKDAYS}, 6:00–12:00, 18:00–22:00"),
    ("Monday morning and Tuesday evening", "Monday, 6:00–12:00 · Tuesday, 18:00–22:00"),
    ("mornings on Monday and evenings on Tuesday", "Monday, 6:00–12:00 · Tuesday, 18:00–22:00"),
    ("Saturdays, mornings", "Saturday, 6:00–12:00"),
    ("evenings, weekends", f"{WORKDAYS}, 18:00–22:00 · Saturday, Sunday, all day"),
    ("no, los sábados", "Saturday, all day"),
    ("I work Monday to Friday so only weekends", "Saturday, Sunday, all day"),
    ("trabajo de lunes a viernes, puedo los findes", "Saturday, Sunday, all day"),
    ("I work nights so I can help in the mornings", "every day, 6:00–12:00"),
    ("I'm busy on Tuesdays", "Monday, Wednesday–Sunday, all day"),
    ("de lunes a viernes de 9 a 14", f"{WORKDAYS}, 9:00–14:00"),
    ("puedo llevar de 2 a 3 personas los sábados", "Saturday, all day"),
    ("I can carry 2-3 boxes on Sundays", "Sunday, all day"),
    ("from 9 to 5 on weekdays", f"{WORKDAYS}, 9:00–17:00"),
    ("I can drive after 6pm", "every day, 18:00–24:00"),
    ("6-10 pm", "every day, 18:00–22:00"),
    ("después de las 18 entre semana", f"{WORKDAYS}, 18:00–24:00"),
    ("Tuesdays after 17:00", "Tuesday, 17:00–24:00"),
    ("weekdays before 10am", f"{WORKDAYS}, 0:00–10:00"),
    ("weekdays between 10 and 12", f"{WORKDAYS}, 10:00–12:00"),
    ("until noon on Fridays", "Friday, 0:00–12:00"),
    ("hasta las 14 los lunes", "Monday, 0:00–14:00"),
    ("sábados de 10:30 a 13:30", "Saturday, 11:00–13:00"),
    ("weekends but not Sunday mornings", "Saturday, all day · Sunday, 0:00–6:00, 12:00–24:00"),
    ("los fines de semana menos el domingo por la noche", "Saturday, all day · Sunday, 0:00–20:00"),
    ("todos los días menos el martes", "Monday, Wednesday–Sunday, all day"),
    ("any day except Mondays and Tuesdays", "Wednesday–Sunday, all day"),
    ("no puedo los lunes", "Tuesday–Sunday, all day"),
    ("I can't drive on weekends", f"{WORKDAYS}, all day"),
    ("no tengo problema los domingos", "Sunday, all day"),
    ("I can't drive, but Saturdays I cook", "Saturday, all day"),
    ("Mon-Fri 18-22", f"{WORKDAYS}, 18:00–22:00"),
    ("L-V 9-14", f"{WORKDAYS}, 9:00–14:00"),
    ("I have a van Tue & Thu after 17h", "Tuesday, Thursday, 17:00–24:00"),
    ("I can drive Sat from 10 to 14", "Saturday, 10:00–14:00"),
    ("puedo cocinar mar y jue a partir de las 17", "Tuesday, Thursday, 17:00–24:00"),
    ("Friday nights", "Friday, 21:00–24:00 · Saturday, 0:00–6:00"),
    ("lunes tarde y miércoles mañana", "Monday, 12:00–20:00 · Wednesday, 6:00–12:00"),
    ("I can host someone from Friday to Sunday", "Friday–Sunday, all day"),
    ("con mi furgoneta los sábados por la mañana y los domingos todo el día",
     "Saturday, 6:00–12:00 · Sunday, all day"),
    ("24/7", "any time"),
    ("a cualquier hora", "any time"),
    ("SÁBADOS Y DOMINGOS", "Saturday, Sunday, all day"),
    ("buenas tardes, puedo cocinar los domingos", "Sunday, all day"),
    ("good morning, I can cook", ""),
    ("buenas noches, tengo furgoneta", ""),
    ("mañana puedo ayudar", ""),
    ("I have 3 vans and 2 to 4 free seats", ""),
    ("I sat in the sun and can mend a mon-key", ""),
    ("I can help", ""),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "understood"), OFFERED)
def test_what_a_sentence_says_of_days_and_hours(text: str, understood: str) -> None:
    assert told(text) == understood


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("mon, wed 18-22", "Monday, Wednesday, 18:00–22:00"),
        ("sat", "Saturday, all day"),
        ("L X V", "Monday, Wednesday, Friday, all day"),
        ("9-5", "every day, 9:00–17:00"),
        ("after 6", "every day, 18:00–24:00"),
        ("22-6", "every day, 0:00–6:00, 22:00–24:00"),
        ("mañanas", "every day, 6:00–12:00"),
        ("Mon 9-12, Tue 14-18", "Monday, 9:00–12:00 · Tuesday, 14:00–18:00"),
        ("perhaps", ""),
    ],
)
def test_an_answer_to_the_question_when_may_be_shorter(text: str, understood: str) -> None:
    assert told(text, asked=True) == understood


@UNHURRIED
@given(st.text() | st.lists(st.sampled_from(
    ["mon", "saturdays", "martes", "to", "-", "a", "9", "18:30", "7pm", "after", "not", "pero", "evenings",
     "por la", "tarde", ",", ".", "and", "from"]
)).map(" ".join), st.booleans())  # fmt: skip
def test_whatever_is_written_a_week_is_whole_or_nothing(text: str, asked: bool) -> None:
    found = week.read(text, SPOKEN, asked=asked)
    assert found is None or (len(found) == 168 and set(found) <= {"0", "1"} and "1" in found)


@UNHURRIED
@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 23), st.integers(1, 24))
def test_what_is_shown_is_understood_again(days: set[int], start: int, length: int) -> None:
    end = min(24, start + length)
    free = "".join("01"[hour // 24 in days and start <= hour % 24 < end] for hour in range(168))
    assert week.read(shown(free), SPOKEN, asked=True) == free


@pytest.mark.parametrize(
    ("text", "span"),
    [("23-7", (23, 7)), ("22 to 8", (22, 8)), ("from 22:00 until 7", (22, 7)), ("10pm-8am", (22, 8)),
     ("de 23 a 7", (23, 7)), ("late", None), ("8", None)],
)  # fmt: skip
def test_two_hours_of_the_day(text: str, span: tuple[int, int] | None) -> None:
    assert week.span(text) == span


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("I speak French and Arabic", ("fr", "ar")),
        ("hablo francés y un poco de árabe", ("fr", "ar")),
        ("I speak very good Ukrainian, Russian and can cook Italian food", ("uk", "ru")),
        ("traduzco del árabe al español", ("ar", "es")),
        ("interpreter Spanish to Chinese", ("es", "zh")),
        ("Arabic-speaking nurse", ("ar",)),
        ("I'm fluent in Farsi/Dari", ("fa",)),
        ("I speak Greek. French cuisine.", ("el",)),
        ("I can cook French food", ()),
        ("I don't speak English", ()),
        ("no hablo inglés", ()),
    ],
)
def test_languages_count_where_somebody_speaks_them(text: str, codes: tuple[str, ...]) -> None:
    assert tongues.languages(text, SPOKEN) == codes


def test_who_was_asked_for_languages_only_names_them() -> None:
    assert tongues.languages("french, ARABE, português", SPOKEN, asked=True) == ("fr", "ar", "pt")
    assert tongues.languages("العربية", SPOKEN, asked=True) == ("ar",)
    assert tongues.languages("none of your business", SPOKEN, asked=True) == ()


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("I have a van on Saturdays", "car"), ("tengo furgoneta", "car"), ("with my big old car", "car"),
        ("I can drive people", "car"), ("puedo llevar gente en mi coche", "car"), ("by bike", "bicycle"),
        ("with a cargo bike", "bicycle"), ("voy en bici", "bicycle"), ("voy andando", "foot"),
        ("I come on foot", "foot"), ("en autobús", "bus"), ("by public transport", "bus"),
        ("no tengo coche", ""), ("I don't have a car", ""), ("I can't drive", ""), ("I can repair cars", ""),
        ("I fix bikes", ""), ("I can walk your dog", ""),
    ],
)  # fmt: skip
def test_how_somebody_gets_around(text: str, way: str) -> None:
    assert tongues.travel(text) == way


# --- resting --------------------------------------------------------------------------------------

PAUSES = [
    ("en", "3 days", "2026-03-05T12:00"), ("en", "for two weeks", "2026-03-16T12:00"),
    ("en", "until Monday", "2026-03-08T23:00"), ("en", "until next Friday", "2026-03-05T23:00"),
    ("en", "me for a week", "2026-03-09T12:00"), ("en", "a couple of days", "2026-03-04T12:00"),
    ("en", "until 3 January", "2027-01-02T23:00"), ("en", "until the 5th", "2026-03-04T23:00"),
    ("en", "the day after tomorrow", "2026-03-04T12:00"), ("en", "24/12/2026", "2026-12-23T23:00"),
    ("en", "a month", "2026-04-01T11:00"), ("en", "until 18:00", "2026-03-02T17:00"),
    ("es", "3 días", "2026-03-05T12:00"), ("es", "hasta el lunes", "2026-03-08T23:00"),
    ("es", "hasta el lunes que viene", "2026-03-08T23:00"), ("es", "pasado mañana", "2026-03-04T12:00"),
    ("es", "hasta el 3 de enero", "2027-01-02T23:00"), ("es", "una semana", "2026-03-09T12:00"),
    ("es", "dos semanas", "2026-03-16T12:00"), ("es", "quince días", "2026-03-17T12:00"),
    ("es", "hasta el día 15", "2026-03-14T23:00"), ("es", "hasta enero", "2026-12-31T23:00"),
    ("en", "5 years", ""), ("en", "yesterday", ""), ("en", "3 days ago", ""), ("en", "purple", ""),
    ("es", "hasta el 1 de marzo de 2025", ""), ("es", "nunca", ""), ("en", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "moment"), PAUSES)
def test_until_when_somebody_rests(language: str, text: str, moment: str) -> None:
    found = pausing.until(text, language, MONDAY_NOON, "Europe/Madrid")
    assert found == (datetime.fromisoformat(moment).replace(tzinfo=UTC) if moment else None)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"])
@pytest.mark.parametrize("now", [MONDAY_NOON, datetime(2041, 7, 9, 23, 30, tzinfo=UTC)])
def test_a_pause_is_counted_from_the_given_moment_on_the_persons_clock(zone: str, now: datetime) -> None:
    assert pausing.until("3 days", "en", now, zone) == now + timedelta(days=3)
    thursday = pausing.until("until Thursday", "en", now, zone)
    assert thursday is not None
    local = thursday.astimezone(ZoneInfo(zone))
    assert (local.weekday(), local.hour, local.minute) == (3, 0, 0)
    assert now < thursday <= now + timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "rest"),
    [("pausa hasta el 3 de enero", "hasta el 3 de enero"), ("Pause me for a week", "me for a week"),
     ("pause", ""), ("I need a pause", None), ("pausas", None)],
)  # fmt: skip
def test_a_pause_may_be_asked_for_in_plain_words(text: str, rest: str | None) -> None:
    assert pausing.asked(text) == rest


@pytest.mark.parametrize(
    ("text", "zone"),
    [("Madrid", "Europe/Madrid"), ("nueva york", "America/New_York"), ("Londres", "Europe/London"),
     ("londno", "Europe/London"), ("Asia/Calcutta", "Asia/Kolkata"), ("I live in Lisbon", "Europe/Lisbon"),
     ("Canarias", "Atlantic/Canary"), ("UTC", "UTC")],
)  # fmt: skip
def test_a_zone_is_found_by_its_city(text: str, zone: str) -> None:
    assert zones.find(text, SPOKEN)[0] == zone


def test_a_country_with_several_clocks_names_them_all_and_nowhere_names_none() -> None:
    assert set(zones.find("Portugal", SPOKEN)) == {"Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"}
    assert zones.find("xx", SPOKEN) == zones.find("the moon and back", SPOKEN) == ()
