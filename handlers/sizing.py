"""How many to ask at once: pure functions from measured answers to the size of a wave.

Both chances are means of a Beta distribution: the union's begins at what others have measured, a
volunteer's at the union's, and each answer moves them.
"""

from __future__ import annotations

from collections.abc import Sequence

from storage.candidates import Candidate
from storage.history import Answers

USUAL = 0.3  # volunteers say yes to: published response rates run from 17 to 47 percent (JMIR 2023 e41551)
STRENGTH = 10  # answers that weigh as much as what was known before them
URGENT = 0.5  # an urgent need may stay unanswered half as often


def union_chance(answers: Answers) -> float:
    """The chance that anyone of this union accepts, from its own recent answers."""
    return (USUAL * STRENGTH + answers.accepted) / (STRENGTH + answers.answered)


def chance(union: float, candidate: Candidate) -> float:
    """The chance that this volunteer accepts; silence and a no count alike."""
    answered = candidate.accepted + candidate.declined + candidate.silent
    return (union * STRENGTH + candidate.accepted) / (STRENGTH + answered)


def how_many(
    chances: Sequence[float], silence: float, most: int, wanted: int = 1, waiting: Sequence[float] = ()
) -> int:
    """The fewest of the ranked volunteers with whom fewer than `wanted` accept with a chance <= `silence`.

    waiting: the chances of those who were asked before and may still accept. At least one is asked where
    there is anybody and the target is not yet met, and never more than `most` are waited for in all.
    """
    few = [1.0] + [0.0] * (wanted - 1)  # the chance that exactly 0, 1, 2 … have accepted, below `wanted`
    for each in waiting:
        few = _after(few, each)
    allowed = min(len(chances), max(most, wanted) - len(waiting))
    for count in range(max(allowed, 0)):
        if sum(few) <= silence:
            return count
        few = _after(few, chances[count])
    return max(allowed, 0)


def _after(few: Sequence[float], chance: float) -> list[float]:
    """How many have accepted, when one more was asked."""
    return [
        exactly * (1 - chance) + (few[count - 1] * chance if count else 0.0)
        for count, exactly in enumerate(few)
    ]
