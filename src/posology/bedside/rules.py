"""What the rules of a drug say of one patient: genes, kidneys, liver, lifetime's dose; what they forbid, and what they lack.

`gathered` reads a record once. What it finds goes to the limits as facts (`facts`), and to a clinician in words (`rows`): one row
for each limit that is a rule, with what it does to the doses of the table, and one for each gene that is not known. A limit that
closes every dose for good is an abstention, and says why (`stops`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from posology.bedside.view import verdicts
from posology.data.record import Record
from posology.environments.given import drug_of
from posology.environments.records import Known, Value, dated, values_of
from posology.environments.ruled import usual_dose
from posology.environments.treatment import Treatment
from posology.safety import alleles, rules
from posology.safety.limits import Facts, Limit
from posology.safety.personal import repeats

NONE, WARNS, BOUNDS, STOPS = "none", "warning", "limit", "stop"


class Told(NamedTuple):
    """What a record tells the rules of a drug: phenotypes by gene (None: recorded, and not known), values, the usual dose (of a
    day where it is given daily) in `unit`."""

    drug: str
    genes: dict[str, str | None]
    crcl: Value | None
    bilirubin: Value | None
    usual: float
    unit: str

    @property
    def known(self) -> dict[str, str]:
        """The phenotypes that are known."""
        return {gene: phenotype for gene, phenotype in self.genes.items() if phenotype is not None}


def gathered(record: Record, treatment: Treatment, at: float) -> Told:
    """What a record says at hour `at` of all that its drug has rules for.

    Raises:
        ValueError: for a genotype that is not understood, naming the gene.
    """
    drug, texts = drug_of(treatment.model), {gene.strip().upper(): text for gene, text in record.genotypes.items()}
    try:
        genes = {g: alleles.phenotype_of(g, texts[g]) for g in rules.genes_of(drug) if g in texts}
    except ValueError as error:
        raise ValueError(f"record '{record.id}', {error}") from None
    if "DPYD" in rules.genes_of(drug) and "DPYD" not in texts:
        genes |= _score(record, at)
    return Told(
        drug,
        genes,
        _latest(record, "crcl", "mL/min", at) if by_kidneys(drug) else None,
        _latest(record, "bilirubin", "umol/L", at) if drug in rules.HEPATIC else None,
        *usual_dose(treatment),
    )


def _score(record: Record, at: float) -> dict[str, str | None]:
    """The activity score of DPYD from the share of the clearance it leaves, where only that is recorded; rounded down."""
    share = _latest(record, "dpyd", "1", at)
    return {} if share is None else {"DPYD": f"{min(math.floor(4 * share.value) / 2, 2.0):g}"}


def _latest(record: Record, name: str, unit: str, at: float) -> Value | None:
    return max(values_of(record, name, unit, at), key=dated, default=None)


def facts(told: Told) -> tuple[tuple[str, float], ...]:
    """What the limits read of it, the same names for every patient of a drug; NaN for what is not known."""
    found, nan = {}, float("nan")
    if rules.genes_of(told.drug):
        found["gene_share"] = (rules.advised(told.drug, told.known, told.usual)[0].share or 0.0) if told.known else nan
    if by_kidneys(told.drug):
        found["crcl"] = told.crcl.value if told.crcl else nan
    if told.drug in rules.HEPATIC:
        found["bilirubin"] = told.bilirubin.value if told.bilirubin else nan
        found["liver_share"] = rules.hepatic_share(told.drug, told.bilirubin.value) if told.bilirubin else nan
    return tuple(found.items())


def by_kidneys(drug: str) -> bool:
    """Whether a rule of the drug goes by creatinine clearance."""
    return drug in rules.RENAL or any(c.unit == rules.AUC for c in rules.CEILINGS.get(drug, ()))


def rows(treatment: Treatment, told: Told, known: Facts) -> list[dict[str, Any]]:
    """What each rule says of this patient, and what it does: `effect` is none, warning, limit (some doses of the table are
    forbidden) or stop (all are); `binding` where it forbids any."""
    is_dose = np.array([a.amount > 0 for a in treatment.actions])
    permits = verdicts(treatment, known, treatment.actions).permits[:, is_dose]
    found = []
    for limit, open_ in zip(treatment.limits, permits, strict=True):
        if not (limit.gate or limit.offer):
            effect = NONE if open_.all() else BOUNDS if open_.any() else STOPS
            found.append(_row(limit.id, *_said(limit, told, known), effect))
    return found + _unknown_genes(told) + _above(treatment, told)


def _row(rule: str, value: Any, says: str, source: str, status: str, effect: str) -> dict[str, Any]:
    binding = effect in (BOUNDS, STOPS)
    return {"rule": rule, "value": value, "says": says, "binding": binding, "effect": effect, "source": source, "status": status}


def _said(limit: Limit, told: Told, known: Facts) -> tuple[Any, str, str, str]:
    """The patient's own value behind a limit, the limit in words that fit him, its source and status."""
    kind = limit.id.removeprefix(f"{told.drug}-")
    if kind == "genes" and told.known:
        return _genes(told, known)
    own: dict[str, Callable[[Told, Facts], tuple[Any, str]]] = {"calvert": _calvert, "renal": _renal}
    if kind in own:
        return *own[kind](told, known), limit.source, limit.status
    values = [_fact(known, name) for alternatives in limit.needs for name in alternatives if not name.endswith("_share")]
    return next((v for v in values if v is not None), None), limit.sentence, limit.source, limit.status


