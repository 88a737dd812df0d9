"""What entered a choice, grouped as a clinician would: each covariate, each laboratory, the doses given.

Every input can be set to what it would be in a typical patient of the treatment: median covariates of its population, the
standard dose at the times of the doses, and what the model, with typical parameters, then shows at the times of the measurements.
The result is a record like any other, with the same entries at the same times, so that a choice for it is the policy's own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.bedside.believed import what_happened
from posology.bedside.consult import Consultation, read
from posology.data.names import canonical, is_drug
from posology.data.record import Dose, Measured, Observation, Record
from posology.environments.given import drug_of
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.records import BEFORE, Known, stands_for
from posology.environments.treatment import Treatment
from posology.patients import posterior
from posology.patients.course import Frame
from posology.patients.past import count
from posology.patients.prior import Prior

MANY = 1001  # patients drawn for the medians of a population; odd, so that a median is someone's value
COVARIATE, LABORATORY, DOSES, GENES = "covariate", "laboratory", "doses", "genotype"

BY_GENE = "dpyd"  # a covariate that a genotype tells


class Input(NamedTuple):
    """A group of facts of a record with its `kind`, in words of its own (`said`) and of a typical patient (`typically`). `parts`
    are the fields of a record that it stands for, as they are in a typical patient."""

    name: str
    kind: str
    said: str
    typically: str
    parts: dict[str, Any]


class Inputs(NamedTuple):
    """The inputs of a consultation, and the record with nothing left to derive: every covariate stands there as it was used."""

    record: Record
    each: tuple[Input, ...]

    def with_typical(self, which: frozenset[int]) -> Record:
        """The record with these inputs as in a typical patient."""
        covariates, doses, observations = dict(self.record.covariates), self.record.doses, list(self.record.observations)
        update: dict[str, Any] = {}
        for i in which:
            parts = self.each[i].parts
            covariates |= parts.get("covariates", {})
            doses = parts.get("doses", doses)
            update |= parts.get("genotypes", {})
            observations = [parts.get("observations", {}).get((o.name, o.time), o) for o in observations]
        update |= {"covariates": covariates, "doses": doses, "observations": tuple(observations)}
        return self.record.model_copy(update=update)


@lru_cache(maxsize=32)
def medians(treatment: Treatment) -> dict[str, float]:
    """The median covariates of a treatment's population."""
    drawn = TreatmentEnvironment(treatment).draw(jax.random.key(0), MANY).covariates
    return {name: float(f"{np.median(np.asarray(values)):.4g}") for name, values in drawn.items()}


def inputs_of(c: Consultation) -> Inputs:
    """What entered the choice of a consultation."""
    record = _pinned(c)
    typical = medians(c.treatment)
    each = [_covariate(c, name, typical[name]) for name in c.found.latest if name in typical]
    genes = [i for i in each if i.name == BY_GENE and c.record.genotypes]
    each = [i for i in each if i not in genes]
    given = [d for d in record.doses if _counts(d, c)]
    if given:
        each.append(_doses(c, record, typical))
    if c.told.known and c.record.genotypes:
        said = ", ".join(f"{gene} {phenotype}" for gene, phenotype in c.told.known.items())
        parts: dict[str, Any] = {"genotypes": {"genotypes": {}}}
        for i in genes:  # what the gene leaves of a clearance goes with it
            parts |= i.parts
        each.append(Input("genotype", GENES, said, "not known", parts))
    whole = Inputs(record, tuple(each))
    levels = _laboratories(c, whole.with_typical(frozenset(range(len(each)))), record)
    return Inputs(record, tuple(each) + levels)


def _pinned(c: Consultation) -> Record:
    """The record with the covariates as they were used, derived ones and those of observations included.

    Without a time they are constant: the latest value is what counts. One that stands for a reading before treatment keeps it.
    """
    before = stands_for(c.treatment.model)
    pinned = {}
    for name, v in c.found.latest.items():
        time = v.time if name.startswith(BEFORE) else None
        pinned[canonical(name)] = (Measured(value=v.value, unit=v.unit, time=time),)
    readings = {canonical(r) for r in c.treatment.model.reading_units}
    early = {canonical(r) for n, r in before.items() if n in c.found.latest}
    first = min((d.time for d in c.found.doses), default=c.now)
    kept = [o for o in c.record.observations if not (o.name in pinned and o.name not in readings)]
    kept = [o for o in kept if not (o.name in early and o.time <= first)]
    return c.record.model_copy(update={"covariates": c.record.covariates | pinned, "observations": tuple(kept)})


def _covariate(c: Consultation, name: str, value: float) -> Input:
    v = c.found.latest[name]
    time = v.time if name.startswith(BEFORE) else None
    parts = {"covariates": {canonical(name): (Measured(value=value, unit=v.unit, time=time),)}}
    return Input(name, COVARIATE, _amount(v.value, v.unit), _amount(value, v.unit), parts)


