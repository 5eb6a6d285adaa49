"""Who is in each tier of an escalation, and who is passed over while others are left in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from uuid import UUID

from handlers import disclosure, places
from handlers.context import Moment
from handlers.escalation import ALL, NEAR, ON_DUTY, Step
from handlers.skills import SKILLS
from storage import alerts, cells, duty, offers, people, rooms, verifications
from storage.tables import Alert, AlertPage, Person, Room

FOR_CHILDREN = frozenset(
    skill.id for skill in SKILLS.values() if skill.verified_only and skill.family == "people"
)


class Crew:
    """Whom alerts can reach at this moment; looked up once for all alerts of a turn, where it is needed.

    Who is banned or can't be reached is not there.
    """

    def __init__(self, moment: Moment) -> None:
        self.moment = moment

    def of(self, step: Step, alert: Alert) -> list[Person]:
        """The people of a step, with those of the narrower tiers; nobody whose own case it is.

        In the first round those are spared who rest after a night or carry enough, while others are there.
        """
        if step.tier == NEAR:
            found: Sequence[Person] = self._near(alert, step.radius)
        elif step.tier == ON_DUTY:
            found = self.on_duty
        elif step.tier == ALL:
            found = self.coordinators
        else:
            found = self.with_neighbours
        others = [person for person in found if person.id not in (alert.person_id, alert.about_id)]
        return self._spared(others, alert) if step.round == 0 else others

    def told(self, pages: Mapping[UUID, AlertPage]) -> int:
        """How many of those who were told, since nobody is in charge, can be reached."""
        there = {person.id for person in self.with_neighbours}
        return sum(each in there and page.rung_at is not None for each, page in pages.items())

    @cached_property
    def coordinators(self) -> list[Person]:
        return people.coordinators(self.moment.tx)

    @cached_property
    def with_neighbours(self) -> list[Person]:
        known = {person.id for person in self.coordinators}
        others = (each for each in people.neighbours(self.moment.tx) if each.id not in known)
        return [*self.coordinators, *others]

    @cached_property
    def on_duty(self) -> list[Person]:
        return duty.on_duty(self.moment.tx, self.moment.now)

    @cached_property
    def rooms(self) -> list[Room]:
        return rooms.of_coordinators(self.moment.tx)

    @cached_property
    def _carried(self) -> dict[UUID, int]:
        return alerts.carried(self.moment.tx)

    @cached_property
    def _places(self) -> list[tuple[Person, tuple[float, float]]]:
        """Where those on duty live or offer help."""
        offered = offers.places_of(self.moment.tx, [person.id for person in self.on_duty])
        self.moment.tx.load_keys(person.key_id for person in self.on_duty if person.sealed_home)
        both = [(person, place) for person in self.on_duty
                for place in (offered.get(person.id), self._home(person))]  # fmt: skip
        return [(person, place) for person, place in both if place is not None]

    def _home(self, person: Person) -> tuple[float, float] | None:
        if person.sealed_home is None:
            return None
        return places.coarse(places.from_json(self.moment.tx.open(person.key_id, "home", person.sealed_home)))

    def _near(self, alert: Alert, radius: int) -> list[Person]:
        """Those on duty near the alert's rough area; nobody if that is unknown."""
        area = disclosure.area(self.moment, alert)
        if area is None:
            return []
        near = {person.id for person, place in self._places if cells.distance(*area, *place) <= radius}
        return [person for person in self.on_duty if person.id in near]

    @cached_property
    def _trained(self) -> frozenset[UUID]:
        """Who is verified for children."""
        return verifications.holders(self.moment.tx, FOR_CHILDREN)

    def _is_about_a_child(self, alert: Alert) -> bool:
        if alert.danger == "child" or alert.person_id is None:
            return alert.danger == "child"
        return people.get(self.moment.tx, alert.person_id).minor_since is not None

    def _spared(self, found: list[Person], alert: Alert) -> list[Person]:
        if len(found) < 2:
            return found
        if self._is_about_a_child(alert):
            found = [person for person in found if person.id in self._trained] or found
        fresh = [person for person in found if not self._rests(person) and not self._carries_enough(person)]
        return fresh or found

    def _rests(self, person: Person) -> bool:
        return duty.is_resting(person, self.moment.now)

    def _carries_enough(self, person: Person) -> bool:
        limit = person.carries or self.moment.union.alerts_carried
        return self._carried.get(person.id, 0) >= limit
