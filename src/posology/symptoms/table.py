"""The table of diseases and symptoms (`diseases.toml`), read and checked.

For a patient with age group a, sex s and history h the diseases are weighed by

    w_d = prevalence_d · age effect_d(a) · (female effect_d if s is female) · Π history effect_d(h),   P(d | a, s, h) = w_d / Σ w

and given the disease its symptoms are independent of one another, each with P(symptom | disease). Independence is an
assumption of ours: real symptoms come together (fever with chills), so that real patients are harder than these.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from posology.symptoms.words import GROUP_IDS

SEXES = ("male", "female")
SYNTHETIC = (
    "Synthetic: drawn from a small table whose likelihoods are mostly assumed; no patient stands behind any number here."
)


@dataclass(frozen=True)
class Symptom:
    """A symptom; `elsewhere`: its probability under a disease that does not list it; `told`: only who speaks tells it."""

    id: str
    title: str
    elsewhere: float
    told: bool = False


@dataclass(frozen=True)
class Disease:
    """A disease; effects are ratios to an adult man without history, `verified` holds the likelihoods read in the source."""

    id: str
    title: str
    prevalence: float
    source: str
    symptoms: Mapping[str, float]
    drugs: tuple[str, ...]
    ages: Mapping[str, float]
    history: Mapping[str, float]
    verified: Mapping[str, float]
    female: float = 1.0

    def status(self, symptom: str) -> str:
        """Of the likelihood of a symptom."""
        return "verified" if symptom in self.verified else "assumed"


@dataclass(frozen=True)
class Population:
    """Who comes: shares of age groups, of women, and of each history by age group (pregnancy: of the women)."""

    female: float
    ages: Mapping[str, float]
    history: Mapping[str, Mapping[str, float]]
    status: str
    source: str


@dataclass(frozen=True)
class Table:
    """All of it; the order of symptoms, diseases and history is that of every array."""

    population: Population
    symptoms: tuple[Symptom, ...]
    diseases: tuple[Disease, ...]

    @property
    def symptom_ids(self) -> tuple[str, ...]:
        return tuple(s.id for s in self.symptoms)

    @property
    def disease_ids(self) -> tuple[str, ...]:
        return tuple(d.id for d in self.diseases)

    @property
    def history_ids(self) -> tuple[str, ...]:
        return tuple(self.population.history)


@cache
def table() -> Table:
    """The table that ships."""
    return read(resources.files(__package__).joinpath("diseases.toml").read_text(encoding="utf-8"))


def read(text: str) -> Table:
    """A table from TOML.

    Raises:
        ValueError: naming the entry that is not a share, not a ratio or names something unknown.
    """
    data = tomllib.loads(text)
    found = Table(
        Population(**data["population"]),
        tuple(Symptom(id, **row) for id, row in data["symptoms"].items()),
        tuple(_disease(id, row) for id, row in data["diseases"].items()),
    )
    _check(found)
    return found


def _disease(id: str, row: Mapping[str, Any]) -> Disease:
    empty: dict[str, float] = {}
    rest = {"ages": empty, "history": empty, "verified": empty, **row}
    return Disease(id, **{**rest, "drugs": tuple(rest["drugs"])})


def _check(found: Table) -> None:
    people = found.population
    shares = {"population.female": people.female, **{f"population.ages.{g}": v for g, v in people.ages.items()}}
    shares |= {f"population.history.{h}.{g}": v for h, by in people.history.items() for g, v in by.items()}
    shares |= {f"symptoms.{s.id}.elsewhere": s.elsewhere for s in found.symptoms}
    ratios: dict[str, float] = {}
    for d in found.diseases:
        _known(f"diseases.{d.id}.symptoms", d.symptoms, found.symptom_ids)
        _known(f"diseases.{d.id}.ages", d.ages, GROUP_IDS)
        _known(f"diseases.{d.id}.history", d.history, found.history_ids)
        if any(d.symptoms.get(s) != value for s, value in d.verified.items()):
            raise ValueError(f"diseases.{d.id}.verified: differs from diseases.{d.id}.symptoms; both must be the number read")
        shares |= {f"diseases.{d.id}.prevalence": d.prevalence}
        shares |= {f"diseases.{d.id}.symptoms.{s}": v for s, v in d.symptoms.items()}
        ratios |= {f"diseases.{d.id}.{k}": v for k, v in (*d.ages.items(), *d.history.items(), ("female", d.female))}
    _known("population.ages", people.ages, GROUP_IDS)
    _within(shares, 1.0, "a share from 0 to 1")
    _within(ratios, math.inf, "a ratio of at least 0")
    for name, total in (
        ("population.ages", math.fsum(people.ages.values())),
        ("diseases.*.prevalence", math.fsum(d.prevalence for d in found.diseases)),
    ):
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ValueError(f"{name}: the shares sum to {total:g}, allowed: 1")


def _known(where: str, names: Mapping[str, float], allowed: tuple[str, ...]) -> None:
    if unknown := [name for name in names if name not in allowed]:
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; allowed: {', '.join(allowed)}")


def _within(values: Mapping[str, float], most: float, what: str) -> None:
    for name, value in values.items():
        if not 0 <= value <= most or not math.isfinite(value):
            raise ValueError(f"{name}: {value:g} is not allowed; it must be {what}")
