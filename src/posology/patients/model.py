"""What a patient model is: a table of numbers, equations, and what can be read from them.

A model is data and pure functions of one patient. It owns no loop, no key and no reward. Typical
values (`Params`) and covariates give one patient's own values (`Individual`); random effects
multiply those: individual = individual(params, covariates) · exp(η + κ), where η is drawn once per
patient and κ once per occasion (a dose starts an occasion).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from posology.patients.hazards import Hazards
from posology.quantities import Number, numbers_of

MONTH = 365.25 / 12  # d
HOURS = {"h": 1.0, "d": 24.0, "wk": 168.0, "mo": 24 * MONTH}  # of a time unit


@dataclass(frozen=True)
class Covariate:
    """A property of a patient that the model reads.

    `low` and `high` bound the population the model was built on: outside, nothing is recommended.
    `default` is the reference value for simulations of a typical patient; a covariate without one
    must be given. `sets` names the individual parameter that this covariate measures directly.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    default: float | None = None
    sets: str = ""
    source: str = ""


@dataclass(frozen=True)
class Residual:
    """Error of a measured reading: normal on the log scale (`ln_sd`), or proportional + additive.

    Values below `lloq` are recorded as below it and count as censored.
    """

    ln_sd: float = 0.0
    proportional: float = 0.0
    additive: float = 0.0
    lloq: float = 0.0
    source: str = ""
    status: str = "verified"


@dataclass(frozen=True)
class Grid:
    """Sub-steps after each change of the drug input: `first`, then ×`growth`, up to `largest`.

    In the model's time unit. Chosen per model so that the worst patients of its population meet
    the accuracy bars; `posology benchmark accuracy` shows them.
    """

    first: float
    growth: float
    largest: float


@dataclass(frozen=True)
class Regimen:
    """The doses that a model is known for: so many, one after `every`, each lasting `duration`, in the model's time unit.

    `amount` is in mg, or in the unit of an entry that takes no mg; times the covariate `per` where one is named.
    """

    amount: float
    every: float
    times: int = 1
    duration: float = 0.0
    per: str = ""
    source: str = ""


@dataclass(frozen=True)
class Entry:
    """Where a dose can go: the state that receives it and how many of its units one mg makes.

    Without a `state` the input acts on the equations as such, as a rate for as long as it lasts: an exposure, a drug that is
    on or off. Then `unit` is that of an amount (rate · time). With `per_mg` 0 doses are given in that unit, or the state's, only.
    """

    state: str = ""
    per_mg: float = 0.0
    source: str = ""
    unit: str = field(default="", repr=False)  # left out of the text that a treatment's fingerprint is made of

    @property
    def scale(self) -> float:
        """What an amount is multiplied by: per mg, or 1 where it is given in the entry's own unit."""
        return self.per_mg or 1.0