def _counts(dose: Dose, c: Consultation) -> bool:
    """Whether a dose of the record is one of those that were given before the decision."""
    return dose.status == "given" and dose.time < c.now and is_drug(dose.drug, drug_of(c.treatment.model))


def _doses(c: Consultation, record: Record, typical: dict[str, float]) -> Input:
    t = c.treatment
    usual = t.standard.amount if t.usual is None else float(t.usual({k: jnp.float32(v) for k, v in typical.items()}))
    given = [d for d in record.doses if _counts(d, c)]
    first = min(d.time for d in given)

    def standard(d: Dose) -> Dose:
        amount = t.loading.amount if t.loading and d.time == first else usual
        return d.model_copy(update={"amount": amount, "unit": t.standard.unit})

    doses = tuple(standard(d) if _counts(d, c) else d for d in record.doses)
    amounts = ", ".join(f"{d.amount:.4g} {d.unit}" for d in given[-3:])
    said = f"{len(given)} doses, the last {amounts}" if len(given) > 3 else amounts
    return Input("doses given", DOSES, said, f"{usual:.4g} {t.standard.unit} each time", {"doses": doses})


def _laboratories(c: Consultation, typical: Record, record: Record) -> tuple[Input, ...]:
    """One input for each reading that was measured, with what the typical patient would have shown, whose record but for these is
    `typical`."""
    units = {canonical(name): (name, unit) for name, unit in c.treatment.model.reading_units.items()}
    mine = [o for o in record.observations if o.name in units and o.time <= c.now]
    if not mine:
        return ()
    shown = _shown(c, read(c.treatment, typical, c.now))
    found = []
    for own in dict.fromkeys(o.name for o in mine):
        name, unit = units[own]
        rows = [o for o in mine if o.name == own]
        instead = {(own, o.time): Observation(time=o.time, name=own, value=shown[name, _key(o.time)], unit=unit) for o in rows}
        values, usual = ([f"{o.value:.3g}" for o in some[-3:]] for some in (rows, list(instead.values())))
        last = f"{len(rows)} values, the last " if len(rows) > 3 else ""
        said, typically = (f"{last}{', '.join(some)} {u}" for some, u in ((values, rows[-1].unit), (usual, unit)))
        found.append(Input(name, LABORATORY, said, typically, {"observations": instead}))
    return tuple(found)


def _key(time: float) -> float:
    return round(time, 3)


@lru_cache(maxsize=32)
def _replayed(prior: Prior) -> Any:
    def replayed(typical: Any, past: Any, frame: Frame) -> tuple[Any, Any]:
        z = jnp.zeros(posterior.size(prior, past.span.shape[0]), jnp.float32)
        start = prior.model.readings(prior.model.baseline(typical.own), typical.own)
        return start, posterior.replay(prior, frame, typical, z, past, count(past))[1]

    return jax.jit(replayed, static_argnums=2)


def _shown(c: Consultation, typical: Known) -> dict[tuple[str, float], float]:
    """What a typical patient shows of each reading at each time of a measurement, by (reading, hour of the record)."""
    prior = c.patient.believer.prior
    past, frame = what_happened(c.treatment, typical)
    covariates = {n: v.value for n, v in typical.latest.items()}
    wanted = {k.name: jnp.float32(covariates[k.name]) for k in prior.model.covariates if k.name in covariates}
    start, predicted = _replayed(prior)(prior.typical(wanted), jax.tree.map(jnp.asarray, past), frame)
    names, begins = list(prior.model.reading_units), _begins(c, typical, past)
    found = {}
    for m in typical.measured:
        found[m.name, _key(m.time or 0.0)] = max(float(np.asarray(start[m.name])), 1e-6)  # until a stretch says otherwise
    for t, i in zip(*np.nonzero(past.present), strict=True):
        name, hour = names[int(past.reading[t, i])], typical.begin + begins[t] + float(past.time[t, i])
        nearest = min((m.time for m in typical.measured if m.name == name and m.time is not None), key=lambda v: abs(v - hour))
        found[name, _key(nearest)] = max(float(predicted[t, i]), 1e-6)
    return found


def _begins(c: Consultation, typical: Known, past: Any) -> np.ndarray:
    """Hours from the begin of the course to the start of each stretch."""
    told = [m.time for m in typical.measured if m.time is not None]
    starts = [d.time for d in typical.doses] or [min([c.now, *told])]
    return min(starts) - typical.begin + np.concatenate([[0.0], np.cumsum(past.span)[:-1]])


def _amount(value: float, unit: str) -> str:
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"
