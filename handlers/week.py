"""Days and hours in plain words: "weekday evenings", "martes y jueves por la tarde", "Mon-Fri 18-22".

A week is 168 characters 0 or 1 from Monday midnight, as in `storage.hours`. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from re import Match

from babel.dates import get_day_names

from handlers.messages import Text, _
from handlers.texts import joined
from handlers.week_words import EVERY_DAY, Kind, fold, pattern, table

ALWAYS = "1" * 168
DAY = 24
FAR = 2  # other words between a "not" and the days that it still excludes


@dataclass(frozen=True, slots=True)
class Token:
    """A word that says when; a time has minutes of the day, `bare` if nothing but a number."""

    kind: Kind
    value: tuple[int, ...] = ()
    bare: bool = False
    half: str = ""  # "am" or "pm", where it was said


@dataclass(frozen=True, slots=True)
class Clause:
    """Some days at some hours that are offered or, with `excluded`, are not."""

    days: tuple[int, ...]
    parts: tuple[tuple[int, int], ...]
    excluded: bool


def read(text: str, languages: Sequence[str], *, asked: bool = False) -> str | None:
    """The week that a text speaks of; None where it says nothing about days or hours.

    asked: whether it answers the question when; then a number is an hour and "mon" is a day.
    """
    clauses = list(_clauses(_times(_day_ranges(_tokens(text, tuple(languages)), asked), asked)))
    free = {hour for each in clauses if not each.excluded for hour in _hours(each)}
    if clauses and all(each.excluded for each in clauses):
        free = set(range(len(ALWAYS)))
    free -= {hour for each in clauses if each.excluded for hour in _hours(each)}
    return "".join("01"[hour in free] for hour in range(len(ALWAYS))) if free else None


def span(text: str) -> tuple[int, int] | None:
    """Two hours of the day, such as "23-7": from, and until."""
    found = [each for each in _times(_tokens(text, ()), asked=True) if each.kind is Kind.PART]
    if len(found) != 1:
        return None
    start, end = found[0].value
    return start % DAY, end % DAY


def shown(hours: str | None, language: str) -> Text:
    """A week in a few words of one language, days with the same hours together."""
    if hours is None or hours == ALWAYS:
        return _("any time")
    by_parts: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day in EVERY_DAY:
        parts = _parts(hours[day * DAY : (day + 1) * DAY])
        if parts:
            by_parts.setdefault(parts, []).append(day)
    said = [
        Text("{days}, {hours}", values={"days": _named(days, language), "hours": _clock(parts)})
        for parts, days in by_parts.items()
    ]
    return joined(*said)


def hour_name(hour: int) -> str:
    return f"{hour}:00"


# --- from words to tokens -------------------------------------------------------------------------


def _tokens(text: str, languages: tuple[str, ...]) -> list[Token]:
    known = table(languages)
    return [_token(found, known) for found in pattern(languages).finditer(fold(text))]


def _token(found: Match[str], known: dict[str, tuple[Kind, tuple[int, ...]]]) -> Token:
    if found["hour"]:
        return _time(found)
    if found["noon"] or found["midnight"]:
        return Token(Kind.TIME, (12 * 60 if found["noon"] else DAY * 60,))
    if found["known"]:
        return Token(*known[found["known"]])
    signs = {"dash": Kind.TO, "comma": Kind.COMMA, "and": Kind.AND, "end": Kind.END, "word": Kind.WORD}
    return Token(signs[found.lastgroup or "word"])


def _time(found: Match[str]) -> Token:
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if hour > DAY:
        return Token(Kind.WORD)
    half = "am" if found["am"] else "pm" if found["pm"] else ""
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    bare = not (half or found["minute"] or found["mark"])
    return Token(Kind.TIME, (hour * 60 + minute,), bare, half)


def _day_ranges(tokens: list[Token], asked: bool) -> list[Token]:
    """Join "Monday to Friday" to one token; a short name that stands alone is no day."""
    tokens = [each for each in tokens if each.kind is not Kind.NOISE]
    days = (Kind.DAY, Kind.SHORT_DAY)
    found: list[Token] = []
    while tokens:
        first, *rest = tokens
        joins = len(rest) > 1 and rest[0].kind in (Kind.TO, Kind.UNTIL)
        if first.kind in days and joins and rest[1].kind in days:
            start, end = first.value[0], rest[1].value[-1]
            found.append(Token(Kind.DAY, tuple((start + each) % 7 for each in range((end - start) % 7 + 1))))
            tokens = rest[2:]
            continue
        if first.kind is Kind.SHORT_DAY:
            sure = asked or _is_day(found, rest)
            first = replace(first, kind=Kind.DAY) if sure else Token(Kind.WORD)
        if first.kind is Kind.DAY_PART:
            after_day = bool(found) and found[-1].kind is Kind.DAY
            first = replace(first, kind=Kind.PART) if after_day or asked else Token(Kind.WORD)
        found.append(first)
        tokens = rest
    return found


def _is_day(before: list[Token], behind: list[Token]) -> bool:
    """Whether a short name is beside another day ("Tue & Thu") or before an hour ("Sat from 10")."""
    joins, kinds = (Kind.AND, Kind.COMMA), [each.kind for each in behind[:2]]
    if [each.kind for each in before[-2:]] in ([Kind.DAY, join] for join in joins):
        return True
    leads = kinds[1:] == [Kind.TIME] and kinds[0] in (Kind.FROM, Kind.AFTER, Kind.UNTIL)
    return leads or (kinds[1:] in ([Kind.DAY], [Kind.SHORT_DAY]) and kinds[0] in joins)


def _times(tokens: list[Token], asked: bool) -> list[Token]:
    """Turn "from 9 to 14", "after 18" and the like into parts of the day; other numbers say nothing."""
    found: list[Token] = []
    while tokens:
        part, used = _part(tokens, asked, bool(found) and found[-1].kind is Kind.DAY)
        found += [part] if part else [] if tokens[0].kind is Kind.FROM else [_without_time(tokens[0])]
        tokens = tokens[max(1, used) :]
    return found


def _part(tokens: list[Token], asked: bool, after_day: bool) -> tuple[Token | None, int]:
    """The part of the day with which some tokens begin, and how many of them say it."""
    lead = tokens[0].kind if tokens[0].kind in (Kind.FROM, Kind.UNTIL, Kind.AFTER) else None
    begin = 1 if lead else 0
    kinds = [each.kind for each in tokens[begin : begin + 3]]
    if kinds[:1] != [Kind.TIME]:
        return None, 0
    joins = (Kind.TO, Kind.UNTIL, Kind.AND) if lead is Kind.FROM else (Kind.TO, Kind.UNTIL)
    ranged = len(kinds) == 3 and kinds[1] in joins and kinds[2] is Kind.TIME
    used = begin + (3 if ranged else 1)
    first, last = tokens[begin], tokens[used - 1]
    behind = tokens[used].kind if len(tokens) > used else Kind.END
    sure = asked or not (first.bare and last.bare) or ((after_day or lead) and behind is not Kind.WORD)
    if not sure or not (ranged or lead):
        return None, 0
    if ranged:
        return Token(Kind.PART, _between(first, last)), used
    return Token(Kind.PART, _open(first, lead)), used


def _between(first: Token, last: Token) -> tuple[int, int]:
    """Whole hours between two times: "6-10 pm" is in the evening, "9 to 5" until 17, "22-6" over midnight."""
    start, end = first.value[0], last.value[0]
    if not first.half and last.half == "pm" and start <= 12 * 60 and start + 12 * 60 < end:
        start += 12 * 60
    if end <= start and not last.half and start < 12 * 60 and end <= 12 * 60:
        end += 12 * 60
    if end <= start:
        end += DAY * 60
    inner = -(-start // 60), end // 60
    return inner if inner[0] < inner[1] else (start // 60, -(-end // 60))


def _open(time: Token, lead: Kind | None) -> tuple[int, int]:
    """After or before a time; of a bare small number the likelier half of the day is meant."""
    minutes = time.value[0] + (12 * 60 if time.bare and time.value[0] <= 7 * 60 else 0)
    if lead is Kind.UNTIL:
        return 0, max(1, minutes // 60)
    return min(-(-minutes // 60), DAY - 1), DAY


def _without_time(token: Token) -> Token:
    return Token(Kind.WORD) if token.kind is Kind.TIME else token


# --- from tokens to hours -------------------------------------------------------------------------


def _clauses(tokens: list[Token]) -> Iterator[Clause]:
    """Days and the parts beside them: "Mon 9-12 Tue 14-18", "evenings and weekends", "not on Sundays"."""
    excluded, far = False, 0
    runs = list(_runs(tokens))
    before, kind = Kind.END, Kind.END
    while runs:
        before, (kind, values) = kind, runs.pop(0)
        if kind in (Kind.DAY, Kind.PART):
            days, parts = (values, []) if kind is Kind.DAY else ([], values)
            if runs and runs[0][0] in (Kind.DAY, Kind.PART):  # they stand side by side, without an "and"
                other = runs.pop(0)[1]
                days, parts = (days or other), (parts or other)
            in_days = tuple(day for each in days for day in each) or tuple(EVERY_DAY)
            spans = tuple((each[0], each[1]) for each in parts) or ((0, DAY),)
            yield Clause(in_days, spans, excluded)
            far = 0
        elif kind is Kind.NOT:
            excluded, far = True, 0
        elif kind in (Kind.BUT, Kind.END) or (kind is Kind.COMMA and before is Kind.NOT):
            excluded = False
        elif kind is Kind.WORD:
            far += len(values)
            excluded = excluded and far <= FAR


Run = tuple[Kind, list[tuple[int, ...]]]


def _runs(tokens: Iterable[Token]) -> Iterator[Run]:
    """Tokens of one kind that follow each other, also with an "and" or a comma between them."""
    run: Run | None = None
    between: Kind | None = None
    for token in tokens:
        if token.kind in (Kind.FROM, Kind.TO, Kind.UNTIL, Kind.AFTER):
            continue
        if token.kind in (Kind.AND, Kind.COMMA):
            between = token.kind
        elif run is not None and token.kind is run[0]:
            run[1].append(token.value)
            between = None
        else:
            if run is not None:
                yield run
                told_hours = (run[0], token.kind) == (Kind.DAY, Kind.PART)  # "Saturday, 9-12"
                if between is Kind.AND or (between is Kind.COMMA and not told_hours):
                    yield between, []
            run, between = (token.kind, [token.value]), None
    if run is not None:
        yield run


def _hours(clause: Clause) -> Iterator[int]:
    for day in clause.days:
        for start, end in clause.parts:
            yield from ((day * DAY + hour) % len(ALWAYS) for hour in range(start, end))


# --- from hours to words --------------------------------------------------------------------------


def _parts(day: str) -> tuple[tuple[int, int], ...]:
    """The stretches of free hours in one day."""
    found = []
    for letter, group in groupby(enumerate(day), key=lambda each: each[1]):
        hours = [hour for hour, _letter in group]
        if letter == "1":
            found.append((hours[0], hours[-1] + 1))
    return tuple(found)


def _clock(parts: tuple[tuple[int, int], ...]) -> Text:
    if parts == ((0, DAY),):
        return _("all day")
    return Text(", ".join(f"{hour_name(start)}–{hour_name(end)}" for start, end in parts))


def _named(days: list[int], language: str) -> Text:
    if len(days) == len(EVERY_DAY):
        return _("every day")
    names = get_day_names("wide", "stand-alone", language)
    runs = [
        [day for _place, day in group] for _step, group in groupby(enumerate(days), lambda at: at[1] - at[0])
    ]
    said = [
        f"{names[run[0]]}–{names[run[-1]]}" if len(run) > 2 else ", ".join(names[day] for day in run)
        for run in runs
    ]
    return Text(", ".join(said))
