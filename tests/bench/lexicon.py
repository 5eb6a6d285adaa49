"""How long it takes to see whether a message is a cry for help, in all languages at once.

    make bench NAME=lexicon

The last line is one JSON object, in microseconds for each message and in seconds for the start. `ordinary`:
needs and offers as people write them; `harmless`: words that come near a crisis; `cry`: true ones. `start_s`:
of processor time to read the lexicons and answer the first message; `first_cry_ms`: the first cry after it.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from handlers.lexicon import Lexicons
from tests.catalogs import LOCALES
from tests.sentences import ENGLISH, SPANISH

SENTENCES = Path(__file__).parents[1] / "sentences_of_crises"
REPEATS, ROUNDS = 20, 5


def microseconds(run: Callable[[str], object], text: str) -> float:
    """The least time of a few rounds: what else the machine does is no part of it."""
    run(text)  # what it needs is made ready once
    rounds = []
    for _round in range(ROUNDS):
        began = time.perf_counter_ns()
        for _repeat in range(REPEATS):
            run(text)
        rounds.append((time.perf_counter_ns() - began) / REPEATS / 1_000)
    return min(rounds)


def figures(run: Callable[[str], object], name: str, messages: Iterable[str]) -> dict[str, float]:
    times = sorted(microseconds(run, text) for text in messages)
    return {
        f"{name}_p50_us": round(statistics.median(times), 1),
        f"{name}_p99_us": round(times[int(len(times) * 0.99)], 1),
    }


def needs() -> list[str]:
    return [line.split(" = ")[0] for table in (ENGLISH, SPANISH) for line in table.strip().splitlines()]


def main() -> None:
    began = time.process_time()
    lexicons = Lexicons.load(LOCALES)
    lexicons.crisis("good morning")
    started = time.process_time()
    lexicons.cry("my father fell down the stairs")
    first = time.process_time()
    known = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(SENTENCES.glob("*.toml"))]
    harmless = [text for each in known for text in each["harmless"]["words"]]
    cries = [text for each in known for texts in each["crisis"].values() for text in texts]
    found = {
        "languages": len(lexicons.crisis_words.languages),
        "start_s": round(started - began, 3),
        "first_cry_ms": round((first - started) * 1_000, 1),
        **figures(lexicons.crisis, "ordinary", needs()),
        **figures(lexicons.crisis, "harmless", harmless),
        **figures(lexicons.crisis, "cry", cries),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
