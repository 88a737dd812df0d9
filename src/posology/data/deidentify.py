"""Records of patients without their identities, and a report of what was done with whom.

Made for Safe Harbor (`identifiers`): what is not known to be harmless goes. Texts stay where they are one of the known `Terms`;
a drug that is not known keeps being told from others, as "drug 1"; notes go. Ids are random and kept nowhere, patients come in a
random order, and times count from each patient's first entry. Then patients whom fewer than k look like are left out
(`anonymity`). The report names a place by the number of the record in the file, never by what stood there.

`dates`: "intervals" leaves the calendar out; "year" keeps the year of the first entry; "shifted" moves each patient by a random
number of days that is kept nowhere: the hour of the day stays, and so do dates, so that it is not Safe Harbor.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from posology.data import anonymity
from posology.data.identifiers import KINDS, SOURCE, like_a_number_of_a_person, looks_like
from posology.data.record import Dose, Measured, Observation, Record
from posology.data.units import convert

DATES = ("intervals", "year", "shifted")
SHIFT_DAYS = 365
"""Most days that "shifted" moves a patient, to either side (assumed: hides the season)."""
LONGEST = 130 * 8766.0
"""Hours that a record can span (the oldest age that `names.POSSIBLE` takes); more is no time but a number of something."""
_OF_COVARIATES = {*anonymity.BANDS, *anonymity.SEXES}  # an observation by such a name would get past what is done with them
_ALLELE = re.compile(r"\*\d{1,2}[a-z]?|c\.\d{1,4}(?:[+-]\d{1,4})?[acgt]>[acgt]|[0-4](?:\.\d{1,2})?|-")


class Withheld(ValueError):
    """A record that cannot be released without changing what it says."""


@dataclass(frozen=True)
class Terms:
    """What may stay as text: names of covariates and readings, drugs, genes, and words of medicine, all as `key` writes them."""

    names: frozenset[str] = frozenset()
    drugs: frozenset[str] = frozenset()
    genes: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def more(self, texts: Iterable[str]) -> Terms:
        """With other terms that the user vouches for, of any kind.

        Raises:
            ValueError: for a term that looks like an identifier.
        """
        added: set[str] = set()
        for line, text in enumerate(texts, 1):
            if what := looks_like(text):
                raise ValueError(f"terms, line {line}: looks like {what}; a term that is kept must not identify anybody")
            added |= {key(text)} - {""}
        return Terms(*(known | added for known in (self.names, self.drugs, self.genes, self.words)))


def key(text: str) -> str:
    """A term without case and signs."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


@dataclass
class _Said:
    """What was removed from one record, by place."""

    number: int
    removed: list[dict[str, Any]] = field(default_factory=list)

    def gone(self, where: str, text: str = "") -> None:
        looked = looks_like(text) if text else None
        why = f"looks like {looked}" if looked else "is no known term" if text else "could be a number of a person"
        self.removed.append({"record": self.number, "field": where, "why": why})


def deidentify(
    records: Sequence[Record], terms: Terms, k: int = anonymity.K, dates: str = "intervals", exact: bool = False,
    suppress: bool = True, chance: random.Random | None = None,
) -> tuple[list[Record], dict[str, Any]]:  # fmt: skip
    """The records without identities, and the report.

    Args:
        k: least number of patients that look alike.
        exact: release age, weight, height and body surface as recorded instead of the middle of their band; k then
            holds only towards somebody who knows no more than the band.
        suppress: leave out the patients below k.
        chance: for tests; the system's own randomness unless given.

    Raises:
        ValueError: for an unknown way with dates, or k below 1.
    """
    if dates not in DATES:
        raise ValueError(f"dates: '{dates}' is not known; allowed: {', '.join(DATES)}")
    if k < 1:
        raise ValueError(f"k: is {k}; it must be at least 1")
    chance, drugs = chance or random.SystemRandom(), dict[str, str]()
    made, removed, withheld = list[Record](), list[dict[str, Any]](), list[dict[str, Any]]()
    order = list(enumerate(records, 1))
    chance.shuffle(order)
    for number, record in order:
        said = _Said(number)
        try:
            made.append(_one(record, terms, drugs, dates, exact, chance, said))
        except Withheld as why:
            withheld.append({"record": number, "why": str(why)})
        removed += said.removed
    counted = [name for name in anonymity.QUASI if name != "year" or dates == "year"]  # a shifted year is nobody's
    found = anonymity.report(made, k, counted)
    few = set(anonymity.below(made, k, counted)) if suppress else set()
    kept = [record for i, record in enumerate(made) if i not in few]
    return kept, {
        "patients": len(records), "released": len(kept), "suppressed": len(few),
        "withheld": sorted(withheld, key=lambda w: w["record"]),
        "removed": sorted(removed, key=lambda r: (r["record"], r["field"])),
        "anonymity": {**found, "after": anonymity.report(kept, k, counted), "exact": exact},
        "dates": dates, "safe_harbor": dates != "shifted", "source": SOURCE,
        "identifiers": [kind._asdict() for kind in KINDS],
    }  # fmt: skip


