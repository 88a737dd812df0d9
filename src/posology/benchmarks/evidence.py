"""Evidence that accumulates: plans of parts that are kept, so that the work can be stopped at any moment.

    runs/evidence/<treatment>/<learner>/seed-<n>/     a training run; unfinished ones resume from checkpoints
    runs/evidence/<treatment>/played/<trial>/*.npz    an arm played on all patients of a trial
    runs/evidence/learning/*.json                     a training timed in a process of its own
    runs/evidence/peers/*.json                        a peer's training, timed likewise on one core
    runs/evidence/speed/*.json                        what was measured of a model
    runs/evidence/clinic-*/*.json                     the clinic on one kind of database
    runs/evidence/symptoms-learning/*.json            classifiers of symptoms that learned from so many patients
    docs/results/<plan>.json                          what a plan found, once all its parts are there

A part that is complete is never made again. A treatment's result is what `posology trial --json`
prints for the same arms, patients and seed.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from posology.benchmarks import gradient, merged
from posology.environments.belief import with_belief
from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.treatment import Treatment
from posology.evaluation.rollout import Played
from posology.evaluation.shifts import SHIFTS
from posology.evaluation.trial import trial
from posology.learners.catalogue import LEARNERS, learner
from posology.learners.learner import ready
from posology.learners.loops import train
from posology.policies import storage
from posology.quantities import numbers_of

HELD_OUT = 2000  # patients that a training is judged on

Tell = Callable[[str], None]


class Unfinished(Exception):
    """The time is up; what was made is kept."""


@dataclass(frozen=True)
class Effort:
    """How much is done, and where it is kept. `updates` 0: as many as each training says."""

    patients: int = 10_000
    seed: int = 20
    seeds: int = 3
    updates: int = 0
    learners: tuple[str, ...] = ()  # names of `TRAININGS`; empty: all
    skip: tuple[str, ...] = ()  # baselines left out
    runs: Path = Path("runs/evidence")
    results: Path = Path("docs/results")
    shared: Path = Path("../shared")  # real data, beside the project


@dataclass(frozen=True)
class Training:
    """A learned arm. With `belief`, it also sees the posterior of that many particles; `only` on the treatments named,
    and not on patients of other models. A policy of a continuous dose can be `of` the treatment that has it, and is rounded."""

    learner: str
    updates: int
    settings: Mapping[str, str] = field(default_factory=dict)
    belief: int = 0
    only: tuple[str, ...] = ()
    of: str = ""


# Where every learner is tried, with about as many decisions as `ppo` when it is timed.
COMPARED, ANY_DOSE = ("paclitaxel-cycles-v1",), "paclitaxel-any-dose-v1"
BOTH = (*COMPARED, ANY_DOSE)
CLIPPED = {"patients": "512", "epochs": "5", "minibatches": "8", "learning_rate": "3e-3"}
DRAWN = {"patients": "512", "learning_rate": "1e-2"}
SHORT = {"patients": "512"}

TRAININGS: dict[str, Training] = {
    "ppo": Training("ppo", 1200, {"patients": "512"}),
    "dqn": Training("dqn", 1200),
    "ppo-belief": Training("ppo", 300, {"patients": "128"}, belief=64),
    "recurrent-ppo": Training("recurrent-ppo", 250, CLIPPED, only=COMPARED),
    "a2c": Training("a2c", 250, DRAWN, only=COMPARED),
    "reinforce": Training("reinforce", 250, DRAWN, only=COMPARED),
    "qr-dqn": Training("qr-dqn", 250, SHORT, only=COMPARED),
    "lagrangian-ppo": Training("lagrangian-ppo", 250, CLIPPED, only=BOTH),
    "cvar-ppo": Training("cvar-ppo", 250, CLIPPED, only=BOTH),
    "shielded-ppo": Training("shielded-ppo", 250, CLIPPED, only=COMPARED),
    "rl2": Training("rl2", 250, {**CLIPPED, "sees_reward": "false"}, only=COMPARED),
    "context-ppo": Training("context-ppo", 250, CLIPPED, only=COMPARED),
    "conditioned-ppo": Training("conditioned-ppo", 250, CLIPPED, only=COMPARED),
    "q-learning": Training("q-learning", 250, SHORT, only=COMPARED),
    "sarsa": Training("sarsa", 250, SHORT, only=COMPARED),
    "expected-sarsa": Training("expected-sarsa", 250, SHORT, only=COMPARED),
    "lin-ucb": Training("lin-ucb", 250, SHORT, only=COMPARED),
    "lin-thompson": Training("lin-thompson", 250, SHORT, only=COMPARED),
    "lasso-bandit": Training("lasso-bandit", 250, SHORT, only=COMPARED),
    "neural-linear": Training("neural-linear", 250, SHORT, only=COMPARED),
    "evolved-course": Training("evolved-course", 100, {"patients": "256", "children": "64", "elite": "16"}, only=COMPARED),
    # for scarce data: a small share of the decisions of the others
    "dyna-q": Training("dyna-q", 100, {"patients": "64"}, only=COMPARED),
    "dyna-dqn": Training("dyna-dqn", 60, {"patients": "64"}, only=COMPARED),
    "penalised-dqn": Training("penalised-dqn", 60, {"patients": "64"}, only=COMPARED),
    "ensemble-planning": Training("ensemble-planning", 30, only=COMPARED),
    "analytic": Training("analytic", 600, gradient.TRAININGS[ANY_DOSE]["analytic"].settings, only=BOTH, of=ANY_DOSE),
    "sac": Training("sac", 300, gradient.TRAININGS[ANY_DOSE]["sac"].settings, only=BOTH, of=ANY_DOSE),
    "td3": Training("td3", 300, only=BOTH, of=ANY_DOSE),
    "ddpg": Training("ddpg", 300, only=BOTH, of=ANY_DOSE),
    "gradient-course": Training("gradient-course", 300, {"patients": "64"}, only=BOTH, of=ANY_DOSE),
}


def trainings(treatment: Treatment, shift: str | None = None) -> dict[str, Training]:
    """The learned arms that this treatment can have, on its own patients or those of a shift."""
    here = {name: t for name, t in TRAININGS.items() if not t.only or (treatment.id in t.only and shift is None)}
    return {name: t for name, t in here.items() if not LEARNERS[t.learner].refuses(learned_on(t, treatment).spec)}


def learned_on(t: Training, treatment: Treatment) -> Treatment:
    """Where an arm of a treatment learns."""
    return TREATMENTS[t.of] if t.of else treatment


def planned(t: Training, treatment: Treatment) -> int:
    """Updates of a training; half of them where a dose may be put off, which makes courses of up to four
    times the visits."""
    return t.updates if treatment.spec.max_steps == treatment.doses else t.updates // 2


def environment(treatment: Treatment, belief: int) -> Any:
    """What a learner meets."""
    plain = TreatmentEnvironment(treatment)
    return with_belief(plain, belief) if belief else plain


def learn(treatment: Treatment, name: str, effort: Effort, tell: Tell) -> Path:
    """The folder with the runs of a learned arm, one per seed."""
    t = trainings(treatment)[name]
    treatment = learned_on(t, treatment)
    folder = effort.runs / treatment.id / name
    env = environment(treatment, t.belief)
    updates = effort.updates or planned(t, treatment)
    made = ready(learner(t.learner)(), env.spec, updates, t.settings)
    for seed in range(effort.seeds):
        what = f"{treatment.id} {name} seed {seed}"

        def report(event: dict[str, Any], what: str = what) -> None:
            if event["event"] == "progress":
                done, seen = f"{event['updates']} of {event['of']} updates", event["metrics"]["return"]
                tell(f"{what}: {done}, {event['seconds']:.0f} s, return while learning {seen:.3f}")

        out = folder / f"seed-{seed}"
        found = train(env, made, out, seed, updates=updates, pool=16_384, held_out=HELD_OUT, report=report)
        tell(f"{what}: return {found['return_mean']:.4f} after {found['samples']} decisions")
    return folder


def stamp(runs: Path | None, run: int) -> str:
    """What tells one policy of an arm from another: the hash of its arrays; nothing for a guideline."""
    if runs is None:
        return ""
    found = sorted(p.parent for p in runs.glob("*/policy.json"))
    return "--" + storage.read_record(found[run])["arrays_sha256"][:12]


def kept(folder: Path, learned: Mapping[str, Path], tell: Tell) -> Callable[[str, int, Callable[[], Played]], Played]:
    """Plays an arm once and finds it again in `folder` afterwards."""

    def keep(arm: str, run: int, make: Callable[[], Played]) -> Played:
        path = folder / f"{arm}--{run}{stamp(learned.get(arm), run)}.npz"
        if path.exists():
            with np.load(path) as stored:
                return Played(**stored)
        played = make()
        content = io.BytesIO()
        np.savez_compressed(content, **played._asdict())
        folder.mkdir(parents=True, exist_ok=True)
        storage.write_file(path, content.getvalue())
        tell(f"{folder}: {arm} played")
        return played

    return keep


def learned_before(treatment: Treatment, name: str, effort: Effort) -> bool:
    """Whether every seed of a learned arm is there."""
    folder = effort.runs / learned_on(TRAININGS[name], treatment).id / name
    return all((folder / f"seed-{seed}" / "evaluation.json").is_file() for seed in range(effort.seeds))


def tried(treatment: Treatment, shift: str | None, effort: Effort, tell: Tell) -> dict[str, Any]:
    """The trial of a treatment's baselines and learned arms; with `effort.learners` or `effort.skip` beside those that are stored
    of a trial of the same patients.

    Raises:
        ValueError: where none of these learners is tried on this treatment.
    """
    able = list(trainings(treatment, shift))
    if effort.learners and not set(able) & set(effort.learners):
        raise ValueError(f"{treatment.id} has no learned arm {', '.join(effort.learners)}; it has {', '.join(able) or 'none'}")
    chosen = effort.learners or tuple(able)
    wanted = [name for name in able if name in chosen or learned_before(treatment, name, effort)]
    learned = {name: learn(treatment, name, effort, tell) for name in wanted}
    baselines = [name for name in treatment.baselines if name not in effort.skip]
    names = [*baselines, *(f"{name}={folder}" for name, folder in learned.items())]
    which = [shift or "own-model", treatment.fingerprint, str(effort.patients), str(effort.seed)]
    keep = kept(effort.runs / treatment.id / "played" / "-".join(which), learned, tell)
    progress = lambda arm, done: tell(f"{treatment.id} {shift or ''}: {arm}, {done} patients")  # noqa: E731
    made = trial(treatment, names, effort.patients, effort.seed, shift, progress, keep)
    if effort.updates and wanted:
        made["updates"] = effort.updates
    path = effort.results / f"{treatment.id}{f'--{shift}' if shift else ''}.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if stored is None or not merged.alike(made, stored):
        return made
    return merged.beside(made, stored, [*treatment.baselines, *able])


def shifts_of(treatment: Treatment) -> Iterator[str]:
    """The shifts that the treatment's model can be put under."""
    model, numbers = treatment.model.id, numbers_of(treatment.model.Params)
    return (n for n, s in SHIFTS.items() if set(s.factors) <= set(numbers) and s.instead_of in ("", model))


