"""How fast a policy adapts to other patients: begun with the policy of the old ones, or from scratch.

Adults → children: vancomycin. Centre → centre: paclitaxel, where the drug harms the marrow 30 % less. A policy is learned on
the old patients; on the new ones it is judged as it is (zero-shot), then goes on learning, beside a learner that begins
anew with the same settings. Everything is judged on the same held-out new patients, every few updates. The gap is from
the standard dose to the best return that any of the runs ended with.

    <runs>/adaptation/<transfer>--<learner>/{before,warm,scratch}/seed-<n>/     runs, resumed where they stopped
    <runs>/adaptation/<transfer>--<learner>/judged-<n>.json                     zero-shot and standard
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.benchmarks.seeds import combined, mean_curve
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

SEEDS = 5  # at least
SHARE = 0.95
STANDARD = "standard"
STARTS = ("warm", "scratch")


@dataclass(frozen=True)
class Transfer:
    """From the patients of `source` to those of `target`, or, with `shift`, to its own under a changed model."""

    id: str
    title: str
    source: str
    target: str
    learner: str
    shift: str = ""
    updates: int = 300  # on the old patients, and on the new ones
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the folder with its parts."""
        return f"{self.id}--{self.learner}"


CHILDREN = ("adults-to-children", "vancomycin, from adults to children", "vancomycin-adults-v1", "vancomycin-children-v1")
CENTRE = ("centre-to-centre", "paclitaxel, to patients whose marrow is less sensitive", *("paclitaxel-cycles-v1",) * 2)
TRANSFERS = (
    Transfer(*CHILDREN, "ppo"),
    Transfer(*CHILDREN, "rl2", settings={"sees_reward": "false"}),
    Transfer(*CHILDREN, "context-ppo"),
    Transfer(*CENTRE, "ppo", shift="slope-minus-30"),
)


def environments(t: Transfer) -> tuple[Any, Any]:
    """The old patients and the new ones."""
    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.evaluation.shifts import judged

    target = treatment(t.target)
    return TreatmentEnvironment(treatment(t.source)), judged(target, t.shift) if t.shift else TreatmentEnvironment(target)


