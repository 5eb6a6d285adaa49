"""When help is wanted, and how often, read from plain words: "tomorrow at 10", "cada martes a las 9"."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import Locale

DEFAULT_HOUR = 10  # of a day that is named without an hour
LATEST_BARE = 6  # "at 5" without more is in the afternoon
WEEK = 7
FARTHEST = timedelta(days=366)
HINTS = ("numbers", "today", "parts", "days_ahead", "half_hour", "every", "every_other", "daily", "weekly",
         "plural_article")  # fmt: skip


@dataclass(frozen=True, slots=True)
class When:
    """A moment in UTC, and after how many days it comes again (None: once)."""

    at: datetime
    every: int | None = None


def plain(text: str) -> str:
    """Small letters without accents, each in its old position."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    return "".join(unicodedata.normalize("NFD", letter)[0] for letter in folded)


def either(phrases: Iterable[str]) -> str:
    """A pattern for any of these phrases, the longest first; it matches nothing if there is none."""
    ordered = sorted(phrases, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(each) for each in ordered) + ")" if ordered else "(?!)"


class Calendar:
    """How one language says days, hours and numbers: `locales/<language>/when.toml` and CLDR's names."""

    def __init__(self, language: str, words: Mapping[str, Any]) -> None:
        self.language = language
        self.words = words
        self._patterns: dict[tuple[str, ...], str] = {}

    @cached_property
    def weekdays(self) -> dict[str, int]:
        """Names of weekdays, 0 for Monday."""
        names = Locale.parse(self.language).days["format"]["wide"]
        return {plain(name): number for number, name in names.items()}

    @cached_property
    def short_weekdays(self) -> dict[str, int]:
        """Their abbreviations, which may be other words too, such as "sun" and "mar"."""
        names = Locale.parse(self.language).days["format"]["abbreviated"]
        return {plain(name).rstrip("."): number for number, name in names.items()}

    @cached_property
    def months(self) -> dict[str, int]:
        names = Locale.parse(self.language).months["format"]["wide"]
        return {plain(name): number for number, name in names.items()}

    @cached_property
    def number(self) -> str:
        return rf"(?:[0-9]{{1,2}}|{either(self.words['numbers'])})"

    def value(self, number: str) -> int:
        return int(number) if number.isdigit() else int(self.words["numbers"][number])

    def pattern(self, *names: str) -> str:
        """A pattern for any phrase of these lists, made once."""
        if names not in self._patterns:
            self._patterns[names] = either(phrase for name in names for phrase in self.words[name])
        return self._patterns[names]

    @cached_property
    def any_weekday(self) -> str:
        return either(self.weekdays)

    @cached_property
    def any_short_weekday(self) -> str:
        return either(self.short_weekdays)

    @cached_property
    def any_weekday_plural(self) -> str:
        return either(f"{each}s" for each in self.weekdays if not each.endswith("s"))

    @cached_property
    def any_month(self) -> str:
        return either(self.months)

    @cached_property
    def hints(self) -> re.Pattern[str]:
        """Without one of these a text says nothing of days and hours; most texts have none."""
        names = (self.any_weekday, self.any_short_weekday, self.any_month, self.pattern(*HINTS))
        return re.compile(rf"[0-9]|\b(?:{'|'.join(names)})s?\b")


def load(folder: Path) -> dict[str, Calendar]:
    """Read every `<language>/when.toml` in the folder."""
    paths = sorted(folder.glob("*/when.toml"))
    read_in = {path.parent.name: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
    return {language: Calendar(language, words) for language, words in read_in.items()}


def read(
    text: str, calendars: Mapping[str, Calendar], language: str, zone: str, now: datetime
) -> When | None:
    """When a text says that help is wanted, in the reader's language first; None if it does not say.

    zone: in which days and hours are meant, such as "Europe/Madrid".
    """
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None, second=0, microsecond=0)
    words = _without_other_hours(plain(text), calendars)
    for name in sorted(calendars, key=lambda each: each != language):
        found = _read(words, calendars[name], local)
        if found is not None:
            at, every = found
            moment = at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            return When(moment, every) if now < moment <= now + FARTHEST else None
    return None


def following(at: datetime, every: int, zone: str, now: datetime) -> datetime:
    """The next time after `now`, at the same hour of the day whatever the season."""
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    upcoming = at
    while upcoming <= now or upcoming == at:
        local += timedelta(days=every)
        upcoming = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return upcoming


