"""The figures of one process and its database, as Prometheus reads them; docs/operating.md lists them.

No label names a person, a chat, a place or a case. What is in the database is the same in each process that
shares it, so rules take the maximum of those; what a process has counted itself is summed.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from bot.app import App
from bot.counts import Spread
from bot.health import Asking
from handlers.contents import DUTIES
from handlers.messages import Lane
from storage.inbox import CRISIS, ORDINARY, SLOWED
from storage.migrate import NEWEST
from storage.standing import Standing, Waiting, standing

CONTENT_TYPE = CONTENT_TYPE_LATEST
ASKED_EVERY = timedelta(seconds=5)  # the database, at most
INBOX_LANES = {CRISIS: "crisis", ORDINARY: "ordinary", SLOWED: "slowed"}
OUTBOX_LANES = {int(lane): lane.name.lower() for lane in Lane}
SENDS = {"sent": "sent", "waiting": "postponed", "refused": "refused", "uncertain": "uncertain"}
TURNS = ("handled", "failed", "unreadable")
SEVERITIES = (1, 2, 3)

Values = Mapping[Any, float]  # by the values of the labels


class Metrics:
    """Gathers the figures when it is asked for them."""

    def __init__(self, app: App, asking: Asking, folder: Path, now: Callable[[], datetime]) -> None:
        """folder: on the disk whose free space is told."""
        self.app = app
        self.asking = asking
        self.folder = folder
        self.now = now
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._asked_at: datetime | None = None
        self._standing: Standing | None = None

    async def exposed(self) -> bytes:
        """All figures in Prometheus's text format; without those of a database that does not answer."""
        now = self.now()
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < ASKED_EVERY:
            self._asked_at = now
            self._standing = await self.asking.ask(lambda tx: standing(tx, now), beside_writers=True)
        return generate_latest(_Given(self._families())) + generate_latest(self._process)

    def _families(self) -> Iterable[Metric]:
        yield from _of_process(self.app, self.folder, self.now())
        known = [each.adapter.platform for each in self.app.stations]
        yield _gauge("database_up", "Whether the database answered.", self._standing is not None)
        if self._standing is not None:
            yield from _of_queues(self._standing, known)
            yield from _of_alerts(self._standing)


