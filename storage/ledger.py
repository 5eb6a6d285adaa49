"""What must be known even where an older database takes the place: who was forgotten, which cases ended.

It stands in a file of its own beside the database: lines are only ever added, and each names its subject by a
keyed fingerprint, so that the file tells nothing to whoever has no master key. The database stays the truth;
what could not be written here, because the disk was full, is written with the next line or at the next start.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from storage.sealing import sync_folder

log = logging.getLogger(__name__)

FORGOTTEN, RESOLVED = "forgotten", "resolved"
ENDS = ("done", "cancelled", "expired", RESOLVED)  # of a need; the last of an alert
_LINE = re.compile(rf"({'|'.join((FORGOTTEN, *ENDS))}) ([0-9a-f]{{32}}) (\d{{4}}-\S{{5,40}})")


@dataclass(frozen=True, slots=True)
class Lasting:
    """One thing that must outlive the database: what happened, to which person or case, when."""

    what: str
    about: UUID
    at: datetime


def fingerprint(index: Callable[..., bytes], what: str, about: UUID) -> str:
    """How a line names a person or a case; an ended case has one name, however it ended."""
    return index("lasting", FORGOTTEN if what == FORGOTTEN else "ended", str(about)).hex()


class Ledger:
    """The file and its lines. Two processes may add to it at once."""

    def __init__(self, path: Path, index: Callable[..., bytes]) -> None:
        """index: the keyed fingerprint of a vault."""
        self.path = path
        self._index = index
        self._unwritten: list[str] = []

    def entries(self, happened: Iterable[Lasting]) -> Entries:
        """The same by fingerprint, as the file has it."""
        found = [(each, fingerprint(self._index, each.what, each.about)) for each in happened]
        return Entries(
            {name: each.at for each, name in found if each.what == FORGOTTEN},
            {name: (each.what, each.at) for each, name in found if each.what in ENDS},
        )

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
    """Lines that were read: when each was forgotten, how and when each ended, by fingerprint."""

    forgotten: Mapping[str, datetime] = field(default_factory=dict)
    ended: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Entries:
        forgotten: dict[str, datetime] = {}
        ended: dict[str, tuple[str, datetime]] = {}
        for line in lines:
            found = _LINE.fullmatch(line.strip())
            moment = _moment(found[3]) if found else None
            if found is None or moment is None:
                continue
            if found[1] == FORGOTTEN:
                forgotten[found[2]] = moment
            else:
                ended[found[2]] = (found[1], moment)
        return cls(forgotten, ended)

    def lines(self) -> list[str]:
        """As they are written down."""
        return [
            *(f"{FORGOTTEN} {name} {at.isoformat()}" for name, at in self.forgotten.items()),
            *(f"{what} {name} {at.isoformat()}" for name, (what, at) in self.ended.items()),
        ]

    def with_all(self, others: Entries) -> Entries:
        return Entries({**others.forgotten, **self.forgotten}, {**others.ended, **self.ended})

    def without(self, known: Entries) -> Entries:
        """Only what `known` does not have."""
        return Entries(
            {name: at for name, at in self.forgotten.items() if name not in known.forgotten},
            {name: end for name, end in self.ended.items() if name not in known.ended},
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
