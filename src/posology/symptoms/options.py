"""From probabilities of diseases to drugs: what may be given, what may not and why, how much, and when to say nothing.

Nothing is hidden: a drug that is contraindicated stays in the list with its reason. Nothing is recommended with a sign of an
emergency, when no disease is probable enough, or when every recorded drug is barred: then no option carries a dose, and
with a sign of an emergency none is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from posology.safety import interactions
from posology.safety.use import DISCLAIMER
from posology.symptoms import classifiers
from posology.symptoms.case import Case, coded, open_symptoms
from posology.symptoms.dosing import dose
from posology.symptoms.drugs import BREAST_FEEDING, Drug, drugs
from posology.symptoms.emergency import NOW, emergencies
from posology.symptoms.generator import ABSENT, NOISE, PRESENT, Array, posterior, shipped
from posology.symptoms.table import SYNTHETIC, table
from posology.symptoms.words import group_of, one_of

BAYES = "bayes"  # the exact posterior of the table: needs no fitting, and symptoms may stay open
PROBABLE = 0.5  # probability of the first disease below which nothing is recommended; assumed
OFFERED = 0.1  # probability from which a disease's drugs are listed; assumed
ASK = 3  # open symptoms that are named as the next to ask for
ALLOWED, CAUTION, NO_DOSE, BARRED = "allowed", "caution", "no dose", "contraindicated"


def predict(of: Case, by: str = BAYES, rows: int = classifiers.ROWS) -> dict[str, Any]:
    """Diseases with their probabilities and the drugs for them, or why nothing is recommended: plain data.

    Args:
        by: `bayes`, or a classifier of `classifiers.CLASSIFIERS`, which is then fitted once per process.
        rows: synthetic patients that a classifier learns from, chooses its setting on and is judged by.

    Raises:
        ValueError: for a classifier that is not known.
    """
    found, unfit = _probabilities(of, by, rows)
    ranked = sorted(zip(table().diseases, found.tolist(), strict=True), key=lambda pair: -pair[1])
    signs = emergencies(of.symptoms, of.history, of.age)
    options = [option(of, id, p, drugs()[drug]) for d, p in ranked if p >= OFFERED for id, drug in _pairs(d)]
    reason = _abstained(signs, unfit, ranked[0][1], options)
    if signs or unfit:
        options = []
    elif reason:
        options = [row | {"dose": None} for row in options]  # what would be barred is still said
    missing = list(dict.fromkeys(text for row in options for text in row["missing"]))
    return {
        "synthetic": SYNTHETIC,
        "patient": _patient(of),
        "classifier": by,
        "probabilities": [{"disease": d.id, "title": d.title, "probability": p} for d, p in ranked],
        "emergency": signs,
        "abstained": reason,
        "threshold": PROBABLE,
        "options": options,
        "missing": missing,
        "ask_next": ask_next(of),
        "disclaimer": DISCLAIMER,
    }


def _pairs(disease: Any) -> list[tuple[str, str]]:
    return [(disease.id, drug) for drug in disease.drugs]


def _patient(of: Case) -> dict[str, Any]:
    return {
        "age": of.age,
        "age_group": group_of(of.age),
        "sex": "female" if of.female else "male",
        "weight": of.weight,
        "symptoms": of.symptoms,
        "absent": of.absent,
        "not_asked": open_symptoms(of),
        "history": of.history,
        "allergies": of.allergies,
        "medications": of.medications,
    }


def _probabilities(of: Case, by: str, rows: int) -> tuple[Array, str]:
    """P(disease) [D], and why a fitted classifier has no say here."""
    if by == BAYES:
        return posterior(coded(of))[0], ""
    name = one_of(by, (BAYES, *classifiers.CLASSIFIERS), "classifier")
    return (posterior(coded(of))[0], "") if name == BAYES else beside(of, [name], rows)[name]


def beside(of: Case, names: Iterable[str], rows: int = classifiers.ROWS) -> dict[str, tuple[Array, str]]:
    """P(disease) [D] by each fitted classifier, and why it has no say here: empty where it has."""
    names, found = tuple(names), dict[str, tuple[Array, str]]()
    if not names:
        return found
    most, left = classifiers.most_unknown(group_of(of.age), rows), len(open_symptoms(of))
    for name, given in classifiers.all_probabilities(names, coded(of), rows).items():
        unfit = (
            f"{left} symptoms were not asked for, and {name} learned from patients with at most {most}: "
            f"answer more, or use {BAYES}"
        )
        found[name] = given[0], unfit if left > most else ""
    return found


def _abstained(signs: list[dict[str, str]], unfit: str, highest: float, options: list[dict[str, Any]]) -> str | None:
    if signs:
        return f"{NOW}: {'; '.join(sign['sign'] for sign in signs)}"
    if unfit:
        return unfit
    if highest < PROBABLE:
        return f"no disease of the table is probable enough: the first has {highest:.2f}, needed is {PROBABLE:g}"
    if not any(row["status"] in (ALLOWED, CAUTION) for row in options):
        return "every drug that is recorded here is contraindicated or has no dose for this patient"
    return None


def option(of: Case, disease: str, probability: float, drug: Drug) -> dict[str, Any]:
    """One drug for one disease: whether it may be given, every reason for and against, and the dose."""
    reasons = [*_conditions(of, drug), *_allergies(of, drug), *_interactions(of, drug)]
    given, missing, why_not = dose(drug, of.age, of.weight)
    if why_not:
        reasons.append(_reason(NO_DOSE, f"age group {group_of(of.age)}", why_not, drug))
    effects = {reason["effect"] for reason in reasons}
    status = next((each for each in (BARRED, NO_DOSE, CAUTION) if each in effects), ALLOWED)
    unknown = interactions.known(drug.id, of.medications, {drug.id: drug.interactions}).sentence
    return {
        "disease": disease,
        "probability": probability,
        "drug": drug.id,
        "title": drug.title,
        "status": status,
        "reasons": reasons,
        "dose": given if status in (ALLOWED, CAUTION) else None,
        "forms": drug.forms,
        "missing": [*missing, *([f"interactions of {drug.title}: {unknown}"] if unknown else []), *_not_recorded(of, drug)],
    }


def _not_recorded(of: Case, drug: Drug) -> list[str]:
    if BREAST_FEEDING not in of.history or BREAST_FEEDING in {**drug.contraindicated, **drug.caution}:
        return []
    return [f"breast feeding: nothing is recorded of {drug.title}; that does not mean that it does no harm"]


def _reason(effect: str, because: str, says: str, drug: Drug) -> dict[str, str]:
    return {"effect": effect, "because": because, "says": says, "status": drug.status, "source": drug.source}


def _conditions(of: Case, drug: Drug) -> list[dict[str, str]]:
    listed: tuple[tuple[str, Mapping[str, str]], ...] = ((BARRED, drug.contraindicated), (CAUTION, drug.caution))
    there = (*of.history, *of.symptoms)
    return [_reason(effect, had, rows[had], drug) for effect, rows in listed for had in there if had in rows]


def _allergies(of: Case, drug: Drug) -> list[dict[str, str]]:
    found = []
    for allergy in of.allergies:
        if allergy in (drug.id, *drug.allergens):
            found.append(_reason(BARRED, f"allergy to {allergy}", f"{drug.title} is one, {drug.group}", drug))
        elif allergy in drug.related:
            found.append(_reason(CAUTION, f"allergy to {allergy}", drug.related[allergy], drug))
        elif allergy in drugs() and set(drugs()[allergy].allergens) & set(drug.allergens):
            found.append(_reason(BARRED, f"allergy to {allergy}", f"both are of the group {drug.group}", drug))
        elif allergy in drugs() and (shared := set(drugs()[allergy].allergens) & set(drug.related)):
            found.append(_reason(CAUTION, f"allergy to {allergy}", drug.related[shared.pop()], drug))
    return found


def _interactions(of: Case, drug: Drug) -> list[dict[str, str]]:
    found = interactions.known(drug.id, of.medications, {drug.id: drug.interactions}).found
    effects = {interactions.AVOID: BARRED, interactions.WATCH: CAUTION}
    told = [_reason(effects[p.interaction.kind], f"takes {p.other}", p.interaction.why, drug) for p in found]
    return told + [_reason(CAUTION, f"takes {drug.id}", "already taken", drug) for other in of.medications if other == drug.id]


def ask_next(of: Case, most: int = ASK) -> list[dict[str, Any]]:
    """The open symptoms whose answer is expected to tell most about the disease, in bits, under the table."""
    numbers, ids = shipped(), table().symptom_ids
    now = posterior(coded(of))
    columns = [ids.index(s) for s in open_symptoms(of)]
    chance = numbers.present * (1 - NOISE) + (1 - numbers.present) * NOISE
    yes = (now @ chance)[0]
    gains = []
    for column in columns:
        there, gone = (_entropy(_answered(of, column, code)) for code in (PRESENT, ABSENT))
        gains.append((float(_entropy(now) - yes[column] * there - (1 - yes[column]) * gone), ids[column]))
    titles = {s.id: s.title for s in table().symptoms}
    return [{"symptom": s, "title": titles[s], "bits": bits} for bits, s in sorted(gains, reverse=True)[:most] if bits > 0]


def _answered(of: Case, column: int, code: int) -> Array:
    patient = coded(of)
    patient.symptoms[0, column] = code
    return posterior(patient)


def _entropy(probabilities: Array) -> float:
    p = probabilities[probabilities > 0]
    return float(-(p * np.log2(p)).sum())