def _without_other_hours(text: str, calendars: Mapping[str, Calendar]) -> str:
    """Without "call me at 5" and "the insulin runs out at 8pm": nobody shall wait for these hours."""
    for each in calendars.values():
        if not each.hints.search(text):
            continue
        at = each.pattern("at")
        text = re.sub(rf"\b{each.pattern('not_hour')}(?: {at})? {each.number}\S*", " ", text)
    return text


def _read(text: str, calendar: Calendar, local: datetime) -> tuple[datetime, int | None] | None:
    if not calendar.hints.search(text):
        return None
    length = _length(text, calendar)
    if length is not None:
        return local + length, None
    today = _phrase(text, calendar, "today")
    every = _every(text, calendar)
    day = _day(text, calendar, local)
    hour = _hour(text, calendar, named_day=day is not None or every is not None)
    part = today if today is not None else _phrase(text, calendar, "parts")
    if day is None and every is None and today is None and hour is None:
        return None
    at = _time(hour, part, calendar)
    if day is None:
        day = local.date()
    moment = datetime.combine(day, at)
    step = every or (WEEK if _weekday(text, calendar) is not None else 1)
    if moment <= local and (every or day == local.date()):
        moment += timedelta(days=step)
    return moment, every


def _phrase(text: str, calendar: Calendar, name: str) -> int | None:
    found = re.search(rf"\b{calendar.pattern(name)}\b", text)
    return int(calendar.words[name][found[0]]) if found else None


def _length(text: str, calendar: Calendar) -> timedelta | None:
    """ "in 2 hours", "dentro de tres dias": a length from now."""
    within = calendar.pattern("within")
    if re.search(rf"\b{within} {calendar.pattern('half_hour')}\b", text):
        return timedelta(minutes=30)
    for unit in ("minutes", "hours", "days", "weeks"):
        found = re.search(rf"\b{within} ({calendar.number}) ?{calendar.pattern(unit)}\b", text)
        if found and not _has_passed(text, found, calendar):
            return timedelta(**{unit: calendar.value(found[1])})
    return None


def _has_passed(text: str, found: re.Match[str], calendar: Calendar) -> bool:
    """Whether a length is one of doing without: "no water in 2 days", "en dos dias no he comido"."""
    clause = re.split(r"[.,;!?]", text[: found.start()])[-1] + re.split(r"[.,;!?]", text[found.end() :])[0]
    return bool(re.search(rf"\b{calendar.pattern('denied')}\b", clause))


def _every(text: str, calendar: Calendar) -> int | None:
    """After how many days it comes again."""
    number, every = calendar.number, calendar.pattern("every")
    names = calendar.any_weekday
    weeks, days = calendar.pattern("weeks"), calendar.pattern("days")
    counted = re.search(rf"\b{every} ({number}) (?:{weeks}|({days}))\b", text)
    if counted:
        return calendar.value(counted[1]) * (1 if counted[2] else WEEK)
    if re.search(rf"\b{calendar.pattern('every_other')} (?:{names}|{calendar.pattern('weeks')})s?\b", text):
        return 2 * WEEK
    if re.search(rf"\b{calendar.pattern('daily')}\b", text):
        return 1
    if re.search(rf"\b{calendar.pattern('weekly')}\b", text):
        return WEEK
    if re.search(rf"\b{every} {calendar.pattern('parts')}\b", text):
        return 1
    return WEEK if _each_weekday(text, calendar) else None


def _each_weekday(text: str, calendar: Calendar) -> bool:
    """ "every Tuesday", "los martes", "Tuesdays"."""
    names, plurals = calendar.any_weekday, calendar.any_weekday_plural
    before = calendar.pattern("every", "plural_article")
    return bool(re.search(rf"\b{before} {names}s?\b|\b{plurals}\b", text))


def _weekday(text: str, calendar: Calendar) -> re.Match[str] | None:
    """A weekday; an abbreviation only where an hour or another day stands behind it."""
    short, at = calendar.any_short_weekday, calendar.pattern("at", "after")
    behind = rf"\.?(?= (?:(?:{at}) )?[0-9]| ?[&,/] ?{short}\b| {calendar.pattern('and')} {short}\b)"
    found = re.search(rf"\b({calendar.any_weekday})s?\b", text) or re.search(rf"\b({short}){behind}", text)
    return found if found and not _is_past(text, found, calendar) else None


def _is_past(text: str, found: re.Match[str], calendar: Calendar) -> bool:
    """Whether a day is named for something else: "since Monday", "el martes pasado"."""
    before = re.search(rf"\b{calendar.pattern('not')}(?: \w{{1,3}})? $", text[: found.start()])
    after = re.match(rf" {calendar.pattern('not_after')}\b", text[found.end() :])
    return bool(before or after)


