"""The union's own skills, from the file that ONECLOAK_SKILLS_FILE names; `docs/skills.md` explains it."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.settings import PREFIX, SettingsError
from handlers.messages import Named
from handlers.phrase_keys import PhraseKeys
from handlers.phrases import Phrasebook, normalise
from handlers.skills import FAMILIES, OTHER, SKILLS, Skill, Vocabulary

MOST_IN_FAMILY: Final = 13  # with the ways out they still fit on one screen of buttons
Label = Annotated[str, Field(min_length=1, max_length=40)]
Phrases = Annotated[list[str], Field(max_length=200)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class _Entry(BaseModel):
    """One `[[skill]]` as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    family: str
    labels: Annotated[dict[Language, Label], Field(min_length=1)]
    synonyms: dict[Language, Phrases] = {}
    verified_only: bool = False
    instead: list[str] = []


def read_own_skills(path: Path) -> Vocabulary:
    """All skills, with those of the file; raises SettingsError with one sentence on what is wrong where."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise SettingsError(f"{PREFIX}SKILLS_FILE leads to no file that can be read.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(f"it is no TOML: {error}") from None
    found = data.pop("skill", [])
    if data or not isinstance(found, list):
        raise _wrong("every entry begins with [[skill]], and nothing else stands outside the entries")
    return _vocabulary([_entry(number, each) for number, each in enumerate(found, start=1)])


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"{PREFIX}SKILLS_FILE is wrong: {what}.")


def _entry(number: int, data: object) -> _Entry:
    named = data.get("id", number) if isinstance(data, dict) else number
    try:
        return _Entry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the entry"
        raise _wrong(f"in entry {named!r}, {where}: {first['msg']}") from None


def _vocabulary(entries: list[_Entry]) -> Vocabulary:
    own = {entry.id: _skill(entry) for entry in entries}
    together = {**SKILLS, **own}
    for entry in entries:
        _check(entry, entries, together)
    sizes = Counter(skill.family for skill in together.values())
    if crowded := [family for family, size in sizes.items() if size > MOST_IN_FAMILY]:
        raise _wrong(f"the family {crowded[0]!r} would have more than {MOST_IN_FAMILY} kinds of help")
    together[OTHER] = together.pop(OTHER)  # stays the last
    synonyms: dict[str, dict[str, tuple[str, ...]]] = {}
    for entry in entries:
        for language in {*entry.labels, *entry.synonyms}:
            synonyms.setdefault(language, {})[entry.id] = _phrases(entry, language)
    return Vocabulary(together, synonyms, {entry.id: entry.labels for entry in entries})


def _skill(entry: _Entry) -> Skill:
    label = Named(SKILLS[OTHER].label.message, key=entry.id)
    return Skill(entry.id, entry.family, label, entry.verified_only, tuple(entry.instead))


def _check(entry: _Entry, entries: list[_Entry], together: dict[str, Skill]) -> None:
    """What one entry can say only wrongly beside the others."""
    where = f"in entry {entry.id!r}, "
    if entry.id in SKILLS or sum(each.id == entry.id for each in entries) > 1:
        raise _wrong(f"{where}the id is taken already")
    if entry.family not in FAMILIES:
        raise _wrong(f"{where}family must be one of {', '.join(FAMILIES)}")
    for other in entry.instead:
        if other not in together or other in (entry.id, OTHER):
            raise _wrong(f"{where}instead names {other!r}, which is no other skill")
        if entry.verified_only and not together[other].verified_only:
            raise _wrong(f"{where}only verified skills may do instead, and {other!r} is none")
    for language in entry.synonyms:
        try:
            book = Phrasebook(Path(), {"skills": {entry.id: entry.synonyms[language]}})
            PhraseKeys([book.section("skills", entry.id)])
        except ValueError as error:
            raise _wrong(f"{where}synonyms.{language}: {str(error).removeprefix('.: ')}") from None


def _phrases(entry: _Entry, language: str) -> tuple[str, ...]:
    """The synonyms, and the label itself as plain words."""
    label = re.sub(r"[^\w ]", " ", normalise(entry.labels.get(language, ""))).strip()
    return (*entry.synonyms.get(language, ()), *([label] if label else []))
