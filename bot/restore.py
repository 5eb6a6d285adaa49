"""`onecloak restore`: a backup becomes the database again, and what happened since is replayed.

Everything is made beside the place and checked; only then, in one step, it takes the place. Whoever was
forgotten is forgotten again, what ended has ended, nothing is said twice, and the old keys of a Matrix device
never speak again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot.backup import KEYS, MAIN, NOT_YET, backup_key, examine, folder_of, found_in
from bot.replacing import Chosen, Outcome, Replacement, is_there, look_at
from bot.settings import PREFIX, Settings, SettingsError, Stopped
from bot.setup import LEDGER, open_vault, read_ledger, unusable
from storage.dumping import NotLoadable
from storage.ledger import Ledger
from storage.migrate import NEWEST
from storage.sealed_file import UnusableFile
from storage.sealing import Vault
from storage.sqlite_file import sqlite_path


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asked for."""

    file: Path | None = None  # None: the newest
    keys: Path | None = None  # None: the newest beside it
    replace: bool = False  # the database that is there is moved aside
    nothing_since: bool = False  # the bot has not run since the backup was made
    ended: Sequence[str] = ()  # references of cases that had ended
    only_check: bool = False


async def restore(settings: Settings, wish: Wish, now: datetime) -> list[str]:
    """Bring a backup back, or only look if it could be; returns what the operator should know.

    Raises Stopped or SettingsError, and has changed nothing then. Only where no bot runs on this database.
    """
    vault = _vault(settings)
    chosen = _choose(settings, wish, vault, now)
    if wish.only_check:
        return [
            f"{chosen.main} is whole, of {chosen.about.made_at:%Y-%m-%d %H:%M} UTC, and of this master key.",
            f"{chosen.keys} is whole and has keys for it. Nothing was changed.",
        ]
    ledger = Ledger(settings.data_file(LEDGER), vault.index)
    listed = read_ledger(ledger)
    try:
        before = None
        if await is_there(settings):
            if not wish.replace:
                raise Stopped(
                    "there is a database already. A backup goes into an empty place; with --replace the one "
                    "that is there is moved aside first, if it is of the same union."
                )
            before = await look_at(settings, vault, now)
        known = listed.with_all(chosen.listed)
        if before is not None:
            known = known.with_all(ledger.entries(before.happened))
        replacement = Replacement(settings, vault, chosen, known, now, wish.nothing_since, wish.ended,
                                  before.trace if before else "")  # fmt: skip
        outcome = await replacement.run()
    except (UnusableFile, NotLoadable) as error:
        raise Stopped(f"{chosen.main} or its keys can't be used: {error}.") from None
    except SQLAlchemyError as error:
        raise SettingsError(unusable(error)) from None
    except OSError as error:
        raise Stopped(
            f"the database can't be written ({error.strerror}): make room on the disk, or let the bot's user "
            "write there. What was there is untouched."
        ) from None
    ledger.add(known.with_all(ledger.entries(outcome.happened)).without(listed))
    return _told(settings, chosen, outcome)


def _told(settings: Settings, chosen: Chosen, outcome: Outcome) -> list[str]:
    """What was done, and what is left to do before the bot starts."""
    made_at = f"{chosen.about.made_at:%Y-%m-%d %H:%M} UTC"
    told = [f"Restored {chosen.main} of {made_at}: {outcome.rows:,} rows."]
    if outcome.aside:
        told.append(
            f"What was there is kept in {outcome.aside}. It has the keys of all who were in it: delete it "
            f"within {settings.keep_backup_keys_days} days, or nobody in it can be forgotten."
        )
    told.append(
        f"Replayed what happened since: {outcome.forgotten} people forgotten again, {outcome.ended} cases "
        f"ended again, {outcome.charged} alerts put into the hands in which they were, {outcome.unsent} "
        "messages that were on their way not sent a second time."
    )
    told += [f"There is no open case {each}; nothing was ended by that name." for each in outcome.unknown]
    if outcome.device_given_up:
        told.append(
            "The old Matrix device must not speak again and was given up: set "
            f"{PREFIX}MATRIX__PASSWORD for the next start, and a new one is made."
        )
    if outcome.taken_alerts:
        told.append(
            f"In somebody's hands, as far as is known: {', '.join(outcome.taken_alerts)}. Whoever is in "
            "charge is asked if they still are; without an answer the others are told of it again."
        )
    if outcome.open_alerts:
        told.append(
            f"Still open, as far as the backup knows: {', '.join(outcome.open_alerts)}. Coordinators "
            "are told of them again. If one had ended, restore again with --replace --ended REFERENCE."
        )
    return [*told, "The bot can start now."]


# --- which files --------------------------------------------------------------------------------------------


def _vault(settings: Settings) -> Vault:
    """The vault with the master key that there is: a new one would open nothing."""
    path = sqlite_path(settings.database_url)
    if settings.master_key is None and path is not None and not path.with_suffix(".key").exists():
        raise Stopped(
            f"the master key is missing. Put your copy of it into {path.with_suffix('.key')}, or set "
            f"{PREFIX}MASTER_KEY: a backup has none in it."
        )
    return open_vault(settings)[0]


def _choose(settings: Settings, wish: Wish, vault: Vault, now: datetime) -> Chosen:
    key = backup_key(settings, vault)
    main = wish.file or _newest(folder_of(settings), MAIN, now)
    keys = wish.keys or _newest(main.parent, KEYS, now)
    labels = []
    for path, sort in ((main, MAIN), (keys, KEYS)):
        try:
            labels.append(examine(path, key, sort))
        except UnusableFile as error:
            raise Stopped(f"{path} can't be used: {error}.") from None
        except OSError as error:
            raise Stopped(f"{path} can't be read ({error.strerror}).") from None
    about, of_keys = labels
    if {about.owner, of_keys.owner} != {vault.fingerprint}:
        raise Stopped(f"the backup was sealed with another master key: set that one as {PREFIX}MASTER_KEY.")
    if max(about.schema, of_keys.schema) > NEWEST:
        raise Stopped("the backup was made by a newer One Cloak: restore it with that version.")
    if of_keys.made_at < about.made_at:
        raise Stopped(
            f"{keys} is older than the backup: whoever came in between has no key in it. Name its own keys, "
            "or newer ones, with --keys."
        )
    return Chosen(main, keys, key, about, of_keys.listed)


def _newest(folder: Path, ending: str, now: datetime) -> Path:
    """But for one that bears a date in the future: a wrong clock made it, and what is newer looks older."""
    found = found_in(folder, ending)
    if not found:
        raise Stopped(f"there is no file onecloak-….{ending.strip('.')} in {folder}: name one.")
    made = [each for each in found if each[0] <= now + NOT_YET]
    return (made or found)[-1][1]
