"""What must be known even where an older database takes the place: who was forgotten, which cases ended, and
who is in charge of an alert.

It stands in a file of its own beside the database: lines are only ever added, and each names its subject by a
keyed fingerprint, so that the file tells nothing to whoever has no master key. The database stays the truth;
what could not be written here, because the disk was full, is written with the next line or at the next start.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from storage.sealing import sync_folder

log = logging.getLogger(__name__)

FORGOTTEN, RESOLVED = "forgotten", "resolved"
ENDS = ("done", "cancelled", "expired", RESOLVED)  # of a need; the last of an alert
TAKEN, FREED = "taken", "freed"  # an alert: somebody is in charge of it, nobody is any more
_NAME = "([0-9a-f]{32})"
_LINE = re.compile(
    rf"({'|'.join((FORGOTTEN, *ENDS, TAKEN, FREED))}) {_NAME} (\d{{4}}-\S{{5,40}})(?: {_NAME})?"
)


@dataclass(frozen=True, slots=True)
class Lasting:
    """One thing that must outlive the database: what happened, to which person or case, when, by whom."""

    what: str
    about: UUID
    at: datetime
    by: UUID | None = None  # who is in charge of an alert now


def fingerprint(index: Callable[..., bytes], what: str, about: UUID) -> str:
    """How a line names a person or a case; a case has one name, whatever is said of it.

    A person has two names that don't betray each other: of one who is forgotten, and (`taken`) of one who
    is in charge.
    """
    return index("lasting", what if what in (FORGOTTEN, TAKEN) else "ended", str(about)).hex()


@dataclass(frozen=True, slots=True)
class Charge:
    """Since when who is in charge of an alert, by fingerprint; "": nobody."""

    since: datetime
    owner: str = ""


class Ledger:
    """The file and its lines. Two processes may add to it at once."""

    def __init__(self, path: Path, index: Callable[..., bytes]) -> None:
        """index: the keyed fingerprint of a vault."""
        self.path = path
        self._index = index
        self._unwritten: list[str] = []

    def entries(self, happened: Iterable[Lasting]) -> Entries:
        """The same by fingerprint, as the file has it."""
        entries = Entries()
        for each in happened:
            name = fingerprint(self._index, FORGOTTEN if each.what == FORGOTTEN else RESOLVED, each.about)
            owner = fingerprint(self._index, TAKEN, each.by) if each.by is not None else ""
            entries.note(each.what, name, each.at, owner)
        return entries

    def add(self, entries: Entries) -> None:
        """Add lines and have them on the disk; where that fails they are kept for the next time."""
        self._unwritten += entries.lines()
        if not self._unwritten:
            return
        # A line that a power cut left half is ended first.
        text = "".join(f"{line}\n" for line in ("", *self._unwritten)).encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(descriptor, text) != len(text):
                    raise OSError("the disk took only a part")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(self.path.parent)
        except OSError as error:
            log.error(
                "the list of the forgotten can't be written (%s); it is tried again", error.strerror or error
            )
            return
        self._unwritten = []

    def read(self) -> Entries:
        """All that is written down; a line that is no whole one is passed over. Raises OSError."""
        try:
            text = self.path.read_text(errors="replace")
        except FileNotFoundError:
            return Entries()
        return Entries.of(text.splitlines())


@dataclass(frozen=True, slots=True)
class Entries:
    """Lines that were read: who was forgotten when, how and when each case ended, who is in charge of which.

    All by fingerprint.
    """

    forgotten: dict[str, datetime] = field(default_factory=dict)
    ended: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Entries:
        entries = cls()
        for line in lines:
            found = _LINE.fullmatch(line.strip())
            moment = _moment(found[3]) if found else None
            if found is not None and moment is not None and bool(found[4]) == (found[1] == TAKEN):
                entries.note(found[1], found[2], moment, found[4] or "")
        return entries

    def note(self, what: str, name: str, at: datetime, owner: str = "") -> None:
        """One thing more; of two that are said of the same charge the later one is true."""
        if what == FORGOTTEN:
            self.forgotten[name] = at
        elif what in ENDS:
            self.ended[name] = (what, at)
        elif name not in self.charges or self.charges[name].since <= at:
            self.charges[name] = Charge(at, owner)

    def lines(self) -> list[str]:
        """As they are written down."""
        return [
            *(f"{FORGOTTEN} {name} {at.isoformat()}" for name, at in self.forgotten.items()),
            *(f"{what} {name} {at.isoformat()}" for name, (what, at) in self.ended.items()),
            *(
                f"{TAKEN} {name} {charge.since.isoformat()} {charge.owner}"
                if charge.owner
                else f"{FREED} {name} {charge.since.isoformat()}"
                for name, charge in self.charges.items()
            ),
        ]

    def with_all(self, others: Entries) -> Entries:
        both = Entries(
            {**others.forgotten, **self.forgotten}, {**others.ended, **self.ended}, dict(others.charges)
        )
        for name, charge in self.charges.items():
            both.note(TAKEN if charge.owner else FREED, name, charge.since, charge.owner)
        return both

    def without(self, known: Entries) -> Entries:
        """Only what `known` does not have."""
        return Entries(
            {name: at for name, at in self.forgotten.items() if name not in known.forgotten},
            {name: end for name, end in self.ended.items() if name not in known.ended},
            {
                name: charge
                for name, charge in self.charges.items()
                if name not in known.charges or known.charges[name].owner != charge.owner
            },
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
