"""Settings from the environment and `.env`; a wrong one stops the start with one clear sentence."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnparsedSettings
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from handlers.context import NO_ZONE, Union
from storage.sealing import decode_master_key
from storage.sqlite_file import sqlite_path

PREFIX = "ONECLOAK_"
Minutes = Annotated[int, Field(ge=1, le=10_080)]


class SettingsError(Exception):
    """A setting is wrong or missing; the text names its variable."""


class Stopped(Exception):
    """A command of the operator can't go on; the text says why and what to do."""


class Telegram(BaseModel):
    """The union's bot account in Telegram; without a token Telegram is not used."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = None
    base_url: str = "https://api.telegram.org/bot"
    webhook_url: str = ""
    webhook_listen: str = "127.0.0.1:8080"
    webhook_secret: SecretStr = SecretStr("")

    @field_validator("base_url", "webhook_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("it must begin with https:// or http://")
        return value

    @field_validator("webhook_listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ValueError("it must be an address and a port such as 127.0.0.1:8080")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _as_telegram_takes_it(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", value.get_secret_value()):
            raise ValueError("it must be 16 to 256 letters, digits, _ or -")
        return value


class Matrix(BaseModel):
    """The union's account in Matrix; without a homeserver Matrix is not used.

    The password is needed for the first start and where a device was lost; after that only a token is kept.
    """

    model_config = ConfigDict(extra="forbid")

    homeserver: str = ""
    user: str = ""
    password: SecretStr = SecretStr("")

    @field_validator("homeserver")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("it must begin with https:// or http://")
        return value

    @field_validator("user")
    @classmethod
    def _matrix_id(cls, value: str) -> str:
        if value and not re.fullmatch(r"@[^:\s]+:\S+", value):
            raise ValueError("it must be a whole Matrix id such as @onecloak:example.org")
        return value


class Console(BaseModel):
    """The terminal that opens when no account is configured."""

    model_config = ConfigDict(extra="forbid")

    width: Annotated[int, Field(ge=20, le=400)] = 100


class Settings(BaseSettings):
    """Everything that an operator may set; each line is explained in `.env.example`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_file=".env", extra="forbid", env_ignore_empty=True
    )

    database_url: Annotated[str, Field(repr=False)] = "sqlite+aiosqlite:///data/onecloak.db"  # has a password
    master_key: SecretStr | None = None
    language: str = "en"
    country: str = ""
    emergency_number: str = ""
    countries: str = ""
    centre: str = ""
    area_kilometres: Annotated[int, Field(ge=1, le=5_000)] = 50
    time_zone: str = ""
    skills_file: Path | None = None
    alerts_carried: Annotated[int, Field(ge=1, le=20)] = 3
    outside_command: Annotated[str, Field(repr=False)] = ""  # it may have a password
    outside_webhook: SecretStr = SecretStr("")
    drill_every_days: Annotated[int, Field(ge=0, le=365)] = 30
    alive_url: str = ""
    locales_folder: Path | None = None
    most_asked: Annotated[int, Field(ge=1, le=100)] = 10
    silence_percent: Annotated[int, Field(ge=1, le=90)] = 10
    wave_minutes: Minutes = 15
    urgent_wave_minutes: Minutes = 5
    keep_events_hours: Annotated[int, Field(ge=1, le=720)] = 48
    keep_attachments_days: Annotated[int, Field(ge=1, le=90)] = 7
    largest_attachment_megabytes: Annotated[int, Field(ge=1, le=20)] = 10
    backup_key: SecretStr | None = None
    backup_folder: Path | None = None
    keep_backup_keys_days: Annotated[int, Field(ge=1, le=90)] = 7
    keep_backups_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    log_level: str = "INFO"
    log_format: Literal["auto", "json", "plain"] = "auto"
    listen: str = ""
    name: Annotated[str, Field(min_length=1, max_length=60)] = "One Cloak"
    telegram: Telegram = Telegram()
    matrix: Matrix = Matrix()
    console: Console = Console()

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):  # whose text has a part of the address, perhaps the password
            raise ValueError("it is not the address of a database") from None
        if url.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
            raise ValueError("it must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://")
        if url.drivername == "sqlite+aiosqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("it must name a file: what is only in memory is lost with the process")
        return value

    @field_validator("master_key", "backup_key")
    @classmethod
    def _whole_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                decode_master_key(value.get_secret_value())
            except ValueError:
                raise ValueError("it must be the base64 text of 32 bytes") from None
        return value

    @field_validator("alive_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("it must begin with https:// or http://")
        return value

    @field_validator("country")
    @classmethod
    def _country_code(cls, value: str) -> str:
        if value and (len(value) != 2 or not value.isalpha()):
            raise ValueError("it must be a code of two letters such as ES")
        return value.upper()

    @field_validator("countries")
    @classmethod
    def _country_codes(cls, value: str) -> str:
        codes = [code.strip().upper() for code in value.split(",") if code.strip()]
        if any(len(code) != 2 or not code.isalpha() for code in codes):
            raise ValueError("it must be codes of two letters with commas between them, such as ES,FR")
        return ",".join(codes)

    @field_validator("centre")
    @classmethod
    def _coordinates(cls, value: str) -> str:
        if value and _degrees(value) is None:
            raise ValueError("it must be latitude and longitude such as 41.39,2.17")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError("it must be the name of a time zone such as Europe/Madrid")
        return value

    @field_validator("outside_command")
    @classmethod
    def _command_line(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError:  # whose text may have a part of the command
            raise ValueError("its quotes are not closed") from None
        return value.strip()

    @field_validator("outside_webhook")
    @classmethod
    def _whole_address(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("it must begin with https:// or http://")
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("it must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if value and host_and_port(value) is None:
            raise ValueError("it must be a port such as 9464, or host:port such as 127.0.0.1:9464")
        return value

    def outside_ways(self) -> tuple[str, ...]:
        """The names of the ways on which somebody is told outside the chats."""
        configured = (("command", self.outside_command), ("webhook", self.outside_webhook.get_secret_value()))
        return tuple(name for name, value in configured if value)

    @field_validator("locales_folder")
    @classmethod
    def _folder_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("it leads to no folder")
        return value

    def data_file(self, ending: str) -> Path:
        """A file of the bot beside the database, or where the data is kept if that is on a server."""
        path = sqlite_path(self.database_url)
        return (path or Path("data/onecloak.db")).with_suffix(ending)

    def union(self) -> Union:
        """The part of the settings that the core works by."""
        return Union(
            country=self.country,
            language=self.language,
            emergency_number=self.emergency_number,
            centre=_degrees(self.centre),
            area_radius=self.area_kilometres * 1_000,
            countries=tuple(
                dict.fromkeys(code for code in (self.country, *self.countries.split(",")) if code)
            ),
            time_zone=self.time_zone or NO_ZONE,
            drill_every=self.drill_every_days,
            alerts_carried=self.alerts_carried,
            outside_ways=self.outside_ways(),
            most_asked=self.most_asked,
            silence=self.silence_percent / 100,
            wave_wait=timedelta(minutes=self.wave_minutes),
            urgent_wave_wait=timedelta(minutes=self.urgent_wave_minutes),
            keep_events=timedelta(hours=self.keep_events_hours),
            keep_attachments=timedelta(days=self.keep_attachments_days),
            largest_attachment=self.largest_attachment_megabytes * 1_000_000,
        )


def host_and_port(text: str) -> tuple[str, int] | None:
    """Where to listen; a port alone is one of this machine only. None where the text is neither."""
    host, colon, port = text.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65_535 or (colon and not host):
        return None
    return host.strip("[]") or "127.0.0.1", int(port)


def _degrees(text: str) -> tuple[float, float] | None:
    """Latitude and longitude, None where the text is not two numbers on the earth."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def read_settings(env_file: Path | None = Path(".env"), **values: Any) -> Settings:
    """Read the settings; raises SettingsError with one sentence that names the variable."""
    try:
        return Settings(_env_file=env_file, **values)  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = _variable(first["loc"])
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                f"{name} is not a setting of One Cloak; .env.example lists them all."
            ) from None
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name} is wrong: {reason[:1].lower()}{reason[1:]}.") from None
    except UnparsedSettings as error:  # a group of settings was given as one value
        group = str(error).split('"')[1].upper()
        raise SettingsError(
            f"{PREFIX}{group} is wrong: set its parts one by one as in .env.example."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{env_file} cannot be read: save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{env_file} cannot be read ({type(error).__name__}).") from None


def _variable(where: tuple[int | str, ...]) -> str:
    """The variable that an error is about; an unknown one is named as it stands in the file."""
    name = "__".join(str(part) for part in where).upper()
    ours = str(where[0]) in Settings.model_fields
    return f"{PREFIX}{name}" if ours else name
