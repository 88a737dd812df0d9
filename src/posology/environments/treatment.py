"""A treatment: the question asked of a model, as data. `protocol.py` makes it an environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from posology.data.history import Channel, feature_names
from posology.environments.reward import Cost, Term
from posology.environments.spec import Action, Feature, Spec
from posology.patients.model import PatientModel
from posology.patients.population import Distribution
from posology.quantities import numbers_of


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
    `measured` names covariates that read a parameter without error. `gate` closes dosing when the
    latest key reading is below it; then only the delay row may be chosen.
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
    gate: float = 0.0
    delays_in_row: int = 0
    limits: tuple[Any, ...] = ()
    baselines: tuple[str, ...] = ()
    research_only: str = ""
    not_for: str = ""
    source: str = ""
    target: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> Spec:
        """Everything a learner may know in advance."""
        return Spec(
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

    @property
    def max_steps(self) -> int:
        """Decisions at most: every dose, or every shortest wait until the calendar ends."""
        shortest = min(a.wait for a in self.actions)
        return int(-(-self.days // shortest))

    @property
    def fingerprint(self) -> str:
        """Hash of the resolved treatment: model numbers, visits, actions, noise, terms, limits."""
        m = self.model
        content = {
            "spec": repr(self.spec),
            "model": [m.id, repr(numbers_of(m.Params)), repr(m.covariates), repr(m.residuals), repr(m.grid), m.solver],
            "entries": repr(m.entries),
            "population": repr(sorted(self.population.items())),
            "samples": repr(self.samples),
            "channels": repr(self.channels),
            "rules": [self.doses, self.days, self.gate, self.delays_in_row, list(self.measured), self.key, self.target],
            "limits": [getattr(limit, "id", repr(limit)) for limit in self.limits],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