def _day(text: str, calendar: Calendar, local: datetime) -> date | None:
    """The day that is named: "tomorrow", a weekday, a date."""
    parts = re.sub(rf"\b{calendar.pattern('parts')}\b", " ", text)  # "por la mañana" is no tomorrow
    ahead = re.search(rf"\b{calendar.pattern('days_ahead')}\b", parts)
    if ahead and not _is_past(parts, ahead, calendar):
        return local.date() + timedelta(days=calendar.words["days_ahead"][ahead[0]])
    dated = _date(text, calendar)
    if dated is not None and not _is_past(text, dated, calendar):
        return _parsed(dated[0], calendar, local)
    weekday = _weekday(text, calendar)
    if weekday is None:
        return None
    named = (calendar.short_weekdays | calendar.weekdays)[weekday[1]]
    return local.date() + timedelta(days=(named - local.weekday()) % WEEK)


def _date(text: str, calendar: Calendar) -> re.Match[str] | None:
    """ "24 November", "November 24th", "24 de noviembre", "24/11"."""
    months, of = calendar.any_month, calendar.pattern("of")
    day = r"[0-9]{1,2}(?:st|nd|rd|th)?"
    return re.search(rf"\b(?:{day} (?:{of} )?{months}|{months} {day}|[0-9]{{1,2}}/[0-9]{{1,2}})\b", text)


def _parsed(words: str, calendar: Calendar, local: datetime) -> date | None:
    """A date, read by dateparser; never by the machine's clock."""
    import dateparser

    found = dateparser.parse(
        words,
        languages=[calendar.language],
        settings={"RELATIVE_BASE": local, "PREFER_DATES_FROM": "future", "DATE_ORDER": "DMY"},
    )
    return found.date() if found else None


@dataclass(frozen=True, slots=True)
class _Hour:
    hour: int
    minute: int
    exact: bool  # written with minutes, or with am or pm: nothing is to be guessed


def _hour(text: str, calendar: Calendar, *, named_day: bool) -> _Hour | None:
    """ "at 10", "10:30", "6 pm", "a las nueve y media"; a bare "at 10" might be a house's number."""
    at, number = calendar.pattern("at"), calendar.number
    exact = re.search(r"\b([0-9]{1,2})(?::([0-5][0-9])| ?h\b) ?([ap])?\.?(?:m\b)?", text)
    half_day = re.search(r"\b([0-9]{1,2})()\s?([ap])\.?m\b", text)
    for found in (exact, half_day):
        if found:
            return _of_day(int(found[1]), int(found[2] or 0), found[3])
    before = re.search(rf"\b{calendar.pattern('half')} ({number})\b", text)
    if before:
        return _of_day(calendar.value(before[1]), 30, None, exact=False)
    begins = _from_hour(text, calendar) if named_day else None
    if begins is not None:
        return begins
    ends = rf"(?: {calendar.pattern('o_clock')})?(?=$|[.,;?)]| {calendar.pattern('ends')}\b)"
    half = calendar.pattern("and_half")
    found = re.search(rf"\b{at} ({number})( {half})?\b{'' if named_day else ends}", text)
    if found is None:
        return None
    return _of_day(calendar.value(found[1]), 30 if found[2] else 0, None, exact=False)


def _from_hour(text: str, calendar: Calendar) -> _Hour | None:
    """The beginning of "from 9 to 12" or "after 17"; no ages: nothing else may stand behind the numbers."""
    number, until = calendar.number, calendar.pattern("until")
    span = (
        rf"{calendar.pattern('between')} ({number}) {until} {number}|{calendar.pattern('after')} ({number})"
    )
    found = re.search(rf"\b(?:{span})(?= ?(?:$|[.,;?)]))", text)
    return _of_day(calendar.value(found[1] or found[2]), 0, None, exact=False) if found else None


def _of_day(hour: int, minute: int, half: str | None, *, exact: bool = True) -> _Hour | None:
    if half == "p" and hour < 12:
        hour += 12
    if half == "a" and hour == 12:
        hour = 0
    return _Hour(hour, minute, exact) if hour < 24 else None


def _time(hour: _Hour | None, part: int | None, calendar: Calendar) -> time:
    """The hour that was said, moved into the part of the day that was said."""
    if hour is None:
        return time(part if part is not None else DEFAULT_HOUR)
    late = part is not None and part > 12 and hour.hour < 12
    guessed = part is None and not hour.exact and 0 < hour.hour <= LATEST_BARE
    return time(hour.hour + 12 if late or guessed else hour.hour, hour.minute)
