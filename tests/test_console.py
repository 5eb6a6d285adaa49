"""The console as a script drives it: the main job and an SOS, in a folder of its own, as a newcomer would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

STORY = """
/as carla
/join {coordinator}
/as ben
/join {member}
/offer I can fetch medicine
/at 41.40,2.16
2
/as ana
I need someone to fetch my insulin, I can't walk
1
/at 41.40,2.17
/as ben
1
1
/as ana
The door is green
sos
/as carla
1
/as ana
He fell
/as carla
/wait 10m
/nonsense
/at nowhere
"""


def onecloak(folder: Path, *arguments: str, said: str = "") -> str:
    """Run the command in a folder and give back what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", *arguments], cwd=folder, env=environment, input=said, text=True,
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    return ended.stdout


def told(folder: Path) -> str:
    """The whole story, with what chance and the hour made replaced."""
    folder.mkdir()
    codes = {role: onecloak(folder, "code", role).strip() for role in ("member", "coordinator")}
    out = onecloak(folder, "run", said=STORY.format(**codes))
    for role, code in codes.items():
        out = out.replace(code, role.upper())
    out = re.sub(r"\b\d\d:\d\d UTC", "HH:MM UTC", out)
    return re.sub(r"\b([NA])-[0-9A-Z]{4}\b", r"\1-XXXX", out)


def test_the_main_job_and_an_sos_from_a_script_and_the_same_words_each_time(tmp_path: Path) -> None:
    out = told(tmp_path / "first")
    for line in (
        "* You are carla now.",
        "ben says: /at 41.40,2.16",
        "  N-XXXX · Fetch medicine",
        "  “I need someone to fetch my insulin, I can't walk”",
        "  N-XXXX: your volunteer says they will be there in about 15 minutes.",
        "  The door is green",
        "  🔴 A-XXXX · SOS · 1 minute · nobody yet",
        "  Carla has taken charge of this, for the coordinators. Write here and I pass it on.",
        "  He fell",
        "* 10m pass.",
        "* Write a place as /at 41.38,2.17",
    ):
        assert line in out.splitlines(), line
    assert out == told(tmp_path / "second")


def test_what_was_said_is_there_after_a_restart(tmp_path: Path) -> None:
    onecloak(tmp_path, "run", said="/as ana\nI need food\n")
    out = onecloak(tmp_path, "run", said="/as ana\nyes\n/at 41.4,2.1\n/wait 2h\n")
    assert "Where is help needed?" in out
    again = onecloak(tmp_path, "run", said="/as ana\n/my\n")
    assert "Food and shopping" in again


def test_a_terminal_that_lacks_a_letter_shows_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out = onecloak(tmp_path, "run", said="/as ana\nhello\n")
    assert "Espa?ol" in out


def test_who_reads_only_the_first_lines_is_told_of_no_fault(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bot", "doctor"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as doctor:
        assert doctor.stdout is not None
        assert doctor.stderr is not None
        doctor.stdout.close()
        assert doctor.stderr.read() == ""
        assert doctor.wait() == 1


def test_a_link_that_leads_to_itself_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("data")
    with pytest.raises(subprocess.CalledProcessError) as ended:
        onecloak(tmp_path, "run")
    (told,) = ended.value.stderr.splitlines()
    assert told.startswith("One Cloak cannot go on: ONECLOAK_DATABASE_URL leads to no place")


def test_the_first_coordinator_is_listed_and_removed(tmp_path: Path) -> None:
    assert "no coordinator yet" in onecloak(tmp_path, "coordinators", "list")
    code = onecloak(tmp_path, "code", "coordinator").strip()
    onecloak(tmp_path, "run", said=f"/as carla\n/join {code}\n")
    assert "1  Carla  on duty" in onecloak(tmp_path, "coordinators", "list")
    assert "Removed" in onecloak(tmp_path, "coordinators", "remove", "1")
    assert "no coordinator yet" in onecloak(tmp_path, "coordinators", "list")


def test_the_key_file_is_for_its_owner_only_and_health_is_told(tmp_path: Path) -> None:
    onecloak(tmp_path, "run", said="/as ana\nhello\n")
    assert (tmp_path / "data" / "onecloak.key").stat().st_mode & 0o777 == 0o600
    sick = subprocess.run(
        [sys.executable, "-m", "bot", "health"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert sick.returncode == 1
