"""Metastatic castration-resistant prostate cancer as a game between three cell types under abiraterone, by generations.

    x_i' = max(least, x_i + r_i·x_i·(k_i − Σ_j a_ij·x_j)/k_i),   i, j ∈ {dependent, producing, independent}
    k = (1.5·producing, 800, k₃) off abiraterone
    k = (e^(−0.1·(n−1))·1.5·producing, e^(−0.05·(n−1))·800, k₃) in its n-th generation on
    k₃' = 1.0001·k₃ once independent cells are more than 99 % of all
    psa' = psa + Σ x' − psa/5

T+ cells depend on testosterone, TP cells produce it, T− cells need none. Androgen deprivation goes on throughout. `off_at` and
`on_at` PSA switch abiraterone in the adaptive rule of the authors' code (1500 and 3000). How long a generation is was never
published.

Zhang J, Cunningham JJ, Brown JS, Gatenby RA. Nat Commun 2017;8:1816, doi:10.1038/s41467-017-01968-5; competition matrix of the
authors' code, one of whose entries lacks its decimal point (598 for 0.598).

Not for: times in days; dosing abiraterone.
"""

from __future__ import annotations

from typing import Any

from posology.patients.maps import MapModel
from posology.quantities import assumed, exp, maximum, named, published, table, where

CODE = "public code of Cunningham, after Zhang 2017"
LEAST_CAPACITY = 1e-30  # of a type: keeps the division finite


@table
class Params:
    r_dependent: float = published(0.0025, "1", "growth of T+ cells per generation", at=CODE)
    r_producing: float = published(0.001, "1", "growth of TP cells per generation", at=CODE)
    r_independent: float = published(0.0005, "1", "growth of T- cells per generation", at=CODE)
    support: float = published(1.5, "1", "capacity of T+ cells per TP cell", at=CODE)
    k_producing: float = published(800.0, "1", "capacity of TP cells", at=CODE)
    k_independent: float = published(800.0, "1", "capacity of T- cells at the start", at=CODE)
    fall_dependent: float = published(0.1, "1", "fall of ln support per generation on abiraterone", at=CODE)
    fall_producing: float = published(0.05, "1", "fall of ln capacity of TP cells per generation on abiraterone", at=CODE)
    a_dp: float = published(0.402, "1", "competition on T+ by TP", at=CODE)
    a_di: float = published(0.794, "1", "competition on T+ by T-", at=CODE)
    a_pd: float = published(0.010, "1", "competition on TP by T+", at=CODE)
    a_pi: float = published(0.598, "1", "competition on TP by T-", at=CODE)
    a_id: float = published(0.206, "1", "competition on T- by T+", at=CODE)
    a_ip: float = published(0.990, "1", "competition on T- by TP", at=CODE)
    clearance: float = published(0.2, "1", "share of PSA lost per generation", at=CODE)
    least: float = published(0.1, "1", "least number of a type", at=CODE)
    crowd: float = published(0.99, "1", "share of T- cells from which their capacity grows", at=CODE)
    widening: float = published(1.0001, "1", "factor of that growth", at=CODE)
    dependent: float = assumed(600.0, "1", "T+ cells at the start", at="start of the public code")
    producing: float = assumed(400.0, "1", "TP cells at the start", at="start of the public code")
    independent: float = assumed(0.1, "1", "T- cells at the start", at="start of the public code")


@table
class State:
    dependent: float = named("1", "T+ cells")
    producing: float = named("1", "TP cells")
    independent: float = named("1", "T- cells")
    psa: float = named("1", "PSA")
    on: float = named("1", "generations on abiraterone without a break")
    k_independent: float = named("1", "capacity of T- cells")


def baseline(p: Any) -> Any:
    psa = p.dependent + p.producing + p.independent
    return State(p.dependent, p.producing, p.independent, psa, 0 * p.least, p.k_independent)


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    treated = given["abiraterone"] > 0
    on = where(treated, x.on + 1, 0 * x.on)
    before = where(treated, on - 1, 0 * on)
    falls = (exp(-p.fall_dependent * before), exp(-p.fall_producing * before))
    room = (p.support * falls[0] * x.producing, p.k_producing * falls[1], x.k_independent)
    k = [maximum(v, LEAST_CAPACITY + 0 * v) for v in room]
    pressure = (
        x.dependent + p.a_dp * x.producing + p.a_di * x.independent,
        p.a_pd * x.dependent + x.producing + p.a_pi * x.independent,
        p.a_id * x.dependent + p.a_ip * x.producing + x.independent,
    )
    growth = (p.r_dependent, p.r_producing, p.r_independent)
    dependent, producing, independent = (
        maximum(n + r * n * (room - push) / room, p.least + 0 * n)
        for n, r, room, push in zip(x[:3], growth, k, pressure, strict=True)
    )
    total = dependent + producing + independent
    wider = where(independent > p.crowd * total, p.widening * x.k_independent, x.k_independent)
    return State(dependent, producing, independent, x.psa + total - p.clearance * x.psa, on, wider)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"psa": x.psa, "independent_share": x.independent / (x.dependent + x.producing + x.independent)}


MODEL = MapModel(
    id="prostate-zhang2017",
    title="Prostate cancer, game of three cell types under abiraterone",
    Params=Params,
    State=State,
    baseline=baseline,
    transition=transition,
    readings=readings,
    reading_units={"psa": "1", "independent_share": "1"},
    inputs={"abiraterone": "1"},
    step=1.0,
    time_unit="1",
    usual=lambda k: {"abiraterone": float(k >= 10_000)},
    credibility="B",
    source="doi:10.1038/s41467-017-01968-5",
    not_for="times in days; dosing abiraterone",
)
