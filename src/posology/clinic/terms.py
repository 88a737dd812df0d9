"""The words that may stay in a record without identities: what models, rules, and the tables of symptoms and drugs speak of."""

from __future__ import annotations

from functools import cache
from typing import Any

from posology.data.deidentify import Terms, key

# Said of a genotype, beside the phenotypes of `safety.alleles`; of allergies; genes that no rule here reads
_GENOTYPES = ("metabolizer", "metaboliser", "function", "reference", "wild type", "positive", "negative", "carrier")
_ALLERGIES = ("none", "none known", "no known allergies", "penicillin", "cremophor", "egg", "latex", "contrast medium")
_GENES = ("CYP2D6", "CYP2C9", "CYP2C19", "CYP3A4", "CYP3A5", "VKORC1", "SLCO1B1", "G6PD", "MTHFR", "CYP4F2")


@cache
def known() -> Terms:
    """All of them."""
    from posology.data import names
    from posology.patients.catalogue import MAPS, MODELS
    from posology.safety import alleles, interactions, rules
    from posology.safety.drugs import LIMITS
    from posology.symptoms.drugs import allergens
    from posology.symptoms.drugs import drugs as of_symptoms
    from posology.symptoms.table import table

    models: list[Any] = [*MODELS.values(), *MAPS.values()]
    measured = {*names.POSSIBLE, *(c.name for m in models for c in m.covariates), *(r for m in models for r in m.reading_units)}
    told, made = table(), of_symptoms()
    drugs = {*names.DRUGS, *(n for others in names.DRUGS.values() for n in others), *LIMITS, *rules.CEILINGS, *rules.FAMILY}
    drugs |= {m for members in interactions.MEMBERS.values() for m in members} | {t for d in made for t in (d, made[d].title)}
    ill = {t for d in told.diseases for t in (d.id, d.title)} | {h for ages in [told.population.history] for h in ages}
    ill |= {t for s in told.symptoms for t in (s.id, s.title)} | {use for d in made.values() for use in d.indications}
    phenotypes = list(alleles.PHENOTYPES)
    said = {f"{p} {w}" for p in phenotypes for w in _GENOTYPES} | {*phenotypes, *_GENOTYPES, *alleles._dpyd()}
    words = ill | said | {*allergens(), *_ALLERGIES}
    genes = {*alleles.GENES, *_GENES}
    return Terms(*(frozenset(key(t) for t in texts) - {""} for texts in (measured, drugs, genes, words)))
