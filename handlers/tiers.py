"""Who is in each tier of an escalation, and who is passed over while others are left in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from uuid import UUID

from handlers import disclosure, places
from handlers.context import Moment
from handlers.escalation import ALL, NEAR, ON_DUTY, Step
from handlers.skills import SKILLS
from storage import alerts, cells, duty, offers, people, verifications
from storage.tables import Alert, Person

FOR_CHILDREN = frozenset(
    skill.id for skill in SKILLS.values() if skill.verified_only and skill.family == "people"
)


class Reach:
    """Whom an alert can reach at this moment; each tier is looked up once, and only where it is needed.

    Nobody is told about their own case; who is banned or can't be reached is not there.
    """

    def __init__(self, moment: Moment, alert: Alert) -> None:
        self.moment = moment
        self.alert = alert

    def of(self, step: Step) -> list[Person]:
        """The people of a step; each tier has those of the narrower ones too.

        In the first round those are spared who rest after a night or carry enough, while others are there.
        """
        if step.tier == NEAR:
            found = self._near(step.radius)
        elif step.tier == ON_DUTY:
            found = self._on_duty
        elif step.tier == ALL:
            found = self._all
        else:
            found = self._with_neighbours
        return self._spared(found) if step.round == 0 else found

    @cached_property
    def _all(self) -> list[Person]:
        return self._others(people.coordinators(self.moment.tx))

    @cached_property
    def _with_neighbours(self) -> list[Person]:
        known = {person.id for person in self._all}
        neighbours = self._others(people.neighbours(self.moment.tx))
        return [*self._all, *(person for person in neighbours if person.id not in known)]

    @cached_property
    def _on_duty(self) -> list[Person]:
        return self._others(duty.on_duty(self.moment.tx, self.moment.now))

    @cached_property
    def _carried(self) -> dict[UUID, int]:
        return alerts.carried(self.moment.tx)

    def _near(self, radius: int) -> list[Person]:
        """Those on duty who live or offer help near the alert's rough area; nobody if that is unknown."""
        area = disclosure.area(self.moment, self.alert)
        if area is None:
            return []
        offered = offers.places_of(self.moment.tx, [person.id for person in self._on_duty])
        self.moment.tx.load_keys(person.key_id for person in self._on_duty if person.sealed_home)
        return [
            person
            for person in self._on_duty
            if any(
                place is not None and cells.distance(*area, *place) <= radius
                for place in (offered.get(person.id), self._home(person))
            )
        ]

    def _home(self, person: Person) -> tuple[float, float] | None:
        if person.sealed_home is None:
            return None
        return places.coarse(places.from_json(self.moment.tx.open(person.key_id, "home", person.sealed_home)))

    def _others(self, found: Iterable[Person]) -> list[Person]:
        return [person for person in found if person.id not in (self.alert.person_id, self.alert.about_id)]

    @cached_property
    def _trained(self) -> frozenset[UUID]:
        """Who is verified for children, where the alert is about one; else nobody."""
        subject = people.get(self.moment.tx, self.alert.person_id) if self.alert.person_id else None
        is_minor = subject is not None and subject.minor_since is not None
        if self.alert.danger != "child" and not is_minor:
            return frozenset()
        return verifications.holders(self.moment.tx, FOR_CHILDREN)

    def _spared(self, found: Sequence[Person]) -> list[Person]:
        found = [person for person in found if person.id in self._trained] or found
        fresh = [person for person in found if not self._rests(person) and not self._carries_enough(person)]
        return fresh or list(found)

    def _rests(self, person: Person) -> bool:
        return duty.is_resting(person, self.moment.now)

    def _carries_enough(self, person: Person) -> bool:
        limit = person.carries or self.moment.union.alerts_carried
        return self._carried.get(person.id, 0) >= limit
