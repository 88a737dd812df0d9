"""How much drug a learned schedule gives beside the expert's, where both leave the tumour equally large after two years.

    size = mean fall of ln(diameter) from the first visit to the end,   drug = Σ whole cycles (or courses)

One policy per training seed answers for every weight of the drug w against the size 1 − w, so that its points draw a line from
much drug and small tumours to none. The drug at the expert's size is read from that line between two points, on patients that no
policy learned from; they and their noise are the same for all. Beside it stand schedules that look at nobody, of which a line is
drawn likewise: part of a cycle at every visit, and a whole one at every n-th. What they save is due to the calendar alone.

The question is that of Yauney and Shah 2018 (PMLR 85:161).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.benchmarks.front import arrays_of, player
from posology.benchmarks.front_points import Outcomes, resampled
from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.reward import Term
from posology.environments.treatment import Treatment
from posology.evaluation.intervals import bounds
from posology.evaluation.trial import NOISE, PATIENTS
from posology.learners.learner import ready
from posology.learners.multi_objective.conditioned_ppo import ConditionedPPO
from posology.policies import storage
from posology.policies.policy import Policy

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

LEARNER, UPDATES = "conditioned-ppo", 400
OBJECTIVES = ("shrinkage", "drug")
SETTINGS = {"objectives": ",".join(OBJECTIVES), "discount": "1.0", "trace": "0.9", "bootstrap": "false"}
SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)  # of the drug in a preference
EXPERT = "expert"
KINDS = ("learned", "part at every visit", "whole at every n-th visit")
LOST = 0.01  # share of resamples whose line may end before the expert's size is reached


@dataclass(frozen=True)
class Question:
    """A treatment, what a whole one of its doses is called, and how many a course has room for."""

    treatment: str
    unit: str
    most: int


QUESTIONS = (Question("glioma-temozolomide-v1", "cycles", 27), Question("glioma-pcv-v1", "courses", 17))


def weighed(question: Question) -> Treatment:
    """The treatment with two terms: the fall of ln(diameter), and the drug as a share of the most."""
    asked = treatment(question.treatment)
    drug = Term("drug", -1.0, lambda i: i.total / question.most, f"{question.unit} given, as a share of {question.most}")
    return replace(asked, terms=(asked.terms[0], drug))


def at_visits(row: Any, every: Any, visits: Any) -> Policy:
    """That row of the table at every n-th of so many first visits, else the first row, nothing."""

    def act(key: Any, observation: Any, mask: Any, visit: Any) -> tuple[Any, Any]:
        given = (visit % every == 0) & (visit < visits)
        return jnp.where(given, row, 0).astype(jnp.int32), visit + 1

    return Policy("schedule", act, memory=lambda: jnp.int32(0))


def schedules(asked: Treatment) -> dict[str, tuple[str, tuple[int, int, int]]]:
    """Every schedule that looks at nobody: its kind; the row, every n-th of how many first visits."""
    whole, visits = len(asked.actions) - 1, asked.doses
    found = {EXPERT: (EXPERT, (whole, 1, asked.standard_visits))}
    found |= {f"{a.label}, always": (KINDS[1], (row, 1, visits)) for row, a in enumerate(asked.actions)}
    return found | {f"whole, every {n} of {visits} visits": (KINDS[2], (whole, n, visits)) for n in range(1, visits + 1)}


def trained(question: Question, env: TreatmentEnvironment, effort: Effort, tell: Tell) -> tuple[Any, list[Any]]:
    """The learner and the arrays of one policy per seed; unfinished trainings go on."""
    updates, folder = effort.updates or UPDATES, effort.runs / "schedules" / question.treatment
    made = ready(ConditionedPPO(), env.spec, updates, SETTINGS)
    return made, arrays_of(env, made, folder, updates, effort, tell)


def outcomes(question: Question, effort: Effort, tell: Tell) -> tuple[Outcomes, dict[str, str]]:
    """Courses of every point `[seeds, patients, 2]`: the fall and the drug in whole cycles; and the kind of each."""
    asked = weighed(question)
    env = TreatmentEnvironment(asked)
    cohort = env.draw(jax.random.fold_in(jax.random.key(effort.seed), PATIENTS), effort.patients)
    noise = jax.random.fold_in(jax.random.key(effort.seed), NOISE)
    made, arrays = trained(question, env, effort, tell)
    scale = np.array([env.spec.max_steps, env.spec.max_steps * question.most])
    prefers = player(env, lambda a: made.policy(a, env.spec), cohort, noise, OBJECTIVES)
    planned = player(env, lambda plan: at_visits(*plan), cohort, noise, OBJECTIVES)
    found, kinds = {}, {}
    for share in SHARES:
        weights = jnp.array([1 - share, share], jnp.float32)
        name = f"drug weighs {share:g}"
        found[name], kinds[name] = np.stack([prefers({**a, "preference": weights}) for a in arrays]) * scale, KINDS[0]
    for name, (kind, given) in schedules(asked).items():
        found[name], kinds[name] = np.asarray(planned(tuple(map(jnp.int32, given))))[None] * scale, kind
    tell(f"{question.treatment}: {len(found)} schedules played")
    return found, kinds


def drug_at(size: Any, line: Any) -> Any:
    """Drug `[...]` of a line of points `[..., points, (fall, drug)]` at a fall `[...]`; NaN beyond its ends."""
    order = np.argsort(line[..., 0], axis=-1)
    fall, drug = (np.take_along_axis(line[..., k], order, axis=-1) for k in range(2))
    ends = {"left": np.nan, "right": np.nan}
    flat = zip(np.ravel(size), fall.reshape(-1, fall.shape[-1]), drug.reshape(-1, drug.shape[-1]), strict=True)
    return np.reshape([np.interp(s, f, d, **ends) for s, f, d in flat], np.shape(size))


def at_equal_size(
    found: Outcomes, draws: Mapping[str, np.ndarray], kinds: Mapping[str, str]
) -> dict[str, dict[str, Any] | None]:
    """For each kind of schedule, its drug at the expert's size as a share of the expert's; nothing where its line ends before."""
    means = {name: v.mean(axis=(0, 1)) for name, v in found.items()}
    told: dict[str, dict[str, Any] | None] = {}
    for kind in KINDS:
        names = [name for name in found if kinds[name] == kind]
        drug = drug_at(means[EXPERT][0], np.stack([means[n] for n in names]))
        many = drug_at(draws[EXPERT][:, 0], np.stack([draws[n] for n in names], axis=1)) / draws[EXPERT][:, 1]
        low, high = bounds(many) if np.isnan(many).mean() <= LOST else (None, None)
        share = drug / means[EXPERT][1]
        told[kind] = {"drug": float(drug), "share": float(share), "lower": low, "upper": high} if np.isfinite(drug) else None
    return told


def point(name: str, kind: str, values: np.ndarray, draws: np.ndarray) -> dict[str, Any]:
    """One way of dosing: how far the diameter fell, how much was given."""
    ends = [bounds(draws[:, k]) for k in range(2)]
    both = [{"mean": float(values[..., k].mean()), "lower": low, "upper": high} for k, (low, high) in enumerate(ends)]
    return {"name": name, "kind": kind, "seeds": len(values), "fall": both[0], "drug": both[1]}


def answer(question: Question, effort: Effort, tell: Tell) -> dict[str, Any]:
    """One treatment's points and what they give at the expert's size."""
    found, kinds = outcomes(question, effort, tell)
    draws = resampled(found)
    points = [point(n, kinds[n], found[n], draws[n]) for n in found]
    asked = treatment(question.treatment)
    said = {"treatment": question.treatment, "fingerprint": asked.fingerprint, "unit": question.unit, "days": asked.days}
    return {**said, "points": points, "at_equal_size": at_equal_size(found, draws, kinds)}


def figure(row: Mapping[str, Any]) -> Any:
    """Drug and fall of each kind of schedule."""
    from posology.figures.curves import Curve, curves

    series = {}
    for kind in KINDS:
        points = sorted((p for p in row["points"] if p["kind"] == kind), key=lambda p: p["drug"]["mean"])
        fall = {part: [p["fall"][part] for p in points] for part in ("mean", "lower", "upper")}
        series[kind] = Curve([p["drug"]["mean"] for p in points], **fall)
    expert = next(p for p in row["points"] if p["kind"] == EXPERT)
    known = {f"expert, {expert['drug']['mean']:g} {row['unit']}": expert["fall"]["mean"]}
    title, said = f"Drug and tumour in {row['treatment']}", "Each point of a line is a way of dosing; bands: 95 % intervals."
    axes = f"Whole {row['unit']} given", f"Mean fall of ln(diameter) by day {row['days']:g}"
    return curves(series, title, said, *axes, references=known)


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Both gliomas."""
    said = {"patients": effort.patients, "seed": effort.seed, "learner": LEARNER, "updates": effort.updates or UPDATES}
    return {**said, "rows": [answer(q, effort, tell) for q in QUESTIONS], **storage.machine()}
