"""The shape of the project: imports go one way, walls are counted, nothing depends on one machine."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = ("bot", "handlers", "storage", "locales")
MAY_IMPORT = {
    "storage": {"storage"},
    "locales": {"locales"},
    "handlers": {"handlers", "storage"},
    "bot": {"bot", "handlers", "storage"},
}
PLATFORMS = {"telegram", "nio"}

# A wall catches whatever may happen, so that one failure stops nothing else. A new one needs a line here.
WALLS = {
    "bot/adapters/matrix_client.py:_handle_decrypt_to_device": 1,
    "bot/adapters/matrix_sync.py:_take_in": 1,
    "bot/adapters/telegram_webhook.py:_brought": 1,
    "bot/app.py:_lead": 1,
    "bot/app.py:_receive": 1,
    "bot/loops.py:repeat": 1,
    "bot/clock.py:_run": 2,
    "bot/clock.py:_what_is_due": 1,
    "bot/courier.py:_send": 1,
    "bot/fetcher.py:_fetch": 1,
    "bot/health.py:_answer": 1,
    "bot/watch.py:_late": 1,
    "bot/watch.py:run": 1,
    "bot/worker.py:_batch": 1,
    "bot/worker.py:_one_by_one": 1,
}

# Written in two pieces, so that this file does not name them either.
REGISTRIES = [
    f"{name}.{end}"
    for name, end in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("crates", "io"),
        ("proxy.golang", "org"), ("rubygems", "org"), ("docker", "io"), ("ghcr", "io"), ("quay", "io"),
        ("conda", "anaconda"), ("anaconda", "org"),
    )
]  # fmt: skip
# A home or a working folder of someone's machine; the container's own folder is the same everywhere.
MACHINE_PATH = re.compile(r"(?<![\w.~/:-])/(?:home/(?!onecloak\b)|root/|Users/|work/|mnt/|srv/|media/)\w")
LEFT_OUT = {".git", ".venv", "__pycache__", "data", "build"}


def sources() -> list[Path]:
    return sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    """The packages that a file imports anywhere, be it within a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "a relative import" if node.level else (node.module or "").split(".")[0]


def broad_handlers(tree: ast.AST, function: str = "") -> Iterator[str]:
    """The functions that catch everything, once for each time that they do."""
    for node in ast.iter_child_nodes(tree):
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(node, ast.ExceptHandler) and catches_everything(node.type):
            yield inner
        yield from broad_handlers(node, inner)


def catches_everything(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    each = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in ("Exception", "BaseException") for name in each)


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    packages = set(imported(ast.parse(path.read_text())))
    folder = name_of(path).split("/", maxsplit=1)[0]
    own = packages & {*CODE, "tests", "a relative import"}
    assert own <= MAY_IMPORT[folder], f"{folder} must not import {own - MAY_IMPORT[folder]}"
    if "bot/adapters/" not in name_of(path):
        assert not packages & PLATFORMS, "only adapters know platforms"


def test_all_packages_are_looked_at() -> None:
    """The tests above would pass if they found no files."""
    assert len(sources()) > 50
    assert {name_of(path).split("/", maxsplit=1)[0] for path in sources()} == set(CODE)
    found = {name_of(path) for path in sources() if set(imported(ast.parse(path.read_text()))) & PLATFORMS}
    assert "bot/adapters/telegram.py" in found


def test_every_wall_is_known() -> None:
    found = Counter(
        f"{name_of(path)}:{function}"
        for path in sources()
        for function in broad_handlers(ast.parse(path.read_text()))
    )
    assert dict(found) == WALLS


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("try: f()\nexcept ValueError: pass", 0),
        ("try: f()\nexcept: pass", 1),
        ("try: f()\nexcept (ValueError, BaseException): pass", 1),
        ("def g():\n  try: f()\n  except* Exception: pass", 1),
    ],
)
def test_a_wall_is_seen_in_any_form(text: str, count: int) -> None:
    assert len(list(broad_handlers(ast.parse(text)))) == count


def project_files() -> list[Path]:
    """Every text of the project, but what tools have written beside it."""
    caches = {
        each.name for each in ROOT.iterdir() if each.name.endswith("_cache") or each.name == ".hypothesis"
    }
    outside = LEFT_OUT | caches | {each.name for each in ROOT.glob("*.egg-info")} | {".env"}
    return [
        path for path in ROOT.rglob("*") if path.is_file() and not outside & set(path.relative_to(ROOT).parts)
    ]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the operator's to say: a mirror must be enough."""
    hosts = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, REGISTRIES))})\b")
    found = [
        f"{name_of(path)}: {host}"
        for path in project_files()
        for host in hosts.findall(path.read_text(errors="replace"))
    ]
    assert found == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{name_of(path)}: {line.strip()}"
        for path in project_files()
        for line in path.read_text(errors="replace").splitlines()
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("open('/" + "home/ana/x')", True),
        ("cd /" + "work/main", True),
        ("VOLUME /" + "home/onecloak/data", False),
        ("https://example.org/" + "work/x", False),
        ("data/onecloak.db", False),
    ],
)
def test_a_path_of_one_machine_is_recognised(line: str, is_one: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is is_one
