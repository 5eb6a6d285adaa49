"""What is served to whoever watches the bot: is it alive, is it of use, and its figures, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from bot.health import Asking, Health
from bot.listener import listening, watched
from bot.metrics import Metrics
from bot.settings import SettingsError
from bot.watch import LOOP_HOLDS
from storage.database import Database, Transaction
from storage.standing import INBOX_DEPTH, OUTBOX_DEPTH, standing
from storage.tables import Lease, Outbox
from tests.bot_api import Fault
from tests.faults.test_poison import Failing
from tests.world import NOON, TelegramPlatform, World, console_world, telegram_world

MINUTE = timedelta(minutes=1)
Sample = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Watcher:
    """Whoever asks from outside."""

    base: str
    asking: Asking

    async def asks(self, path: str) -> tuple[int, list[str]]:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.base}{path}")
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, json.loads(answer.text)["reasons"]

    async def text(self) -> str:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.base}/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text

    async def figures(self) -> dict[Sample, float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(await self.text())
            for sample in family.samples
        }


@asynccontextmanager
async def watching(world: World, folder: Path, patience: float = 5.0) -> AsyncIterator[Watcher]:
    asking = Asking(world.database, patience)
    health = Health(world.app, asking, world.time)
    metrics = Metrics(world.app, asking, folder, world.time)
    async with listening("127.0.0.1", 0, health, metrics) as port:
        yield Watcher(f"http://127.0.0.1:{port}", asking)
    await asking.close()


def of(figures: dict[Sample, float], name: str, **labels: str) -> float:
    return figures[f"onecloak_{name}", tuple(sorted(labels.items()))]


# --- alive and ready ----------------------------------------------------------------------------------


async def test_a_loop_that_does_not_come_round_is_no_life(sqlite_database: Database, tmp_path: Path) -> None:
    async with console_world(sqlite_database) as world, watching(world, tmp_path) as watcher:
        world.app.loops.rounds = {"worker": NOON, "clock": NOON}
        assert await watcher.asks("/healthz") == (200, [])
        world.time.moment += 4 * MINUTE
        world.app.loops.rounds["worker"] = world.time.moment
        assert await watcher.asks("/healthz") == (503, ["no turn for three minutes: clock"])


@pytest.mark.parametrize(
    ("error", "status"), [(ConnectionRefusedError, 200), (TimeoutError, 503), (RuntimeError, 503)]
)
async def test_a_loop_whose_turns_fail_with_the_database_is_alive_and_the_sign_of_life_is_withheld(
    sqlite_database: Database, tmp_path: Path, error: type[Exception], status: int
) -> None:
    """Who stops a database for minutes must not have all workers started anew for nothing."""
    async with console_world(sqlite_database) as world, watching(world, tmp_path) as watcher:
        stopping = asyncio.Event()

        async def fails() -> int:
            world.time.moment += 4 * MINUTE
            stopping.set()
            raise error

        await world.app.loops.repeat("clock", fails, 1.0, stopping)
        assert (await watcher.asks("/healthz"))[0] == status
        assert world.time.moment - world.app.loops.turns["clock"] > LOOP_HOLDS


async def test_a_process_is_ready_once_it_runs_and_serves_its_account(
    database: Database, tmp_path: Path
) -> None:
    async with telegram_world(database) as world, watching(world, tmp_path) as watcher:
        assert await watcher.asks("/readyz") == (503, ["it is starting"])
        world.app.loops.turns = {"worker": NOON}
        station = world.app.stations[0]
        assert await watcher.asks("/readyz") == (200, [])
        station.leading.clear()
        assert await watcher.asks("/readyz") == (503, ["not connected to telegram"])
        station.let_go()  # another process has the account: this one stands by
        assert await watcher.asks("/readyz") == (200, [])
        await database.run(lambda tx: tx.session.execute(sa.update(Lease).values(holder="")))
        assert await watcher.asks("/readyz") == (503, ["nobody serves telegram"])
        station.held.set()
        station.leading.set()
        world.app.loops.turns["worker"] = world.time.moment + 10 * MINUTE
        world.app._heard["telegram"] = NOON
        world.time.moment += 10 * MINUTE
        assert await watcher.asks("/readyz") == (503, ["no word from telegram"])


async def test_another_schema_is_not_ready(sqlite_database: Database, tmp_path: Path) -> None:
    async with console_world(sqlite_database) as world, watching(world, tmp_path) as watcher:
        world.app.loops.turns = {"worker": NOON}
        older = sa.text("UPDATE alembic_version SET version_num = '0001'")
        await sqlite_database.run(lambda tx: tx.session.execute(older))
        assert await watcher.asks("/readyz") == (503, ["the database has another schema than this version"])


async def test_a_database_that_hangs_is_told_in_time_and_the_other_figures_stay(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with console_world(sqlite_database) as world, watching(world, tmp_path, 0.05) as watcher:
        async with sqlite_database._turn:  # as if a transaction did not come to its end
            for _again in range(2):
                assert await watcher.asks("/readyz") == (503, ["the database does not answer"])
            figures = await watcher.figures()
        assert of(figures, "database_up") == 0
        assert of(figures, "turns_total", outcome="handled") == 0
        assert ("onecloak_alerts_open", (("severity", "1"),)) not in figures
        world.app.loops.turns = {"worker": NOON}
        await watcher.asking.close()
        assert await watcher.asks("/readyz") == (200, [])


async def test_a_port_that_is_taken_is_one_sentence(sqlite_database: Database, tmp_path: Path) -> None:
    async with console_world(sqlite_database) as world, watching(world, tmp_path) as watcher:
        port = watcher.base.rpartition(":")[2]
        with pytest.raises(SettingsError, match="ONECLOAK_LISTEN is wrong"):
            async with watched(port, world.app, tmp_path / "new", world.time):
                pytest.fail("it must not start")
    async with watched("", world.app, tmp_path, world.time):
        pass  # nothing is served where nothing is set


# --- figures ------------------------------------------------------------------------------------------


async def test_an_sos_that_nobody_takes_is_seen_in_the_figures(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with telegram_world(database) as world, watching(world, tmp_path) as watcher:
        assert isinstance(world.platform, TelegramPlatform)
        await world.coordinator("carla")
        before = await watcher.figures()
        assert of(before, "alerts_open", severity="1") == 0
        await world.person("ana").says("SOS")
        await world.forward(minutes=4)
        world.time.moment += 2 * MINUTE
        figures = await watcher.figures()
        assert of(figures, "alerts_open", severity="1") == 1
        assert of(figures, "alert_unacknowledged_age_seconds", severity="1") == 360
        assert of(figures, "alert_step_overdue_seconds") > 0
        assert of(figures, "coordinators", state="reachable") == 1
        assert of(figures, "duty_lateness_seconds_count", duty="alerts") >= 1
        assert of(figures, "lease_held", platform="telegram") == 1
        assert of(figures, "platform_connected", platform="telegram") == 1
        assert of(figures, "database_size_bytes") > 100_000
        sent = of(figures, "sends_total", platform="telegram", outcome="sent")
        delivered = "delivery_duration_seconds_count"
        lanes = ("crisis", "reply", "invitation", "broadcast")
        assert sent == sum(of(figures, delivered, platform="telegram", lane=lane) for lane in lanes) > 3

        world.platform.api.fault("sendMessage", Fault.FLOOD, detail=30)
        await world.platform.says("ben", "hello")
        for _settled in range(3):
            await world.app.stations[0].gateway.run_once()
            await world.app.worker.run_once()
            await world.app.stations[0].courier.run_once()
        Failing(RuntimeError("a bug")).put(monkeypatch)
        await world.platform.says("dan", "/my")
        await world.platform.says("eva", "hello")
        await world.app.stations[0].gateway.run_once()
        world.time.moment += timedelta(seconds=10)
        figures = await watcher.figures()
        assert of(figures, "pauses_total", platform="telegram") == 1
        assert of(figures, "outbox_messages", platform="telegram", lane="reply") == 1
        assert of(figures, "outbox_oldest_age_seconds", platform="telegram", lane="reply") == 10
        assert of(figures, "inbox_events", lane="ordinary") == 2
        assert of(figures, "inbox_oldest_age_seconds", lane="ordinary") == 10
        await world.settle()
        world.time.moment += timedelta(seconds=10)
        figures = await watcher.figures()
        assert of(figures, "inbox_events", lane="ordinary") == 0
        assert of(figures, "turns_total", outcome="failed") == 1
        assert of(figures, "failures_total", wall="turn") == 1
        assert of(figures, "turn_duration_seconds_bucket", lane="ordinary", le="+Inf") >= 3


async def test_no_figure_bears_a_person_a_chat_or_a_reference(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with telegram_world(sqlite_database) as world, watching(world, tmp_path) as watcher:
        assert isinstance(world.platform, TelegramPlatform)
        await world.coordinator("carla")
        await world.volunteer("benedikt")
        reference = await world.need("anastasia", "I need insulin for Wilhelmina")
        await world.person("anastasia").presses("SOS")
        world.app.loops.turns = {"worker": NOON}
        text = await watcher.text()
    for word in ("anastasia", "benedikt", "Wilhelmina", "insulin", reference, "A-"):
        assert word.casefold() not in text.casefold()
    allowed = {"lane", "platform", "outcome", "severity", "state", "loop", "duty", "wall", "le", "version",
               "schema", "engine"}  # fmt: skip
    labels = {label for line in text.splitlines() for label in re.findall(r'[{,](\w+)="', line)}
    assert labels == allowed


async def test_the_database_is_asked_once_in_five_seconds(sqlite_database: Database, tmp_path: Path) -> None:
    async with console_world(sqlite_database) as world, watching(world, tmp_path) as watcher:
        await world.coordinator("carla")
        first = await watcher.figures()
        await world.person("ana").says("SOS")
        world.time.moment += timedelta(seconds=4)
        assert of(await watcher.figures(), "alerts_open", severity="1") == of(
            first, "alerts_open", severity="1"
        )
        world.time.moment += timedelta(seconds=1)
        assert of(await watcher.figures(), "alerts_open", severity="1") == 1


async def test_nobody_who_writes_waits_for_the_figures(database: Database, tmp_path: Path) -> None:
    async with telegram_world(database) as world, watching(world, tmp_path) as watcher:
        await world.coordinator("carla")
        async with database.engine.execution_options(only_reads=True).connect() as reading:
            await reading.execute(sa.text("SELECT count(*) FROM outbox"))  # a scrape that takes long
            async with asyncio.timeout(10):
                await world.person("ana").says("SOS")
        world.person("ana").hears("112")
        assert of(await watcher.figures(), "alerts_open", severity="1") == 1


async def test_what_is_kept_until_its_reader_writes_is_late_for_nobody(sqlite_database: Database) -> None:
    async with console_world(sqlite_database) as world:
        await world.platform.says("ana", "hello")
        await world.app.stations[0].gateway.run_once()
        await world.app.worker.run_once()

        def hold(tx: Transaction) -> None:
            from storage.outbox import HELD

            tx.session.execute(sa.update(Outbox).values(due_at=HELD))

        await sqlite_database.run(hold)
        found = await sqlite_database.run(lambda tx: standing(tx, NOON + MINUTE))
        (waiting,) = found.outbox.values()
        assert (waiting.count, waiting.oldest) == (1, timedelta(0))


@pytest.mark.parametrize(
    ("query", "index"), [(INBOX_DEPTH, "ix_inbox_queue"), (OUTBOX_DEPTH, "ix_outbox_queue")]
)
async def test_queues_are_counted_from_the_index_over_what_is_unfinished(
    sqlite_database: Database, query: sa.Select[tuple[int]], index: str
) -> None:
    def explained(tx: Transaction) -> str:
        compiled = query.compile(
            dialect=tx.session.get_bind().dialect, compile_kwargs={"literal_binds": True}
        )
        return str(tx.session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled}")).all())

    assert f"USING INDEX {index}" in await sqlite_database.run(explained)
