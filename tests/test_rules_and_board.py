"""The rules and the board: each figure that they name exists, and their own tools accept them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from bot.health import Asking
from bot.metrics import Metrics
from storage.database import Database
from tests.world import NOON, console_world

ROOT = Path(__file__).parent.parent
RULES = ROOT / "docs" / "operating" / "alerts.yaml"
BOARD = ROOT / "docs" / "operating" / "grafana.json"
TABLE = ROOT / "docs" / "operating.md"
SELECTOR = re.compile(r"\b((?:onecloak|process)_\w+)(?:\{([^}]*)\})?")
NEEDS_PROMTOOL = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, which comes with Prometheus, is not here"
)


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BOARD.read_text())
    return found


def expressions() -> list[str]:
    on_board = [target["expr"] for panel in board()["panels"] for target in panel.get("targets", ())]
    return [rule["expr"] for rule in rules()] + [each.replace("$__rate_interval", "5m") for each in on_board]


async def samples(database: Database, tmp_path: Path) -> list[tuple[str, dict[str, str]]]:
    """Everything that a process exposes."""
    async with console_world(database) as world:
        world.app.loops.turns = {"worker": NOON}
        metrics = Metrics(world.app, Asking(database), tmp_path, world.time)
        text = (await metrics.exposed()).decode()
    families = text_string_to_metric_families(text)
    return [(sample.name, sample.labels) for family in families for sample in family.samples]


async def test_each_figure_that_rules_and_board_name_exists(
    sqlite_database: Database, tmp_path: Path
) -> None:
    exposed = await samples(sqlite_database, tmp_path)
    named = {match for text in expressions() for match in SELECTOR.findall(text)}
    assert len({name for name, _labels in named}) > 20
    missing = []
    for name, labels in sorted(named):
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', labels)).items()
        if not any(name == sample and wanted <= have.items() for sample, have in exposed):
            missing.append((name, labels))
    assert missing == []


async def test_each_label_by_which_is_grouped_exists(sqlite_database: Database, tmp_path: Path) -> None:
    exposed = await samples(sqlite_database, tmp_path)
    for text in expressions():
        names = {name for name, _labels in SELECTOR.findall(text)}
        known = {label for sample, labels in exposed if sample in names for label in labels} | {"instance"}
        grouped = {
            label.strip() for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(",")
        }
        assert grouped <= known, text


async def test_each_figure_is_on_the_board_and_in_the_table(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """A figure that nobody looks at need not be counted."""
    ours = {
        name for name, _labels in await samples(sqlite_database, tmp_path) if name.startswith("onecloak_")
    }
    figures = {re.sub(r"_(bucket|count|sum)$", "", name) for name in ours}
    shown = " ".join(expressions())
    assert [name for name in sorted(figures) if name not in shown] == []
    table = set(re.findall(r"`(onecloak_\w+)", TABLE.read_text()))
    assert table == figures


@pytest.mark.parametrize("text", expressions())
def test_each_expression_is_one(text: str) -> None:
    promql_parser.parse(text)


def test_an_expression_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unexpected|invalid|expected"):
        promql_parser.parse("max by (lane onecloak_inbox_events)")


def test_each_rule_says_how_grave_it_is_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules()) > 10
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "action"}


def differences(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """What is not the same once it was read and written by other hands."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours:
            yield from differences(ours[key], theirs.get(key, "lost"), f"{where}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{where}/{number}")
    elif ours != theirs:
        yield where


def through_grafanas_own_library(found: dict[str, Any]) -> Any:
    plugins.register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(found)))


def test_grafanas_own_library_reads_the_board_and_loses_nothing() -> None:
    assert list(differences(board(), through_grafanas_own_library(board()))) == []


def test_what_grafana_does_not_know_would_be_noticed() -> None:
    wrong = board()
    wrong["panels"][1]["fieldConfig"]["defaults"]["unitt"] = "s"
    lost = list(differences(wrong, through_grafanas_own_library(wrong)))
    assert lost == ["/panels/1/fieldConfig/defaults/unitt"]


def test_the_boards_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    panels = board()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    covered = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(covered)) == len(covered)
    assert all(x < 24 for x, _y in covered)


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, which comes with Prometheus, is not here"
)
@pytest.mark.parametrize(
    "command",
    [["check", "rules", str(RULES)], ["test", "rules", str(ROOT / "tests" / "rules_of_a_day.yaml")]],
)
def test_promtool_accepts_the_rules_and_their_tests(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, which comes with Prometheus, is not here"
)
async def test_promtool_accepts_the_figures(sqlite_database: Database, tmp_path: Path) -> None:
    async with console_world(sqlite_database) as world:
        world.app.loops.turns = {"worker": NOON}
        text = await Metrics(world.app, Asking(sqlite_database), tmp_path, world.time).exposed()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)  # noqa: ASYNC221
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