class _Given(CollectorRegistry):
    """A registry of figures that were gathered already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


# --- what the database holds --------------------------------------------------------------------------


def _of_queues(found: Standing, platforms: Iterable[str]) -> Iterable[Metric]:
    inbox = {(name,): found.inbox.get(lane) for lane, name in INBOX_LANES.items()}
    lane = ("lane",)
    yield _gauges("inbox_events", "Events that wait to be handled.", lane, _counts(inbox))
    yield _gauges("inbox_oldest_age_seconds", "Age of the oldest event that waits.", lane, _ages(inbox))
    names = sorted({*platforms, *(platform for platform, _lane in found.outbox)})
    outbox = {
        (platform, name): found.outbox.get((platform, number))
        for platform in names
        for number, name in OUTBOX_LANES.items()
    }
    both = ("platform", "lane")
    yield _gauges("outbox_messages", "Messages that wait to be sent.", both, _counts(outbox))
    yield _gauges("outbox_oldest_age_seconds", "Age of the oldest that may leave.", both, _ages(outbox))
    jobs = {(platform,): found.jobs.get(platform) for platform in sorted({*platforms, *found.jobs})}
    yield _gauges("jobs", "Attachments that wait to be fetched.", ("platform",), _counts(jobs))
    yield _gauges("jobs_oldest_age_seconds", "Age of the oldest of them.", ("platform",), _ages(jobs))
    yield _gauge("outside_calls", "Calls on the second way out that are not done.", found.calls.count)
    age = found.calls.oldest.total_seconds()
    yield _gauge("outside_calls_oldest_age_seconds", "Age of the oldest of them.", age)
    yield _gauge("database_size_bytes", "Size of the database.", found.size)
    made_at = found.backed_up_at.timestamp() if found.backed_up_at is not None else 0.0
    yield _gauge("last_backup_timestamp_seconds", "When the last good backup was made; 0: none was.", made_at)


def _of_alerts(found: Standing) -> Iterable[Metric]:
    severity = ("severity",)
    counts = {(str(each),): float(found.alerts.get(each, 0)) for each in SEVERITIES}
    yield _gauges("alerts_open", "Open alerts; severity 1 is a life in danger.", severity, counts)
    ages = {(str(each),): found.unacknowledged.get(each, timedelta(0)).total_seconds() for each in SEVERITIES}
    yield _gauges(
        "alert_unacknowledged_age_seconds", "Age of the oldest alert nobody has taken.", severity, ages
    )
    late = found.late.step.total_seconds()
    yield _gauge("alert_step_overdue_seconds", "How late the most overdue step of an alert is.", late)
    people = {("reachable",): float(found.coordinators), ("on_duty",): float(found.on_duty)}
    yield _gauges("coordinators", "Coordinators who can be reached, and who are on duty.", ("state",), people)


# --- what this process has done -----------------------------------------------------------------------


def _of_process(app: App, folder: Path, now: datetime) -> Iterable[Metric]:
    engine = "sqlite" if app.database.is_sqlite else "postgresql"
    labels = {(version("onecloak"), NEWEST, engine): 1.0}
    yield _gauges("build_info", "What runs here.", ("version", "schema", "engine"), labels)
    free = shutil.disk_usage(folder).free
    yield _gauge("disk_free_bytes", "Space that is left where the data stands.", free)
    silence = {(name,): _seconds(now - at) for name, at in app.loops.turns.items()}
    yield _gauges("loop_silence_seconds", "Since a turn of each loop ended well.", ("loop",), silence)
    walls = Counter(app.loops.walls)
    walls += Counter({"turn": app.worker.failures, "duty": app.clock.failures})
    for each in app.stations:
        walls[f"sending {each.adapter.platform}"] = each.courier.failures
        walls[f"fetching {each.adapter.platform}"] = each.fetcher.failures
    walls.update({"turn": 0, "duty": 0})
    failures = {(name,): float(count) for name, count in walls.items()}
    yield _counter("failures", "Errors that were caught so that the rest goes on.", ("wall",), failures)
    yield from _of_turns(app)
    yield from _of_stations(app, now)


def _of_turns(app: App) -> Iterable[Metric]:
    outcomes = {(name,): float(app.worker.outcomes[name]) for name in TURNS}
    yield _counter("turns", "Events that were handled, by how it ended.", ("outcome",), outcomes)
    turns = {(name,): app.worker.turns.get(lane, Spread()) for lane, name in INBOX_LANES.items()}
    yield _histogram("turn_duration_seconds", "From received to committed.", ("lane",), turns)
    late = {(duty.name,): app.clock.lateness.get(duty.name, Spread()) for duty in DUTIES}
    yield _histogram("duty_lateness_seconds", "How late what was due was done.", ("duty",), late)
    calls = {(name,): float(app.outside.outcomes[name]) for name in ("done", "failed")}
    yield _counter("outside_attempts", "Calls on the second way out, by outcome.", ("outcome",), calls)


def _of_stations(app: App, now: datetime) -> Iterable[Metric]:
    by_platform = {(each.adapter.platform,): each for each in app.stations}
    platform = ("platform",)
    held = {key: float(each.held.is_set()) for key, each in by_platform.items()}
    yield _gauges("lease_held", "Whether this process serves the account.", platform, held)
    leading = {key: float(each.leading.is_set()) for key, each in by_platform.items()}
    yield _gauges("platform_connected", "Whether it is connected to it.", platform, leading)
    silence = {(name,): _seconds(now - at) for name, at in app.heard().items()}
    yield _gauges("platform_silence_seconds", "Since the platform last answered.", platform, silence)
    sends = {
        (*key, name): float(each.courier.outcomes[state])
        for key, each in by_platform.items()
        for state, name in SENDS.items()
    }
    yield _counter("sends", "Messages given to a platform, by outcome.", ("platform", "outcome"), sends)
    pauses = {key: float(each.courier.pauses) for key, each in by_platform.items()}
    yield _counter("pauses", "How often a platform asked to wait.", platform, pauses)
    deliveries = {
        (*key, name): each.courier.deliveries.get(lane, Spread())
        for key, each in by_platform.items()
        for lane, name in OUTBOX_LANES.items()
    }
    both = ("platform", "lane")
    yield _histogram("delivery_duration_seconds", "From queued to taken by the platform.", both, deliveries)


# --- families -----------------------------------------------------------------------------------------


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"onecloak_{name}", help_text, value=float(value))


def _gauges(name: str, help_text: str, labels: tuple[str, ...], values: Values) -> Metric:
    family = GaugeMetricFamily(f"onecloak_{name}", help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, help_text: str, labels: tuple[str, ...], values: Values) -> Metric:
    family = CounterMetricFamily(f"onecloak_{name}", help_text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _histogram(name: str, help_text: str, labels: tuple[str, ...], values: Mapping[Any, Spread]) -> Metric:
    family = HistogramMetricFamily(f"onecloak_{name}", help_text, labels=labels)
    for key, spread in values.items():
        family.add_metric(key, spread.buckets(), spread.total)
    return family


def _counts(waiting: Mapping[Any, Waiting | None]) -> Values:
    return {key: float(each.count) if each else 0.0 for key, each in waiting.items()}


def _ages(waiting: Mapping[Any, Waiting | None]) -> Values:
    return {key: _seconds(each.oldest) if each else 0.0 for key, each in waiting.items()}


def _seconds(length: timedelta) -> float:
    return max(0.0, length.total_seconds())
