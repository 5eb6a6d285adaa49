"""The catalogs: texts rendered last, in the language of the one who reads them."""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_skeleton, match_skeleton

from handlers import catalog_files
from handlers.catalog_files import CRISIS, MESSAGES
from handlers.messages import Clock, Lines, Named, Text, Verbatim, Words, _, _n

SOURCE = "en"  # the language of the texts in the code
PATTERNS = 4_096  # texts of which is remembered what they are in a language


@cache
def own_name(language: str) -> str:
    """What a language is called in itself, such as "Español"."""
    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]


class Catalogs:
    """The texts of every language; what is missing is said in the union's language, else in English.

    `languages` are those with all texts; those of the first minutes of a crisis are there in more of them.
    """

    def __init__(
        self,
        translations: Mapping[str, gettext.NullTranslations],
        languages: Iterable[str],
        names: Mapping[str, Mapping[str, str]] | None = None,
        otherwise: str = SOURCE,
    ) -> None:
        """names: what the union itself calls something, by key and language; the first is for all others."""
        self._translations = translations
        self._names = names or {}
        self._otherwise = otherwise
        self._none = translations.get(otherwise, gettext.NullTranslations())
        self.languages = tuple(languages)
        self._pattern = lru_cache(PATTERNS)(self._translated)  # a text may stand in one of several catalogs

    @classmethod
    def load(cls, folder: Path, otherwise: str = SOURCE, own: Path | None = None) -> Catalogs:
        """Read the catalogs below a folder; raises ValueError with file and line for a broken one.

        otherwise: the union's language. own: a folder of the union's own, whose texts go before.
        """
        folders = [folder] if own is None else [folder, own]
        complete = catalog_files.languages([folder], MESSAGES)
        everywhere = sorted({*complete, *catalog_files.languages(folders, CRISIS)})
        translations = {language: catalog_files.translations(folders, language) for language in everywhere}
        for language in set(everywhere) - set(complete):
            if otherwise in complete:
                translations[language].add_fallback(translations[otherwise])
        return cls(translations, complete, otherwise=otherwise)

    def with_names(self, names: Mapping[str, Mapping[str, str]]) -> Catalogs:
        """The same texts, with the union's own names."""
        return Catalogs(self._translations, self.languages, names, self._otherwise)

    def closest(self, hints: Iterable[str], otherwise: str) -> str:
        """The first of the hinted languages (such as "es-MX") that we speak, if only in a crisis."""
        for hint in hints:
            language = hint.replace("_", "-").split("-")[0].lower()
            if language in self._translations:
                return language
        return otherwise

    def render(self, words: Words, language: str) -> str:
        if isinstance(words, Verbatim):
            return words.words
        if isinstance(words, Lines):
            return "\n".join(
                part
                for part in (self.render(each, language) for each in words.parts if each is not None)
                if part
            )
        if isinstance(words, Named) and words.key in self._names:
            names = self._names[words.key]
            return names.get(language) or next(iter(names.values()))
        if not words.message:
            return ""
        if words.count is None:
            pattern = self._pattern(words.message, language)
        else:
            catalog = self._translations.get(language, self._none)
            pattern = catalog.ngettext(words.message, words.plural, words.count)
        if not words.values:
            return pattern
        return pattern.format_map({name: self._value(each, language) for name, each in words.values.items()})

    def _translated(self, message: str, language: str) -> str:
        return self._translations.get(language, self._none).gettext(message)

    def _value(self, value: object, language: str) -> str:
        if isinstance(value, Text | Verbatim | Lines):
            return self.render(value, language)
        if isinstance(value, Clock):
            return _clock(value, language)
        if isinstance(value, tuple):
            return ", ".join(self._value(each, language) for each in value)
        return str(value)


def _clock(clock: Clock, language: str) -> str:
    """Such as "Tue 24 Nov, 10:00" for a British reader, always with 24 hours.

    Where no time zone was set, it says whose hour it is: nobody should come at the wrong one.
    """
    zone, locale = ZoneInfo(clock.zone), _calendar(language)
    hour = format_datetime(clock.moment, "HH:mm", tzinfo=zone, locale=locale)
    if clock.zone == "UTC":
        hour += " UTC"
    if not clock.day:
        return hour
    return f"{format_skeleton(_day_and_month(locale), clock.moment, tzinfo=zone, locale=locale)}, {hour}"


@cache
def _day_and_month(locale: Locale) -> str:
    """Which of the ways in which dates are written says weekday, day and month; to find it takes a while."""
    return match_skeleton("EdMMM", locale.datetime_skeletons) or "EdMMM"


@cache
def _calendar(language: str) -> Locale:
    """How dates are written; as in Britain where nobody has recorded it for the language."""
    try:
        return Locale.parse("en_GB" if language == SOURCE else language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")


def duration(length: timedelta) -> Text:
    """A length of time in the largest unit that fits, rounded."""
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes < 90:
        return _n("{count} minute", "{count} minutes", minutes)
    hours = round(minutes / 60)
    if hours < 36:
        return _n("{count} hour", "{count} hours", hours)
    return _n("{count} day", "{count} days", round(hours / 24))


def wanted_at(at: datetime | None, every: int | None, zone: str) -> Text | None:
    """When help is wanted, and how often; None: as soon as possible."""
    if at is None:
        return None
    clock = Clock(at, zone)
    if every is None:
        return _("For {time}", time=clock)
    if every == 1:
        return _("For {time}, every day", time=clock)
    if every == 7:
        return _("For {time}, every week", time=clock)
    if every % 7 == 0:
        often = _n("every {count} week", "every {count} weeks", every // 7)
    else:
        often = _n("every {count} day", "every {count} days", every)
    return _("For {time}, {often}", time=clock, often=often)


NOTHING = Text("")
SEPARATOR = " · "


def joined(*parts: Text | Verbatim | str) -> Text:
    """Parts on one line with a dot between them, as on a card."""
    values: dict[str, object] = {f"part{number}": part for number, part in enumerate(parts)}
    return Text(SEPARATOR.join(f"{{{name}}}" for name in values), values=values)