def _fact(known: Facts, name: str) -> float | None:
    value = float(np.asarray(getattr(known, name)))
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _genes(told: Told, known: Facts) -> tuple[Any, str, str, str]:
    advice = rules.advised(told.drug, told.known, told.usual)[0]
    named = ", ".join(f"{'activity score of ' if g == 'DPYD' else ''}{g} {p}" for g, p in told.known.items())
    said = f"{named}: {advice.printed} ({advice.why})"
    if advice.share is None:
        said += "; nothing may be given"
    elif advice.share < 1:
        said += f"; here a first dose of at most {advice.share * told.usual:.4g} {told.unit}"
        said += ", by the middle of the range" if "-" in advice.printed else ""
        said += "; a response was measured since, so that it bounds no longer" if float(np.asarray(known.responded)) > 0 else ""
    return told.known, said, advice.source, advice.status


def _calvert(told: Told, known: Facts) -> tuple[Any, str]:
    value = _fact(known, "crcl")
    auc = rules.CEILINGS[told.drug][0].amount
    if value is None:
        return None, f"no creatinine clearance: Calvert's formula for an area of {auc:g} mg.min/mL gives no dose"
    most = rules.calvert(auc, value) if value > 0 else 0.0
    return value, f"at most {most:.4g} mg, Calvert's for an area of {auc:g} mg.min/mL at {value:.4g} mL/min"


def _renal(told: Told, known: Facts) -> tuple[Any, str]:
    value = None if told.crcl is None else told.crcl.value
    if value is None:
        return None, "no creatinine clearance: nothing may be given"
    share = rules.renal_share(told.drug, value)
    return value, f"{f'{100 * share:g} % of the usual dose' if share else 'contraindicated'} at {value:.4g} mL/min"


def _unknown_genes(told: Told) -> list[dict[str, Any]]:
    unknown = [gene for gene in rules.genes_of(told.drug) if gene not in told.known]
    said = "is not known: the usual first dose stands, unchanged"
    return [_row(f"{told.drug}-{gene}", None, f"{gene} {said}", "design choice", "assumed", WARNS) for gene in unknown]


def _above(treatment: Treatment, told: Told) -> list[dict[str, Any]]:
    """Printed ceilings that made no limit, since the treatment's own largest dose is as strict or counts other periods."""
    printed = [c for c in rules.CEILINGS.get(told.drug, ()) if repeats(c, told.unit, treatment.limits)]
    said = [(f"at most {c.amount:g} {c.unit} a {c.per}", f"{told.drug} {c.source}", c.status) for c in printed]
    return [_row(f"{told.drug}-ceiling", None, *words, NONE) for words in said]


def stops(told: Told, said: Sequence[dict[str, Any]], added: Sequence[Limit]) -> str | None:
    """Why the rules let nothing be given, in words; None where they do."""
    names = {limit.id for limit in added}
    found = [f"{row['rule']}: {row['says']}" for row in said if row["rule"] in names and row["effect"] == STOPS]
    return "; ".join(found) or None


def lacking(told: Told) -> list[dict[str, Any]]:
    """Genes that the rules ask for and the record does not tell, as entries of `missing`."""
    found = []
    for gene in rules.genes_of(told.drug):
        if gene not in told.known:
            why = "is recorded, and its function is not known" if gene in told.genes else "is not in the record"
            said = f"{gene} {why}; the usual first dose of {told.drug} was assumed to be allowed"
            found.append({"name": gene, "kind": "genotype", "unit": None, "assumed": None, "sentence": said})
    return found


def used(told: Told, known: Known) -> list[dict[str, Any]]:
    """Genes and values that entered by the rules alone, as entries of `used`."""
    row: dict[str, Any] = {"kind": "genotype", "unit": "1", "age_hours": None, "source": f"record; {alleles.SOURCE}"}
    found = [{**row, "name": gene, "value": phenotype} for gene, phenotype in told.known.items()]
    now = known.begin + known.now
    for v in (told.crcl, told.bilirubin):
        if v is not None and v.name not in known.latest:
            age = None if v.time is None else now - v.time
            about = {"name": v.name, "value": v.value, "unit": v.unit, "age_hours": age, "source": v.source}
            found.append({"kind": "covariate", **about})
    return found