@dataclass(frozen=True, eq=False)
class PatientModel:
    """A published patient. See `docs/models` for how to add one; every field is read by `describe`.

    `rates(t, x, p, infusion)` gives the derivative of `State` for one patient with individual
    parameters `p`; `infusion` is the rate into the first entry's state, in its units per time.
    `linear` names the states of the kinetics where they are linear, `saturable` where they saturate; no
    other state may act on them, and `solver` says how they are propagated. `logarithmic` names positive
    states that fall by many orders of magnitude and are stepped as logarithms;
    `relative` maps a state to the logarithmic one it is stepped as a multiple of. `coarse` is a grid
    for beliefs, whose many particles need errors small beside the residual, not small as such. `bounds`
    are numbers at which an equation as published is cut off: choices of ours that `status`, which speaks of
    what was taken from the sources, leaves out. `drug` is named where the id does not begin with it. `hazards` says what can end
    the course, where the source knows it.
    """

    id: str
    title: str
    Params: type
    State: type
    baseline: Callable[[Any], Any]
    rates: Callable[[Any, Any, Any, Any], Any]
    readings: Callable[[Any, Any], dict[str, Any]]
    reading_units: Mapping[str, str]
    entries: Mapping[str, Entry]
    grid: Grid
    solver: str
    regimen: Regimen
    coarse: Grid | None = None
    time_unit: str = "h"
    Individual: type | None = None
    individual: Callable[[Any, Mapping[str, Any]], Any] = field(default=lambda p, c: p)
    covariates: tuple[Covariate, ...] = ()
    linear: tuple[str, ...] = ()
    saturable: tuple[str, ...] = ()
    logarithmic: tuple[str, ...] = ()
    relative: Mapping[str, str] = field(default_factory=dict)
    residuals: Mapping[str, Residual] = field(default_factory=dict)
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    bounds: Mapping[str, Number] = field(default_factory=dict)
    credibility: str = "not ranked"  # A: patients, verified structure, fits the decision; B; C: benchmark only
    source: str = ""
    not_for: str = ""
    drug: str = ""
    hazards: Hazards | None = None

    @property
    def kind(self) -> str:
        """How the model is written: differential equations here; siblings use other kinds."""
        return "ode"

    @property
    def own(self) -> type:
        """The table of one patient's final values (`Params` itself when nothing modifies them)."""
        return self.Individual or self.Params

    @property
    def entry(self) -> str:
        """The entry that a dose takes unless it says otherwise."""
        return next(iter(self.entries))

    @property
    def receives(self) -> int | None:
        """Position of the state that such a dose goes into; None where it acts as a rate alone."""
        state = self.entries[self.entry].state
        return list(numbers_of(self.State)).index(state) if state else None

    @property
    def dose_unit(self) -> str:
        """Of an amount given at the entry, beside mg."""
        return self.unit_of(self.entries[self.entry])

    @property
    def recorded_unit(self) -> str:
        """Of a dose in a record or a history: mg, or the entry's own where it takes no mg."""
        return "mg" if self.entries[self.entry].per_mg else self.dose_unit

    def unit_of(self, entry: Entry) -> str:
        """Of an amount given at one of the entries, beside mg."""
        return numbers_of(self.State)[entry.state].unit if entry.state else entry.unit

    @property
    def hours(self) -> float:
        """Length of the time unit."""
        return HOURS[self.time_unit]

    @property
    def random_effects(self) -> dict[str, float]:
        """Individual parameter → variance of its logarithm between patients."""
        return spread(self.Params, "variance")

    @property
    def occasion_effects(self) -> dict[str, float]:
        """Individual parameter → variance of its logarithm between occasions of one patient."""
        return spread(self.Params, "occasion_variance")

    def covariate(self, name: str) -> Covariate:
        """The covariate of that name."""
        return next(c for c in self.covariates if c.name == name)

    @property
    def status(self) -> str:
        """The weakest status among the model's numbers and residual errors."""
        present = {n.status for n in numbers_of(self.Params).values()}
        present |= {r.status for r in self.residuals.values()}
        for weakest in ("unverified", "assumed"):
            if weakest in present:
                return weakest
        return "verified"


def spread(params: type, which: str) -> dict[str, float]:
    """Individual parameter → that variance of its logarithm, where the table gives one."""
    found = ((number.acts_on or symbol, getattr(number, which)) for symbol, number in numbers_of(params).items())
    return {name: variance for name, variance in found if variance}


def symbol_key(name: str) -> str:
    """How symbols are compared: without case or underscores."""
    return name.replace("_", "").lower()


def match(name: str, known: Mapping[str, Any] | list[str] | tuple[str, ...], what: str) -> str:
    """The known symbol that `name` means.

    Raises:
        ValueError: naming the known symbols, when none matches.
    """
    by_key = {symbol_key(k): k for k in known}
    if symbol_key(name) not in by_key:
        raise ValueError(f"unknown {what} '{name}'; known: {', '.join(by_key.values())}")
    return by_key[symbol_key(name)]


__all__ = ["Covariate", "Entry", "Grid", "Number", "PatientModel", "Regimen", "Residual", "match", "symbol_key"]
