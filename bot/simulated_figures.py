"""The figures of a simulated day: pure functions of counts and times, and the table that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from math import ceil


def gini(counts: Sequence[float]) -> float:
    """How unevenly a load is spread: 0 if all bear the same, towards 1 if one bears all."""
    total = sum(counts)
    if not total:
        return 0.0
    size = len(counts)
    weighted = sum((2 * rank - size - 1) * each for rank, each in enumerate(sorted(counts), 1))
    return weighted / (size * total)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share (0 to 1) does not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Figures:
    """What is told of a day. Times in minutes, shares and spreads from 0 to 1; None where undefined."""

    needs: int
    accepted: int
    unmatched_share: float | None
    accept_minutes_p50: float | None
    accept_minutes_p90: float | None
    invitations: int
    invitations_per_acceptance: float | None
    answered_share: float | None
    most_invitations_of_one: int
    invitations_gini: float
    commitments_gini: float
    withdrawn: int
    done: int
    alerts: int


LABELS = {
    "needs": "needs",
    "accepted": "accepted by somebody",
    "unmatched_share": "unmatched at the end",
    "accept_minutes_p50": "minutes to accept, median",
    "accept_minutes_p90": "minutes to accept, p90",
    "invitations": "invitations",
    "invitations_per_acceptance": "invitations per acceptance",
    "answered_share": "invitations answered",
    "most_invitations_of_one": "invitations of one volunteer, most",
    "invitations_gini": "spread of invitations (Gini)",
    "commitments_gini": "spread of commitments (Gini)",
    "withdrawn": "commitments withdrawn",
    "done": "commitments done",
    "alerts": "alerts to coordinators",
}


def table(columns: dict[str, Figures]) -> str:
    """The days beside each other, a line for each figure."""
    width = max(len(label) for label in LABELS.values())
    head = " " * width + "".join(f"{name:>12}" for name in columns)
    rows = [
        f"{LABELS[field.name]:{width}}"
        + "".join(f"{_shown(field.name, getattr(each, field.name)):>12}" for each in columns.values())
        for field in fields(Figures)
    ]
    return "\n".join((head, *rows))


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name.endswith("_share"):
        return f"{value:.1%}"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def rounded(figures: Figures) -> dict[str, float | None]:
    """For a line of JSON: no more digits than mean something."""
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(figures).items()
    }
