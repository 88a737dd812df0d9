"""What another drug does to the exposure of a cancer drug, as data: factors, and pairs to avoid.

Every number is attributed to the drug's label and still has to be read there (`unverified`). That nothing is recorded of a pair
does not mean that there is no interaction, so a look-up names what it knows nothing of. Nothing here changes a dose, and factors
of several drugs are never multiplied: nobody measured that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

EXPOSURE, CLEARANCE, DOSE, AVOID, WATCH = "exposure", "clearance", "dose", "avoid", "watch"
CYP3A4, CYP2D6, PPI, NSAID = "strong CYP3A4 inhibitor", "strong CYP2D6 inhibitor", "proton pump inhibitor", "NSAID"
CYP2C8, AMINOGLYCOSIDE = "strong CYP2C8 inhibitor", "aminoglycoside"
RIFAMPICIN, WORT, TRIMETHOPRIM = "rifampicin", "St John's wort", "trimethoprim-sulfamethoxazole"

# Some members of each class, by name in lower case; unverified, after the regulators' lists. Others are to be named by class.
MEMBERS: dict[str, tuple[str, ...]] = {
    CYP3A4: ("ketoconazole", "itraconazole", "clarithromycin", "ritonavir"),
    CYP2D6: ("paroxetine", "fluoxetine", "bupropion"),
    PPI: ("omeprazole", "esomeprazole", "lansoprazole", "pantoprazole", "rabeprazole"),
    NSAID: ("ibuprofen", "naproxen", "diclofenac", "indomethacin"),
    CYP2C8: ("gemfibrozil",),
    AMINOGLYCOSIDE: ("gentamicin", "tobramycin", "amikacin"),
}


@dataclass(frozen=True)
class Interaction:
    """What the other drug does.

    `kind` says what `factor` multiplies: the exposure to `of`, its clearance, or the dose to be given; to `avoid` or to `watch`
    has none. `printed` is what the source says, where that is a range.
    """

    kind: str
    factor: float | None = None
    of: str = ""
    why: str = ""
    printed: str = ""
    status: str = "unverified"
    source: str = "label"

    @property
    def exposure(self) -> float | None:
        """What the exposure is multiplied by at the same dose; None where no number says that."""
        if self.factor is None or self.kind == DOSE:
            return None
        return self.factor if self.kind == EXPOSURE else 1 / self.factor


def _exposed(factor: float, of: str, why: str) -> Interaction:
    return Interaction(EXPOSURE, factor, of, why)


def _avoid(why: str) -> Interaction:
    return Interaction(AVOID, why=why)


# drug -> the other drug, or its class -> what is known
TAXANE = Interaction(WATCH, of="neutrophils", why="slower metabolism: watch the counts more closely")
KIDNEYS = Interaction(WATCH, of="creatinine", why="both harm the kidneys: measure creatinine and levels often")
INTERACTIONS: dict[str, dict[str, Interaction]] = {
    "paclitaxel": {CYP3A4: TAXANE, CYP2C8: TAXANE},
    "nab-paclitaxel": {CYP3A4: TAXANE, CYP2C8: TAXANE},
    "vancomycin": {AMINOGLYCOSIDE: KIDNEYS, "piperacillin-tazobactam": KIDNEYS, "amphotericin b": KIDNEYS},
    "phenobarbital": {"valproate": Interaction(WATCH, of="phenobarbital", why="phenobarbital rises: measure its level")},
    "docetaxel": {CYP3A4: Interaction(CLEARANCE, 0.5, "docetaxel", "slower metabolism")},
    "sunitinib": {
        "ketoconazole": _exposed(1.51, "sunitinib", "slower metabolism"),
        RIFAMPICIN: _exposed(0.54, "sunitinib", "faster metabolism"),
    },
    "imatinib": {
        "ketoconazole": _exposed(1.4, "imatinib", "slower metabolism"),
        RIFAMPICIN: _exposed(0.26, "imatinib", "faster metabolism"),
    },
    "everolimus": {"ketoconazole": _exposed(15.0, "everolimus", "slower metabolism")},
    "irinotecan": {
        "ketoconazole": _exposed(2.1, "SN-38", "more of the active metabolite"),
        WORT: _exposed(0.58, "SN-38", "less of the active metabolite"),
    },
    "erlotinib": {
        "ketoconazole": _exposed(1.86, "erlotinib", "slower metabolism"),
        RIFAMPICIN: _exposed(0.31, "erlotinib", "faster metabolism"),
        PPI: _exposed(0.54, "erlotinib", "less absorption"),
    },
    "mercaptopurine": {"allopurinol": Interaction(DOSE, 0.25, "mercaptopurine", "slower inactivation", "25-33 % of the dose")},
    "methotrexate": {drug: _avoid("slower elimination") for drug in (PPI, NSAID, TRIMETHOPRIM)},
    "capecitabine": {"warfarin": Interaction(WATCH, of="INR", why="warfarin acts more strongly: measure the INR often")},
    "tamoxifen": {CYP2D6: _avoid("less of the active metabolite")},
}


class Pair(NamedTuple):
    """One of a patient's other drugs, the row that speaks of it (its own name, or its class), and what that says."""

    other: str
    row: str
    interaction: Interaction


class Known(NamedTuple):
    """What is recorded of a drug and a patient's others, and of which of them nothing is."""

    found: tuple[Pair, ...]
    nothing_recorded: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is not known, in words; empty when something is recorded of every drug."""
        if not self.nothing_recorded:
            return ""
        return f"nothing is recorded of: {', '.join(self.nothing_recorded)}; that does not mean that there is no interaction"


def known(
    drug: str, others: tuple[str, ...] | list[str], recorded: Mapping[str, Mapping[str, Interaction]] = INTERACTIONS
) -> Known:
    """What is recorded of `drug` with each of `others`, names or classes, in any case; a drug's own row goes before its class's.

    `recorded`: another table than that of the cancer drugs.

    Raises:
        ValueError: for a name that is empty.
    """
    for name in (drug, *others):
        if not name.strip():
            raise ValueError(f"drug: {name!r} is not allowed; it must be a name")
    rows = recorded.get(_key(drug), {})
    found, unknown = [], []
    for other in others:
        match = next((row for name in (other, *_classes(other)) for row in rows if _key(row) == _key(name)), None)
        if match is None:
            unknown.append(other)
        else:
            found.append(Pair(other, match, rows[match]))
    return Known(tuple(found), tuple(unknown))


def _key(name: str) -> str:
    return name.strip().casefold()


def _classes(name: str) -> list[str]:
    return [of for of, members in MEMBERS.items() if _key(name) in members]
