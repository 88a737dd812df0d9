"""In which order do six weeks of radiotherapy and six of chemotherapy control a lung tumour for half a year?

Equations of `nsclc-geng2017`, day by day. Each week nothing, chemotherapy (5 mg/m3 on the first day), radiotherapy (2 Gy on the
first five days) or both is chosen; there are 6 of the first and 30 fractions, six weeks, of the second. Seen are the size on a
logarithmic scale, its change in a week, what is left of both treatments, and the week, without error; the patient's type is
not. The return adds up, over the weeks, minus the size (ln of the volume: 0 for one cell, 1 for a sphere of 13 cm, which kills)
as a share of the follow-up, where the dead count 1 and the cured 0 in all weeks that are left; less 1 for a death, and 1 more
for a recovery.

Baselines: nothing, either treatment alone, chemotherapy first, radiotherapy first, and both at once, the standard of care.

Patients as in the simulators of CRN and RMSN after Geng 2017: α and ρ are normal with correlation 0.87 and both positive; type
1 has 10 % of the mean α more, type 3 10 % of the mean βc, type 2 neither. Stages are as frequent as counted there; the
diameter's logarithm is normal, and its published SDs are those of raw centimetres, so that sizes are almost evenly spread on
the logarithmic scale: kept to compare with those papers, no size distribution of lung cancer. Weekly blocks, the follow-up, the
budgets and the return are design choices.

Geng C, Paganetti H, Grassberger C. Sci Rep 2017;7:13542, doi:10.1038/s41598-017-13646-z; Lim 2018 (RMSN), Bica 2020 (CRN).

Left out: toxicity, so that giving both at once costs nothing here; spread beyond the tumour; surgery.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec
from posology.patients.models import nsclc_geng2017 as model
from posology.quantities import log, maximum, numbers_of, replace, where

WEEKS, WEEK, DAYS_OF_RADIATION = 26, 7, 5
CYCLES, RADIATION_WEEKS = 6, 6
DRUG, GRAY = 5.0, 2.0  # mg/m3 per application, Gy per fraction
CORRELATION = 0.87  # of alpha with rho
TYPE = 0.1  # of the mean alpha (type 1) or beta_c (type 3)
TRIES = 64  # pairs of alpha and rho drawn; 45 of 100 are positive
# of a stage: patients, and ln diameter (cm): mean, SD, least and most
STAGES = (
    (1432, 1.72, 4.70, 0.3, 5.0),
    (128, 1.96, 1.63, 0.3, 13.0),
    (1306, 1.91, 9.40, 0.3, 13.0),
    (7248, 2.76, 6.87, 0.3, 13.0),
    (12840, 3.86, 8.82, 0.3, 13.0),
)
LABELS = ("none", "chemotherapy", "radiotherapy", "both")
CELL, LETHAL = 1 / numbers_of(model.Params)["density"].value, numbers_of(model.Params)["lethal"].value  # cm3

SPEC = Spec(
    id="nsclc-radiochemo-v1",
    observation=(
        Feature("ln size, 0 to 1", "1"),
        Feature("change of it in a week, times ten", "1"),
        Feature("share of chemotherapy left", "1"),
        Feature("share of radiotherapy left", "1"),
        Feature("share of follow-up", "1"),
    ),
    actions=tuple(Action(label, float(i), "row", wait=float(WEEK)) for i, label in enumerate(LABELS)),
    terms=("size", "death", "recovery"),
    weights=(-1.0, -1.0, 1.0),
    costs=("death",),
    at_most=(1.0,),
    max_steps=WEEKS,
    horizon_days=float(WEEK * WEEKS),
)


def size(volume: Any) -> Any:
    """Logarithm of a volume: 0 for a cell or less, 1 where it kills."""
    return log(maximum(volume, CELL + 0 * volume) / CELL) / math.log(LETHAL / CELL)


def draw(key: Any) -> Any:
    """A patient: kinetics, type, and the diameter by stage."""
    import jax
    import jax.numpy as jnp

    p, keys = model.MODEL.Params(), [jax.random.fold_in(key, i) for i in range(4)]
    z = jax.random.normal(keys[0], (TRIES, 2))
    alpha = p.alpha + p.alpha_sd * z[:, 0]
    rho = p.rho + p.rho_sd * (CORRELATION * z[:, 0] + (1 - CORRELATION**2) ** 0.5 * z[:, 1])
    at = jnp.argmax((alpha > 0) & (rho > 0))
    kind = jax.random.randint(keys[1], (), 1, 4)
    beta_c = jnp.maximum(p.beta_c + p.beta_c_sd * jax.random.normal(keys[2]), 0.0)
    return replace(
        p,
        rho=rho[at],
        alpha=alpha[at] + jnp.where(kind == 1, TYPE * p.alpha, 0.0),
        beta_c=beta_c + jnp.where(kind == 3, TYPE * p.beta_c, 0.0),
        volume=model.sphere(diameter(keys[3])),
    )


def diameter(key: Any) -> Any:
    """A diameter (cm) of a stage that is drawn by its frequency."""
    import jax
    import jax.numpy as jnp

    stages = jnp.asarray(STAGES)
    stage = stages[jax.random.choice(jax.random.fold_in(key, 0), len(STAGES), p=stages[:, 0] / stages[:, 0].sum())]
    _, mean, sd, least, most = stage
    low, high = (jax.scipy.stats.norm.cdf((jnp.log(v) - mean) / sd) for v in (least, most))
    u = jax.random.uniform(jax.random.fold_in(key, 1), minval=low, maxval=high)
    return jnp.clip(jnp.exp(mean + sd * jax.scipy.special.ndtri(u)), least, most)


def inputs(row: Any, day: Any) -> dict[str, Any]:
    """What a day of the week brings."""
    drug, rays = (row % 2 == 1) & (day == 0), (row >= 2) & (day < DAYS_OF_RADIATION)
    return {"chemotherapy": where(drug, DRUG, 0.0), "radiation": where(rays, GRAY, 0.0)}


def outcome(before: Any, along: Any, given: Any, p: Any) -> Any:
    """Size at the end of the week; an end counts for all weeks that are left."""
    from posology.environments.mapped import Outcome, last

    after = last(along)
    dead, gone = after.dead > 0, after.volume <= 0
    weeks = where(dead, WEEKS - before.step, 1) / WEEKS
    share = where(gone, 0.0, size(after.volume)) * weeks
    return Outcome((share, 1.0 * dead, 1.0 * gone), (1.0 * dead,), dead | gone)


def first(x: Any) -> Any:
    """What is remembered: weeks of chemotherapy and of radiotherapy so far, and the size a week ago."""
    return 0 * x.volume, 0 * x.volume, size(x.volume)


def keep(before: Any, along: Any, given: Any) -> Any:
    """The same after another week."""
    drug, rays = (1.0 * (given[name].sum() > 0) for name in ("chemotherapy", "radiation"))
    return before.kept[0] + drug, before.kept[1] + rays, size(before.x.volume)


def observe(key: Any, state: Any, p: Any) -> Any:
    """Size and its change, what is left, and the week."""
    now = size(state.x.volume)
    left = (1 - state.kept[0] / CYCLES, 1 - state.kept[1] / RADIATION_WEEKS)
    return now, 10 * (now - state.kept[2]), *left, state.step / WEEKS


def mask(state: Any) -> Any:
    """Which rows are still to be had."""
    import jax.numpy as jnp

    drug, rays = state.kept[0] < CYCLES, state.kept[1] < RADIATION_WEEKS
    return jnp.stack([jnp.bool_(True), drug, rays, drug & rays])


def environment(shared: Path | None = None) -> Any:
    """The patients and their weeks."""
    from posology.environments.mapped import Mapped, MappedEnvironment

    said = (WEEKS, CYCLES, RADIATION_WEEKS, DAYS_OF_RADIATION, DRUG, GRAY, CORRELATION, TYPE, TRIES, STAGES, model.NOISE)
    return MappedEnvironment(
        Mapped(SPEC, model.MODEL, draw, inputs, outcome, observe, WEEK, first=first, keep=keep, mask=mask, said=said)
    )


def left(seen: Any) -> tuple[Any, Any]:
    """1 where chemotherapy, and 2 where radiotherapy, is still to be had."""
    return where(seen[2] > 0.01, 1, 0), where(seen[3] > 0.01, 2, 0)


PROBLEM = Problem(
    id="nsclc-radiochemo-v1",
    title="Chemotherapy and radiotherapy of lung cancer, by weeks",
    question="In which order do six weeks of radiotherapy and six of chemotherapy control a lung tumour for half a year?",
    spec=SPEC,
    make=environment,
    source="Geng 2017, doi:10.1038/s41598-017-13646-z, as in RMSN (Lim 2018) and CRN (Bica 2020)",
    not_for="choosing a schedule for a patient: toxicity is left out, and sizes are no distribution of lung cancer",
    credibility="B",
    params=model.Params,
    known={"none": -1.355, "chemotherapy first": -0.439, "radiotherapy first": -0.375, "both at once": -0.264},
    policies={
        "none": lambda seen: 0,
        "chemotherapy alone": lambda seen: left(seen)[0],
        "radiotherapy alone": lambda seen: left(seen)[1],
        "chemotherapy first": lambda seen: where(seen[2] > 0.01, 1, left(seen)[1]),
        "radiotherapy first": lambda seen: where(seen[3] > 0.01, 2, left(seen)[0]),
        "both at once": lambda seen: sum(left(seen)),
    },
)