def plans() -> dict[str, Callable[[Effort, Tell], Any]]:
    """Every plan by the name of its result; a plan is `(effort, tell) -> result`."""
    from posology.benchmarks import (
        ablation,
        adaptation,
        forecasts,
        front,
        kills,
        learners,
        neonates,
        peers,
        peers_budget,
        problems,
        regret,
        schedules,
        speed,
        symptoms_learning,
    )

    found: dict[str, Callable[[Effort, Tell], Any]] = {}
    for id, treatment in TREATMENTS.items():
        found[id] = partial(tried, treatment, None)
        for shift in shifts_of(treatment):
            found[f"{id}--{shift}"] = partial(tried, treatment, shift)
    found |= {problem: partial(problems.plan, problem) for problem in problems.REFERENCES}
    found |= {"learners": learners.plan, "ablation": ablation.plan, "adaptation": adaptation.plan}
    found |= {"front": front.plan, "gradient": gradient.plan, "regret": regret.plan, "schedules": schedules.plan}
    found["phenobarbital-neonates"] = lambda effort, tell: neonates.evidence(effort.shared / neonates.WHERE, tell)
    found |= {"kills": kills.plan, "forecasts": forecasts.plan, "speed": speed.plan}
    found |= {"peers": peers.plan, "peers-budget": peers_budget.plan, "symptoms-learning": symptoms_learning.plan}
    return found | {f"clinic-{what}": partial(of_clinic, what) for what in ("load", "faults")}


def of_clinic(what: str, effort: Effort, tell: Tell) -> Any:
    """The plans of the clinic; they alone need its extra."""
    from posology.benchmarks import clinic_faults, clinic_load

    return {"load": clinic_load.plan, "faults": clinic_faults.plan}[what](effort, tell)


def clock(minutes: float, say: Callable[[str], None]) -> Tell:
    """Says what is going on, and raises `Unfinished` once the minutes are over (0: never)."""
    begun = time.monotonic()

    def tell(text: str) -> None:
        say(text)
        if minutes and time.monotonic() - begun > 60 * minutes:
            raise Unfinished(f"stopped after {minutes:g} minutes; the next call goes on from here")

    return tell


def write(name: str, result: Any, folder: Path) -> Path:
    """Write a plan's result as `--json` prints it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    storage.write_file(folder / f"{name}.json", text.encode())
    return folder / f"{name}.json"