def _one(
    record: Record, terms: Terms, drugs: dict[str, str], dates: str, exact: bool, chance: random.Random, said: _Said
) -> Record:
    first, last = _span(record)
    return Record(
        id=f"p-{chance.getrandbits(64):016x}",
        start=_start(record, first, dates, chance),
        covariates=_covariates(record, terms, first, last, exact, said),
        doses=tuple(_dose(d, i, first, terms, drugs) for i, d in enumerate(record.doses, 1)),
        observations=_observations(record, terms, first, said),
        genotypes=_genotypes(record.genotypes, terms, said),
        **{name: _texts(name, getattr(record, name), terms, said) for name in ("conditions", "medications", "allergies")},
    )


def _span(record: Record) -> tuple[float, float]:
    times = [d.time for d in record.doses] + [d.last_time for d in record.doses] + [o.time for o in record.observations]
    times += [m.time for values in record.covariates.values() for m in values if m.time is not None]
    first, last = min(times, default=0.0), max(times, default=0.0)
    if last - first > LONGEST:
        raise Withheld(f"its times span {(last - first) / 8766:.3g} years, which no record does")
    return first, last


def _start(record: Record, first: float, dates: str, chance: random.Random) -> datetime | None:
    if record.start is None or dates == "intervals":
        return None
    begun = record.start + timedelta(hours=first)
    if dates == "year":
        return datetime(begun.year, 1, 1, tzinfo=UTC)
    return begun + timedelta(days=chance.randint(-SHIFT_DAYS, SHIFT_DAYS))


def _covariates(
    record: Record, terms: Terms, first: float, last: float, exact: bool, said: _Said
) -> dict[str, tuple[Measured, ...]]:
    kept: dict[str, tuple[Measured, ...]] = {}
    old = _reaches(record.covariates.get("age", ()), first, last)
    for i, (name, values) in enumerate(record.covariates.items(), 1):
        where = f"covariates, entry {i}"
        if key(name) not in terms.names:
            said.gone(where, name)
            continue
        fine = [m for m in values if not like_a_number_of_a_person(m.value)]
        if len(fine) < len(values):
            said.gone(where)
        moved = (m.model_copy(update={"time": None if m.time is None else m.time - first}) for m in fine)
        if name == "age" and old:
            moved = (Measured(value=anonymity.OLDEST, unit="a", time=m.time) for m in moved)
        elif name in anonymity.BANDS and not exact:
            moved = (anonymity.generalised(name, m) for m in moved)
        if fine:
            kept[name] = tuple(moved)
    return kept


def _reaches(ages: Sequence[Measured], first: float, last: float) -> bool:
    """Whether the patient is 90 at the last entry, whenever the age was written down."""
    when = ((convert(m.value, m.unit, "a", "age"), first if m.time is None else m.time) for m in ages)
    return any(age + (last - time) / 8766.0 >= anonymity.OLDEST for age, time in when)


def _dose(dose: Dose, row: int, first: float, terms: Terms, drugs: dict[str, str]) -> Dose:
    for name in ("amount", "duration", "ii"):
        if like_a_number_of_a_person(getattr(dose, name)):
            raise Withheld(f"doses, row {row}, field {name}: could be a number of a person")
    drug = dose.drug
    if drug and key(drug) not in terms.drugs:
        drug = drugs.setdefault(key(drug), f"drug {len(drugs) + 1}")
    return dose.model_copy(update={"time": dose.time - first, "drug": drug})


def _observations(record: Record, terms: Terms, first: float, said: _Said) -> tuple[Observation, ...]:
    kept = []
    for i, seen in enumerate(record.observations, 1):
        if key(seen.name) not in terms.names or seen.name in _OF_COVARIATES:
            said.gone(f"observations, row {i}", seen.name)
        elif like_a_number_of_a_person(seen.value):
            said.gone(f"observations, row {i}")
        else:
            kept.append(seen.model_copy(update={"time": seen.time - first}))
    return tuple(kept)


def _genotypes(genotypes: Mapping[str, str], terms: Terms, said: _Said) -> dict[str, str]:
    kept: dict[str, str] = {}
    for i, (gene, value) in enumerate(genotypes.items(), 1):
        alleles = all(_ALLELE.fullmatch(part) for part in re.split(r"\s*/\s*", value.casefold()))
        if key(gene) in terms.genes and (alleles or key(value) in terms.words):
            kept[gene] = value
        else:
            said.gone(f"genotypes, entry {i}", value if key(gene) in terms.genes else gene)
    return kept


def _texts(name: str, texts: Sequence[str], terms: Terms, said: _Said) -> tuple[str, ...]:
    kept = []
    for i, text in enumerate(texts, 1):
        if key(text) in terms.words | terms.drugs:
            kept.append(text)
        else:
            said.gone(f"{name}, row {i}", text)
    return tuple(kept)
