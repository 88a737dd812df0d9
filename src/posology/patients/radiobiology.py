"""What a fractionated course of radiotherapy does to a tumour and to organs at risk: linear-quadratic survival and what follows.

    SF(d) = exp(−α·d − β·d²·(G + h))                                    survival of one fraction of d Gy
    G = 2/(μt)²·(e^−μt − 1 + μt),  μ = ln 2/T½                          repair during a fraction of length t (Lea-Catcheside)
    h = (2/m)·q/(1 − q)·(m − (1 − q^m)/(1 − q)),  q = e^−μΔt            incomplete repair between m fractions a day (Thames)
    BED = n·d·(1 + d/(α/β)) − ln 2·max(0, T − Tk)/(α·Td)                biologically effective dose over T days
    EQD2 = BED/(1 + 2/(α/β))                                            the same in fractions of 2 Gy
    TCP = exp(−N₀·SF(d)ⁿ·e^(ln 2·max(0, T − Tk)/Td))                    tumour control: no clonogen left, Poisson
    gEUD = (Σ vᵢ·Dᵢ^(1/n))ⁿ,  NTCP = Φ((gEUD − TD50)/(m·TD50))          complication of an organ (Lyman, Kutcher, Burman)

Hypoxic cells see d/OER. Their share, OER and the rate of reoxygenation have no value in any source read: the default share is 0
and who wants them gives share and OER. Redistribution in the cell cycle is not modelled. The constants of each tumour and organ
carry their status; the heterogeneity between studies of α and α/β is large (van Leeuwen 2018, Radiat Oncol 13:96).

Not for: planning anybody's radiotherapy.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from posology.quantities import assumed, exp, maximum, published, table, unverified

BURMAN = "Burman 1991, Int J Radiat Oncol Biol Phys 21:123"
CHOICE = "design choice inside the published range 0.3 to 0.35"


@table
class NasopharynxTumour:
    alpha: float = assumed(0.3, "1/Gy", "linear kill", at=CHOICE)
    alpha_sd: float = unverified(0.05, "1/Gy", "spread of alpha between patients", at="head and neck, from knowledge")
    alpha_beta: float = unverified(10.0, "Gy", "alpha over beta", at="head and neck, from knowledge")
    doubling: float = unverified(3.0, "d", "doubling time of clonogens", at="head and neck, from knowledge")
    kick_off: float = unverified(28.0, "d", "when repopulation begins", at="head and neck, from knowledge")
    clonogens: float = unverified(1e9, "1", "clonogens at the start", at="head and neck, from knowledge")


@table
class LungTumour:
    alpha: float = unverified(0.307, "1/Gy", "linear kill", at="NSCLC, from knowledge")
    alpha_sd: float = unverified(0.037, "1/Gy", "spread of alpha between patients", at="NSCLC, from knowledge")
    alpha_beta: float = unverified(10.0, "Gy", "alpha over beta", at="NSCLC, from knowledge")
    doubling: float = unverified(3.7, "d", "doubling time of clonogens", at="NSCLC, from knowledge")
    kick_off: float = unverified(21.0, "d", "when repopulation begins", at="NSCLC, from knowledge")
    clonogens: float = unverified(1e7, "1", "clonogens per cm3 at the start", at="NSCLC, from knowledge")


@table
class Tissue:
    alpha_beta: float = published(3.0, "Gy", "alpha over beta of late reacting tissue", at="adaptfx (Perez Haas)")
    repair: float = assumed(1.0, "h", "half-time of repair", at="design choice inside 0.5 to 1.5 h")
    cord_alpha_beta: float = unverified(2.0, "Gy", "alpha over beta of the spinal cord", at="from knowledge")


class Organ(NamedTuple):
    """An organ at risk: volume exponent n, slope m, dose of half complication (Gy), endpoint, source and status."""

    n: float
    m: float
    td50: float
    endpoint: str
    source: str
    status: str


ORGANS: dict[str, Organ] = {
    "lung": Organ(1.0, 0.37, 30.8, "pneumonitis by mean lung dose", "Seppenwoolde 2003, PubMed 12573760", "verified"),
    "parotid": Organ(1.0, 0.40, 39.9, "flow below 25 % at one year", "Dijkema 2010", "unverified"),
    "spinal-cord": Organ(0.05, 0.175, 66.5, "myelopathy", BURMAN, "unverified"),
    "brainstem": Organ(0.16, 0.14, 65.0, "necrosis", BURMAN, "unverified"),
    "optic-nerve": Organ(0.25, 0.14, 65.0, "blindness", BURMAN, "unverified"),
    "oesophagus": Organ(0.69, 0.36, 47.0, "oesophagitis of grade 2 or more", "Belderbos 2005, Chapet 2005", "unverified"),
    "heart": Organ(0.35, 0.10, 48.0, "pericarditis", BURMAN, "unverified"),
}


def during(length: float, half_time: float) -> float:
    """G of a fraction that takes `length` hours: 1 for an acute dose."""
    x = math.log(2) / half_time * length
    return 2 / x**2 * math.expm1(-x) + 2 / x if x > 1e-4 else 1 - x / 3


def between(fractions: int, gap: float, half_time: float) -> float:
    """h of so many fractions a day, `gap` hours apart: 0 for one."""
    q = math.exp(-math.log(2) / half_time * gap)
    return 2 / fractions * q / (1 - q) * (fractions - (1 - q**fractions) / (1 - q)) if fractions > 1 else 0.0


def survival(d: Any, alpha: Any, beta: Any, unrepaired: Any = 1.0, hypoxic: Any = 0.0, oer: Any = 1.0) -> Any:
    """Share of cells that survive a fraction of d Gy; `unrepaired` is G + h, `hypoxic` the share of cells that see d/oer."""
    of = lambda dose: exp(-alpha * dose - beta * dose * dose * unrepaired)  # noqa: E731
    return (1 - hypoxic) * of(d) + hypoxic * of(d / oer)


def regrowth(days: Any, doubling: Any, kick_off: Any) -> Any:
    """ln of the factor by which clonogens repopulate during a course of so many days."""
    return math.log(2) / doubling * maximum(days - kick_off, 0 * days)


def bed(fractions: Any, d: Any, alpha_beta: Any, lost: Any = 0.0) -> Any:
    """Biologically effective dose (Gy) of equal fractions; `lost` is what repopulation takes, `regrowth`/α."""
    return fractions * d * (1 + d / alpha_beta) - lost


def eqd2(effective: Any, alpha_beta: Any) -> Any:
    """The dose in fractions of 2 Gy with the same biologically effective dose."""
    return effective / (1 + 2 / alpha_beta)


def control(tumour: Any, fractions: Any, d: Any, days: Any, alpha: Any = None) -> Any:
    """Probability that no clonogen is left after equal fractions over so many days from the first to the last."""
    alpha = tumour.alpha if alpha is None else alpha
    survived = survival(d, alpha, alpha / tumour.alpha_beta) ** fractions
    return exp(-tumour.clonogens * survived * exp(regrowth(days, tumour.doubling, tumour.kick_off)))


def mean_control(tumour: Any, fractions: int, d: float, days: float) -> float:
    """Control averaged over α ~ N(alpha, alpha_sd) above 0, α/β fixed."""
    import numpy as np

    alphas = np.linspace(max(tumour.alpha - 8 * tumour.alpha_sd, 1e-6), tumour.alpha + 8 * tumour.alpha_sd, 4001)
    weight = np.exp(-(((alphas - tumour.alpha) / tumour.alpha_sd) ** 2) / 2)
    each = np.array([control(tumour, fractions, d, days, float(a)) for a in alphas])
    return float(np.trapezoid(each * weight, alphas) / np.trapezoid(weight, alphas))


def uniform_dose(doses: Any, volumes: Any, n: float) -> Any:
    """gEUD (Gy) of voxels with these doses (EQD2) and shares of the volume."""
    import numpy as np

    return float(np.sum(np.asarray(volumes) * np.asarray(doses) ** (1 / n)) ** n)


def complication(organ: Organ, dose: float) -> float:
    """Probability of the organ's complication at a gEUD."""
    return 0.5 * math.erfc(-(dose - organ.td50) / (organ.m * organ.td50) / math.sqrt(2))