def trainer(t: Transfer, env: Any, effort: Effort, tell: Tell) -> Callable[..., Path]:
    """`(folder, seed, start) -> run`: learns on these patients, judged every few updates; compiled at most once."""
    from posology.benchmarks.evidence import HELD_OUT
    from posology.learners.catalogue import learner
    from posology.learners.learner import ready
    from posology.learners.loops import Programs, programs, train

    updates = effort.updates or t.updates
    made = ready(learner(t.learner)(), env.spec, updates, t.settings)
    often: dict[str, Any] = {"chunk": max(updates // 60, 1), "evaluate_every": 1, "held_out": HELD_OUT}
    shared: list[Programs] = []

    def compiled() -> Programs:
        if not shared:
            shared.append(programs(env, made, held_out=HELD_OUT))
        return shared[0]

    def learn(folder: Path, seed: int, start: Path | None = None) -> Path:
        run = folder / f"seed-{seed}"
        changed = f"{env.fingerprint}--{t.shift}" if t.shift and folder.name in STARTS else None  # a shift has none of its own
        report = lambda e: tell(f"{run}: {e['updates']} updates") if e["event"] == "progress" else None  # noqa: E731
        given: dict[str, Any] = {"updates": updates, "start": start, "fingerprint": changed, "report": report, **often}
        train(env, made, run, seed, shared=compiled, **given)
        return run

    return learn


def judged_as_it_is(env: Any, run: Path, path: Path) -> dict[str, Any]:
    """What the policy of an old run and the standard dose reach on the new patients; kept in `path`."""
    if path.exists():
        return json.loads(path.read_text())
    import jax

    from posology.benchmarks.evidence import HELD_OUT
    from posology.evaluation.arms import guideline
    from posology.evaluation.rollout import play
    from posology.learners.judge import EVALUATION_SEED, evaluator, summary

    judge, stored = jax.random.key(EVALUATION_SEED), storage.load_policy(run)
    unseen, noise = env.draw(jax.random.fold_in(judge, 0), HELD_OUT), jax.random.fold_in(judge, 1)
    zero_shot = summary(env, evaluator(env, lambda _: stored.policy, unseen, noise)(()))
    standard = play(env, guideline(STANDARD, env), unseen, noise)
    found = {"zero_shot": zero_shot, "standard": float(standard.reward.sum(axis=1).mean())}
    storage.write_json(path, found)
    return found


def parts(t: Transfer, effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """For each seed the zero-shot and standard returns, and the histories of both starts."""
    folder, (old, new) = effort.runs / "adaptation" / t.name, environments(t)
    learn_old, learn_new = (trainer(t, env, effort, tell) for env in (old, new))
    found = []
    for seed in range(effort.seeds if effort.updates else max(effort.seeds, SEEDS)):
        before = learn_old(folder / "before", seed)
        made = judged_as_it_is(new, before, folder / f"judged-{seed}.json")
        for start in STARTS:
            run = learn_new(folder / start, seed, before if start == "warm" else None)
            made[start] = json.loads((run / "evaluation.json").read_text())["history"]
        tell(f"{t.name} seed {seed}: zero-shot {made['zero_shot']['return_mean']:.3f}")
        found.append(made)
    return found


def reached(history: Sequence[Mapping[str, Any]], level: float) -> int | None:
    """Decisions on the new patients until a judged policy was at `level`; None where none was."""
    return next((point["samples"] for point in history if point["return_mean"] >= level), None)


def middle(counts: Sequence[int | None]) -> float | None:
    """The median, None where one is missing."""
    known = [n for n in counts if n is not None]
    return statistics.median(known) if len(known) == len(counts) else None


def row(t: Transfer, made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One transfer: what each start reached, after how many decisions `SHARE` of the gap was closed (median over seeds, None
    where some seed never got there), and how many times fewer the warm start needed (None where it needed none)."""
    standard = made[0]["standard"]
    reference = max(m[start][-1]["return_mean"] for m in made for start in STARTS)
    level = standard + SHARE * (reference - standard)
    zero = [{"samples": 0, **m["zero_shot"]} for m in made]
    histories = {"warm": [[z, *m["warm"]] for z, m in zip(zero, made, strict=True)], "scratch": [m["scratch"] for m in made]}
    until = {start: [reached(h, level) for h in found] for start, found in histories.items()}
    warm, scratch = (middle(until[start]) for start in STARTS)
    said = dict(zip(("return_mean", "lower", "upper"), combined(zero), strict=True))
    return {
        "transfer": t.id, "title": t.title, "learner": t.learner, "source": t.source, "target": t.target,
        "shift": t.shift or None, "seeds": len(made),
        "standard": standard, "reference": reference, "level": level, "zero_shot": said,
        "zero_shot_gap_closed": (said["return_mean"] - standard) / (reference - standard),
        "decisions": {"warm": warm, "scratch": scratch}, "decisions_per_seed": until,
        "ratio": scratch / warm if warm and scratch else None,
        "curves": {start: mean_curve(found, ["samples"]) for start, found in histories.items()},
    }  # fmt: skip


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """All transfers, part by part; with `effort.learners` only theirs, beside the rows that are stored."""
    from posology.benchmarks.evidence import HELD_OUT

    path, rows = effort.results / "adaptation.json", []
    kept = {(r["transfer"], r["learner"]): r for r in json.loads(path.read_text())["rows"]} if path.is_file() else {}
    for t in TRANSFERS:
        if not effort.learners or t.learner in effort.learners:
            rows.append(row(t, parts(t, effort, tell)))
        elif (t.id, t.learner) in kept:
            rows.append(kept[t.id, t.learner])
    return {"rows": rows, "held_out": HELD_OUT, "share": SHARE, **storage.machine()}
