"""The front between effect and harm: dose intensity against cycles in grade 4, for a clinician to choose from.

    intensity = Σ dose/(6·200 mg/m²),   harm = share of the six cycles in grade 4;   more of the first, less of the second

One policy per training seed answers for every preference w: of w·(1, −1) on (Σ dose/200, cycles in grade 4), a cycle in
grade 4 weighs as much as w_grade4/w_intensity full doses. Fixed doses, rules, planners and the oracle, which knows the
patient, dose the same patients under the same noise as in a trial of that seed. A point is beaten where another that can
be had is at least as good in both and better in one, by the means; the oracle cannot be had. What is said of the points:
`front_points.py`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.benchmarks.front_points import Outcomes, summary
from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import guideline
from posology.evaluation.rollout import play
from posology.evaluation.trial import NOISE, PATIENTS
from posology.learners.learner import ready
from posology.learners.loops import train_seeds
from posology.learners.multi_objective.conditioned_ppo import ConditionedPPO
from posology.learners.rollout import rollout
from posology.policies import storage
from posology.policies.policy import Policy

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

PROBLEM, LEARNER = "paclitaxel-cycles-v1", "conditioned-ppo"
OBJECTIVES = ("relative_dose_intensity", "grade4")
UPDATES = 600
SHARES = (0.02, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.8)  # of intensity in a preference
NOT_TO_BE_HAD = ("oracle",)


def learner(env: TreatmentEnvironment, updates: int) -> Any:
    """The learner of both objectives."""
    return ready(ConditionedPPO(), env.spec, updates, {"objectives": ",".join(OBJECTIVES)})


def trained(env: TreatmentEnvironment, effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """The arrays of one policy per seed; unfinished trainings go on."""
    updates = effort.updates or UPDATES
    return arrays_of(env, learner(env, updates), effort.runs / "front" / LEARNER, updates, effort, tell)


def arrays_of(
    env: TreatmentEnvironment, made: Any, folder: Path, updates: int, effort: Effort, tell: Tell
) -> list[dict[str, Any]]:
    """The arrays of what a learner learned in `folder`, one per seed."""
    from posology.benchmarks.evidence import HELD_OUT

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            done = f"{event['updates']} of {event['of']} updates"
            tell(f"{env.treatment.id} {made.id}: {done}, {event['seconds']:.0f} s")

    settings: dict[str, Any] = {"updates": updates, "pool": 16_384, "held_out": HELD_OUT, "report": report}
    runs = train_seeds(env, made, folder, effort.seeds, **settings)
    return [storage.load_policy(Path(run["run"]), fingerprint=env.fingerprint).arrays for run in runs]


def player(env: Any, policy_of: Any, patients: Any, noise: Any, objectives: tuple[str, ...] = OBJECTIVES) -> Any:
    """A compiled `parameters -> [patients, 2]`: both objectives of each patient's course, per decision there is room for."""
    at, cycles = jnp.array([env.spec.terms.index(name) for name in objectives]), env.spec.max_steps

    def run(parameters: Any) -> Any:
        policy: Policy = policy_of(parameters)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
            action, memory = policy.act(key, observation, mask, memory)
            return action, (), memory

        one = lambda patient: rollout(env, act, policy.memory(), noise, noise, patient).terms  # noqa: E731
        return jnp.sum(jax.vmap(one)(patients)[..., at], axis=1) / cycles

    return jax.jit(run)


def fixed(parameters: Any) -> Policy:
    """The row of the table that stands in the parameters, whatever is seen."""
    return Policy("fixed", lambda key, observation, mask, memory: (parameters["row"], memory))


def outcomes(env: TreatmentEnvironment, effort: Effort, tell: Tell) -> Outcomes:
    """Every point's courses on the patients of the trial with this seed."""
    cohort = env.draw(jax.random.fold_in(jax.random.key(effort.seed), PATIENTS), effort.patients)
    noise = jax.random.fold_in(jax.random.key(effort.seed), NOISE)
    policies, made = trained(env, effort, tell), learner(env, effort.updates or UPDATES)
    found: Outcomes = {}
    prefers = player(env, lambda arrays: made.policy(arrays, env.spec), cohort, noise)
    for share in SHARES:
        weights = jnp.array([share, 1 - share], jnp.float32)
        found[preference(share)] = np.stack([prefers({**arrays, "preference": weights}) for arrays in policies])
        tell(f"{PROBLEM}: {preference(share)} played")
    always = player(env, fixed, cohort, noise)
    for row, action in enumerate(env.spec.actions):
        found[action.label] = np.asarray(always({"row": jnp.int32(row)}))[None]
    return found | baselines(env, cohort, noise, effort, tell)


def baselines(env: TreatmentEnvironment, cohort: Any, noise: Any, effort: Effort, tell: Tell) -> Outcomes:
    """Rules, planners and the oracle, found where the trial of the treatment has played them."""
    from posology.benchmarks.evidence import kept

    which = ["own-model", env.fingerprint, str(effort.patients), str(effort.seed)]
    keep = kept(effort.runs / PROBLEM / "played" / "-".join(which), {}, tell)
    at = [env.spec.terms.index(name) for name in OBJECTIVES]
    found = {}
    for name in env.treatment.baselines:
        if name != "standard" and name not in effort.skip:  # the standard is one of the fixed doses
            arm, progress = guideline(name, env), lambda done, name=name: tell(f"{PROBLEM}: {name}, {done} patients")
            played = keep(name, 0, partial(play, env, arm, cohort, noise, progress))
            found[name] = played.terms[..., at].sum(axis=1)[None] / env.treatment.doses
    return found


def preference(share: float) -> str:
    """A preference in words."""
    return f"a grade 4 cycle weighs {(1 - share) / share:.3g} full doses"


def about(env: TreatmentEnvironment, names: list[str]) -> dict[str, dict[str, Any]]:
    """What each point is: its kind, its preference's weights, its dose."""
    prefers = {preference(s): dict(zip(OBJECTIVES, (s, 1 - s), strict=True)) for s in SHARES}
    doses = {a.label: a.amount for a in env.spec.actions}

    def kind(name: str) -> str:
        known = "learned" if name in prefers else "fixed dose" if name in doses else "rule"
        return "oracle" if name in NOT_TO_BE_HAD else known

    return {n: {"kind": kind(n), "weights": prefers.get(n), "dose": doses.get(n)} for n in names}


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Train, play, and say which points nothing beats."""
    env = TreatmentEnvironment(treatment(PROBLEM))
    found = outcomes(env, effort, tell)
    result = summary(found, about(env, list(found)), env.spec.actions[0].amount / env.treatment.standard.amount)
    full = env.treatment.standard.label
    meaning = {"dose_intensity": f"dose as a share of {full}", "grade4_share": "share of cycles in grade 4"}
    said = {"treatment": PROBLEM, "fingerprint": env.fingerprint, "patients": effort.patients, "seed": effort.seed}
    said |= {"learner": LEARNER, "updates": effort.updates or UPDATES, "objectives": meaning}
    return {**said, **result, **storage.machine()}
