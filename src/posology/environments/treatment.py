"""A treatment: the question asked of a model, as data. `protocol.py` makes it an environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from posology.data.history import Channel, feature_names
from posology.environments.along import Along
from posology.environments.reward import Cost, Interval, Term, Window, nadir_distance
from posology.environments.spec import Action, Feature, Spec
from posology.patients.model import PatientModel
from posology.patients.population import Distribution
from posology.quantities import numbers_of
from posology.safety.limits import Limit


def _content(limit: Limit) -> list[object]:
    """The numbers of a limit, without the functions that have no stable text."""
    numbers = [[k, [_content(x) if isinstance(x, Limit) else repr(x) for x in _each(v)]] for k, v in limit.numbers]
    return [limit.id, numbers, limit.unit, limit.when_missing, repr(limit.lowest)]


def _each(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True)
class Sampling:
    """When a reading is measured after each visit (days), and how often it is missing."""

    reading: str
    days: tuple[float, ...]
    missing: float = 0.0
    at_start: bool = False


@dataclass(frozen=True, eq=False)
class Treatment:
    """Visits, doses, what is seen, terms, costs, limits and baselines. See `docs/environments`.

    `doses` bounds the number of doses and `days` the calendar; `samples` says what is measured.
    `days` counts from the loading dose, where there is one.
    `measured` names covariates that read a parameter without error. `limits` decide which rows of
    the table may be chosen at a visit, from what the history holds; without limits every row may.
    `population` may hold covariates that limits read and the model does not. `loading` is given before
    the first decision. `window` is the therapeutic window of the key reading, where the question is
    one of levels; `aim` says how far an interval ended from what is wanted (by default the lowest key
    reading from `target`), for planners that look one interval ahead. `any_dose` is the smallest and the largest
    amount where the dose is continuous, in the unit of `actions`; each is then given as the standard one, and `actions`
    is a fine table for what chooses from rows: planners, and exploring. `stops` is 1 after an interval that ended the
    course for good: death, cure, progression. The standard of care gives `standard` at the first `standard_visits`, then
    nothing; at every visit where that is 0. `usual(covariates)` is the amount that it gives where that depends on the patient.
    `along` names numbers that terms need of an interval's whole course. `level_at` says how many days after a dose the level is
    taken that the proportional rule sets beside `target`; where it is 0, the latest level counts.
    """

    id: str
    title: str
    question: str
    model: PatientModel
    population: Mapping[str, Distribution]
    actions: tuple[Action, ...]
    doses: int
    days: float
    samples: tuple[Sampling, ...]
    channels: tuple[Channel, ...]
    terms: tuple[Term, ...]
    costs: tuple[Cost, ...]
    key: str
    standard: Action
    measured: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    baselines: tuple[str, ...] = ()
    research_only: str = ""
    not_for: str = ""
    source: str = ""
    target: float = 1.0
    loading: Action | None = None
    window: Window | None = None
    aim: Callable[[Interval], Any] | None = None
    any_dose: tuple[float, float] | None = None
    stops: Callable[[Interval], Any] | None = None
    standard_visits: int = 0
    usual: Callable[[Mapping[str, Any]], Any] | None = None
    along: Mapping[str, Along] = field(default_factory=dict)
    level_at: float = 0.0

    @property
    def graded(self) -> bool:
        """Whether cycles are graded by the lowest neutrophil count after a dose."""
        return self.key == "anc" and self.window is None

    def distance(self, interval: Interval) -> Any:
        """How far an interval was from what is wanted; see `aim`."""
        return (self.aim or nadir_distance(self.target))(interval)

    @property
    def spec(self) -> Spec:
        """Everything a learner may know in advance."""
        table = Spec(
            id=self.id,
            observation=tuple(Feature(*f) for f in feature_names(self.channels)),
            actions=self.actions,
            terms=tuple(t.name for t in self.terms),
            weights=tuple(t.weight for t in self.terms),
            costs=tuple(c.name for c in self.costs),
            at_most=tuple(c.at_most for c in self.costs),
            max_steps=self.max_steps,
            horizon_days=self.days,
        )
        if self.any_dose is None:
            return table
        low, high = self.any_dose
        return replace(table, actions=(), low=low, high=high, action_unit=self.standard.unit, differentiable=True)

    @property
    def max_steps(self) -> int:
        """Decisions at most: every dose, or every shortest wait until the calendar ends."""
        shortest = min(a.wait for a in self.actions)
        started = self.loading.wait if self.loading else 0.0
        return int(-(-(self.days - started) // shortest))

    @property
    def fingerprint(self) -> str:
        """Hash of the resolved treatment: model numbers, visits, actions, noise, terms, limits."""
        m = self.model
        content: dict[str, object] = {
            "spec": repr(self.spec),
            "model": [m.id, repr(numbers_of(m.Params)), repr(m.covariates), repr(m.residuals), repr(m.grid), m.solver],
            "entries": repr(m.entries),
            "population": repr(sorted(self.population.items())),
            "samples": repr(self.samples),
            "channels": repr(self.channels),
            "rules": [self.doses, self.days, list(self.measured), self.key, self.target],
            "limits": [_content(limit) for limit in self.limits],
        }
        table = self.actions if self.any_dose else ()  # which the spec does not hold then
        content |= {k: repr(v) for k, v in (("loading", self.loading), ("window", self.window), ("table", table)) if v}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
