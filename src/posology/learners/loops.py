"""The host's side of learning: jitted chunks of updates with a loop between them that a person can watch.

Between chunks the loop reports, evaluates on held-out patients, writes a checkpoint and looks at the
budget. Nothing it does changes the learner's numbers: update k is a function of the state alone, so a
run that was killed and resumed ends in the same bits as one that was not (same machine and packages).
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners import runs, warm
from posology.learners.judge import EVALUATION_SEED, evaluator, summary
from posology.learners.learner import Learner
from posology.policies import storage

Report = Callable[[dict[str, Any]], None]

POINT = ("updates", "seconds", "samples", "judging_seconds")  # when a policy was judged, not how well it did


def _silent(event: dict[str, Any]) -> None:
    """Report to nobody."""


def advance(learner: Learner, env: Environment) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """A traced `(state, patients, n) -> (state, mean metrics)` of n updates; n may vary without recompiling."""

    def many(state: Any, patients: Any, n: Any) -> tuple[Any, Any]:
        like = jax.eval_shape(lambda s: learner.update(s, env, patients)[1], state)
        nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like)

        def once(_: Any, carry: Any) -> Any:
            state, sums = carry
            state, metrics = learner.update(state, env, patients)
            return state, jax.tree.map(jnp.add, sums, metrics)

        state, sums = jax.lax.fori_loop(0, n, once, (state, nothing))
        return state, jax.tree.map(lambda x: x / n.astype(x.dtype), sums)

    return many


def seen(learner: Learner, env: Environment) -> Environment:
    """The environment as the learner looks at it: what its method `sees` makes of it, where it has one."""
    return getattr(learner, "sees", lambda env: env)(env)


def _compiled(*lowered: Any) -> list[Any]:
    """Several programs compiled side by side: the compiler leaves a core idle."""
    with ThreadPoolExecutor(len(lowered)) as pool:
        return list(pool.map(lambda program: program.compile(), lowered))


class Programs(NamedTuple):
    """What a training runs, compiled: so many updates, and judging; the same for every seed."""

    many: Any
    judge: Any
    like: Any  # a state's shapes
    seconds: float


def programs(
    env: Environment, learner: Learner, pool: int = 4096, held_out: int = 1000, judged_by: int = EVALUATION_SEED
) -> Programs:
    """Compile a training on so many patients, judged on so many others, who are those of a seed."""
    begun, judge, env = time.perf_counter(), jax.random.key(judged_by), seen(learner, env)
    unseen = env.draw(jax.random.fold_in(judge, 0), held_out)
    like = jax.eval_shape(lambda key: learner.init(key, env), judge)
    patients = jax.eval_shape(lambda key: env.draw(key, pool), judge)
    many = jax.jit(advance(learner, env), donate_argnums=0).lower(like, patients, jnp.int32(1))
    policy_of = lambda parameters: learner.policy(parameters, env.spec)  # noqa: E731
    judged: Any = evaluator(env, policy_of, unseen, jax.random.fold_in(judge, 1))
    both = _compiled(many, judged.lower(jax.eval_shape(learner.parameters, like)))
    return Programs(both[0], both[1], like, time.perf_counter() - begun)


def train_seeds(
    env: Environment, learner: Learner, folder: Path | str, seeds: int, *, report: Report = _silent, **settings: Any
) -> list[dict[str, Any]]:
    """Learn with the seeds 0, 1, … into `folder/seed-<n>`, compiling once; each run is what `train` makes alone.

    Args:
        settings: of `train`; seconds are those of each run.
    """
    folder, held = Path(folder), {k: settings[k] for k in ("pool", "held_out") if k in settings}
    made: list[Programs] = []

    def shared() -> Programs:
        if not made:
            made.append(programs(env, learner, **held))
            return made[0]
        return made[0]._replace(seconds=0.0)

    return [train(env, learner, folder / f"seed-{n}", n, report=report, shared=shared, **settings) for n in range(seeds)]


def train(
    env: Environment,
    learner: Learner,
    out: Path | str,
    seed: int = 0,
    *,
    updates: int = 200,
    seconds: float | None = None,
    chunk: int = 10,
    pool: int = 4096,
    held_out: int = 1000,
    evaluate_every: int = 0,
    checkpoint_seconds: float = 15.0,
    report: Report = _silent,
    resume: bool = True,
    fingerprint: str | None = None,
    data_hash: str | None = None,
    shared: Callable[[], Programs] | None = None,
    judged_by: int = EVALUATION_SEED,
    start: Path | str | None = None,
) -> dict[str, Any]:
    """Learn a policy and write its run to the folder `out`.

    Args:
        updates, seconds: whichever budget ends first; seconds count from the start, compilation and
            earlier parts of a resumed run included.
        chunk: updates between two looks of the host; pool: patients to learn from; held_out:
            patients to judge on, never learned from.
        evaluate_every: chunks between two greedy evaluations (0: at the end only).
        checkpoint_seconds: least time between two checkpoints (0: after every chunk).
        report: receives dictionaries with an "event": compiled, resumed, warning, progress,
            evaluation or done.
        resume: go on with an unfinished run, or return a finished one of the same settings; False
            discards an unfinished run.
        fingerprint: of the treatment, its own if it has one, else a hash of its spec.
        shared: gives programs that were compiled for the same environment, learner and numbers of patients.
        judged_by: seed of the held-out patients.
        start: a run whose policy learning begins with, of the same learner and form; it stays on record.

    Returns:
        run, treatment, learner, return_mean, lower, upper, samples, seconds, compile_seconds, updates.

    Raises:
        ValueError: for impossible settings, an `out` that holds another run, or numbers that are not
            finite any more.
    """
    _check(updates=updates, chunk=chunk, pool=pool, held_out=held_out)
    out, env = Path(out), seen(learner, env)
    begin = None if start is None else warm.read(start, learner, env.spec)
    identity = runs.identity(env, learner, seed, pool, fingerprint, data_hash, begin.origin if begin else None)
    if out.exists():
        return runs.finished(out, identity, resume)
    run = _Run(env, learner, out, identity, judged_by, report, begin)
    run.begin(seed, pool, shared or (lambda: programs(env, learner, pool, held_out, judged_by)), resume)
    run.learn(updates, seconds, chunk, evaluate_every, checkpoint_seconds)
    return run.finish()


class _Run:
    """One call of `train`: its compiled functions, its state and its clock."""

    def __init__(self, env: Environment, learner: Learner, out: Path, identity: dict[str, Any], judged_by: int,
        report: Report, start: warm.Start | None,
    ) -> None:  # fmt: skip
        self.env, self.learner, self.out, self.identity, self.report = env, learner, out, identity, report
        self.judged_by, self.start = judged_by, start
        self.folder = storage.partial_folder(out)
        self.done, self.earlier, self.compile_seconds, self.judging = 0, 0.0, 0.0, 0.0
        self.history: list[dict[str, Any]] = []
        self.begun = time.perf_counter()

    def elapsed(self) -> float:
        """Seconds of the whole run, earlier parts included."""
        return self.earlier + time.perf_counter() - self.begun

    def begin(self, seed: int, pool: int, made: Callable[[], Programs], resume: bool) -> None:
        """Draw the patients, compile, and start or resume."""
        if not resume and self.folder.exists():
            shutil.rmtree(self.folder)
        progress = storage.checkpoint_progress(self.folder)
        if progress is not None:
            runs.same(progress["identity"], self.identity, f"the unfinished run {self.folder}")
        root = jax.random.key(seed)
        self.patients = self.env.draw(jax.random.fold_in(root, 1), pool)
        self.many, self.judge, like, self.compile_seconds = made()
        self.report({"event": "compiled", "seconds": self.compile_seconds})
        if progress is None:
            start = jax.jit(lambda key: self.learner.init(key, self.env))
            first = start(jax.random.fold_in(root, 0))
            first = warm.begun(self.learner, first, self.start) if self.start else first
            # The optimiser's zeros may share one buffer; donating wants each its own.
            self.state = jax.tree.map(jnp.copy, first)
        else:
            self._restore(like)

    def _restore(self, like: Any) -> None:
        self.state, progress = storage.load_checkpoint(self.folder, like)
        self.done, self.earlier = progress["updates"], progress["seconds"]
        self.compile_seconds += progress["compile_seconds"]
        self.history = progress["history"]
        self.judging = self.history[-1]["judging_seconds"] if self.history else 0.0
        here = {**storage.versions(), **storage.machine()}
        for name, was in progress["made_with"].items():
            if here.get(name) != was:
                message = f"{name} was {was} and is {here.get(name)}: the resumed run may differ in its last bits"
                self.report({"event": "warning", "message": message})
        self.report({"event": "resumed", "updates": self.done, "seconds": self.earlier})

    def learn(
        self, updates: int, seconds: float | None, chunk: int, evaluate_every: int, checkpoint_seconds: float
    ) -> None:
        """Chunks until a budget is spent; the last state is always in a checkpoint."""
        saved, chunks = time.perf_counter(), 0
        while self.done < updates and (seconds is None or self.elapsed() < seconds):
            n = min(chunk, updates - self.done)
            self.state, metrics = self.many(self.state, self.patients, jnp.int32(n))
            values = {name: float(v) for name, v in metrics.items()}
            self.done, chunks = self.done + n, chunks + 1
            bad = [name for name, v in values.items() if not math.isfinite(v)]
            if bad:
                raise ValueError(
                    f"learning diverged before update {self.done}: {bad[0]} is {values[bad[0]]}; try a lower learning_rate"
                )
            event = {"event": "progress", "updates": self.done, "of": updates, "seconds": self.elapsed()}
            self.report({**event, "samples": int(self.state.decisions), "metrics": values})
            if evaluate_every and chunks % evaluate_every == 0:
                self.evaluate()
            if time.perf_counter() - saved >= checkpoint_seconds:
                self.checkpoint()
                saved = time.perf_counter()
        self.checkpoint()

    def evaluate(self) -> dict[str, Any]:
        """Greedy policy on the held-out patients, added to the history."""
        if self.history and self.history[-1]["updates"] == self.done:
            return {name: v for name, v in self.history[-1].items() if name not in POINT}
        begun = time.perf_counter()
        result = summary(self.env, self.judge(self.learner.parameters(self.state)))
        self.judging += time.perf_counter() - begun
        if not math.isfinite(result["return_mean"]):
            raise ValueError(
                f"the mean return on held-out patients is {result['return_mean']} after update {self.done}"
            )
        point = {"updates": self.done, "seconds": self.elapsed(), "samples": int(self.state.decisions)}
        point |= {"judging_seconds": self.judging, **result}
        self.history.append(point)
        self.report({"event": "evaluation", **point})
        return result

    def checkpoint(self) -> None:
        """Write the state and what is needed to go on."""
        progress = {
            "identity": self.identity,
            "updates": self.done,
            "seconds": self.elapsed(),
            "compile_seconds": self.compile_seconds,
            "history": self.history,
            "made_with": {**storage.versions(), **storage.machine()},
        }
        storage.save_checkpoint(self.folder, self.state, progress)

    def finish(self) -> dict[str, Any]:
        """Judge, write the run and give it its name."""
        result = {
            "run": str(self.out),
            "treatment": self.identity["treatment"],
            "learner": self.identity["learner"],
            **self.evaluate(),
            "samples": int(self.state.decisions),
            "updates": self.done,
            "seconds": self.elapsed(),
            "compile_seconds": self.compile_seconds,
            **_harm(self.state, self.env),
        }
        arrays = self.learner.parameters(self.state)
        told = {**result, "history": self.history}
        runs.save(self.out, self.env, self.learner, self.identity, arrays, told, self.judged_by)
        storage.drop_checkpoint(self.out)
        self.report({"event": "done", **result})
        return result


def _harm(state: Any, env: Environment) -> dict[str, Any]:
    """Sum of each cost over all courses of the training, where the learner's state counts it."""
    counted = getattr(state, "harm", None)
    sums = [] if counted is None else [float(v) for v in counted]
    return {"harm_while_learning": dict(zip(env.spec.costs, sums, strict=True))} if sums else {}


def _check(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
