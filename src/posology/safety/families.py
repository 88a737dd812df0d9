"""What a drug belongs to and what is in its vial, as data: for allergies, and for two drugs of one kind.

Every row is attributed to the drug's label and still has to be read there (`unverified`). A name is looked for as whole words, so
that a record says what it means in its own way ("anaphylaxis to Taxol"). That nothing is found does not mean that a patient
bears a drug.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from posology.data.names import DRUGS

SOURCE, STATUS = "label", "unverified"

FAMILIES: dict[str, tuple[str, ...]] = {
    "taxane": ("paclitaxel", "nab-paclitaxel", "docetaxel", "cabazitaxel"),
    "platinum drug": ("carboplatin", "cisplatin", "oxaliplatin"),
    "fluoropyrimidine": ("fluorouracil", "capecitabine", "tegafur"),
    "thiopurine": ("mercaptopurine", "azathioprine", "thioguanine"),
    "glycopeptide": ("vancomycin", "teicoplanin", "telavancin", "dalbavancin", "oritavancin"),
    "barbiturate": ("phenobarbital", "primidone", "thiopental", "pentobarbital"),
    "aromatic anticonvulsant": ("phenobarbital", "phenytoin", "fosphenytoin", "carbamazepine"),
}
"""Drugs of one kind: who does not bear one may not bear another, and two at once are seldom meant."""

EXCIPIENTS: dict[str, tuple[str, ...]] = {
    "paclitaxel": ("polyoxyl castor oil", "polyoxyl 35 castor oil", "macrogolglycerol ricinoleate", "cremophor"),
    "docetaxel": ("polysorbate 80", "polysorbate"),
    "nab-paclitaxel": ("human albumin", "albumin"),
}
"""What else is in a vial."""


class Match(NamedTuple):
    """What a record says (`said`), and why that speaks of a drug: `itself`, its family or its excipient."""

    said: str
    why: str
    itself: bool


def speaks_of(drug: str, told: Iterable[str]) -> list[Match]:
    """What of these words of a record means a drug, its family or what is in its vial; each at most once, the drug first."""
    found = []
    kin = {other: family for family, members in FAMILIES.items() if drug in members for other in members if other != drug}
    for said in told:
        if _has(said, (drug, *DRUGS.get(drug, ()))):
            found.append(Match(said, f"is {drug}", True))
        elif other := next((o for o in kin if _has(said, (o, *DRUGS.get(o, ())))), None):
            found.append(Match(said, f"{other} is a {kin[other]}, as {drug} is", False))
        elif family := next((f for f, members in FAMILIES.items() if drug in members and _has(said, (f,))), None):
            found.append(Match(said, f"{drug} is a {family}", False))
        elif _has(said, EXCIPIENTS.get(drug, ())):
            found.append(Match(said, f"{drug} comes with it", False))
    return found


def _has(said: str, names: Iterable[str]) -> bool:
    text = f" {' '.join(re.findall(r'[a-z0-9]+', said.casefold()))} "
    return any(re.search(rf" {' '.join(re.findall(r'[a-z0-9]+', name))}s? ", text) for name in names)
