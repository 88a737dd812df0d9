"""`posology train TREATMENT --learner ppo`: learn a policy on virtual patients into a run folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known, writable
from posology.commands.output import print_json


def show(event: dict[str, Any]) -> None:
    """One line per event on stderr: what a person waiting wants to know."""
    kind = event.get("event", "")
    shown = {k: v for k, v in event.items() if k != "event" and isinstance(v, (int, float, str))}
    text = "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown.items())
    print(f"{kind}: {text}", file=sys.stderr)


def settings(pairs: list[str]) -> dict[str, str]:
    """`--set name=value` pairs as a mapping.

    Raises:
        ValueError: for a pair without a name or a value.
    """
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not (name and sign and value):
            raise ValueError(f"--set {pair}: expected name=value")
    return dict(pair.split("=", 1) for pair in pairs)


def of_file(path: Path | None) -> dict[str, Any]:
    """Hyper-parameters of a YAML file; none without one.

    Raises:
        ValueError: for a file that is missing, or is no mapping of names to values.
    """
    if path is None:
        return {}
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"--settings {path}: there is no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ValueError(f"--settings {path}: it is no YAML ({' '.join(str(problem).split())})") from None
    if not isinstance(found, dict) or any(isinstance(v, dict) for v in found.values()):
        raise ValueError(f"--settings {path}: expected lines of the form name: value")
    return {str(name): value for name, value in found.items()}


def train(
    treatment_id: str = typer.Argument(metavar="TREATMENT", help="A treatment's id (see `posology list treatments`)."),
    learner_id: str = typer.Option("ppo", "--learner", help="A learner's id (see `posology list learners`)."),
    out: Path = typer.Option(None, help="Run folder; runs/<treatment>/<learner>/seed-<seed> when not given."),
    seed: int = typer.Option(0, min=0, max=2**31 - 1, help="Training seed."),
    seeds: int = typer.Option(0, min=0, help="Train with seeds 0 to this less one, compiling once; 0: with --seed alone."),
    updates: int = typer.Option(300, min=1, help="Updates at most."),
    seconds: float = typer.Option(None, min=1, help="Seconds at most, compilation included."),
    start: Path = typer.Option(None, "--from", help="A run of the same learner, whose policy learning begins with."),
    change: list[str] = typer.Option([], "--set", help="A hyper-parameter, as name=value; repeat it."),
    file: Path = typer.Option(None, "--settings", help="A YAML file of hyper-parameters; --set goes before it."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Learn a dosing policy; a killed training goes on where its last checkpoint stands."""
    from posology.environments.catalogue import PROBLEMS, TREATMENTS, environment, spec
    from posology.learners.catalogue import LEARNERS, learner
    from posology.learners.learner import ready

    asked = spec(known(treatment_id, {**TREATMENTS, **PROBLEMS}, "treatment"))
    entry = LEARNERS[known(learner_id, LEARNERS, "learner")]
    if reason := entry.refuses(asked):
        raise ValueError(f"{learner_id} cannot learn {treatment_id}: {reason}")
    out = out or Path("runs") / treatment_id / learner_id / ("" if seeds else f"seed-{seed}")
    writable(out, "--out", folder=True)
    made = ready(learner(learner_id)(), asked, updates, {**of_file(file), **settings(change)})
    quiet = (lambda event: None) if as_json else show
    env = environment(treatment_id)
    if entry.plans:
        from posology.learners.planning.plan import plan

        if start:
            raise ValueError(f"--from {start}: {learner_id} computes its policy and begins with none")
        found = [plan(env, made, out / f"seed-{n}", n, report=quiet) for n in range(seeds)] or [
            plan(env, made, out, seed, report=quiet)
        ]
    else:
        from posology.learners import loops

        given: dict[str, Any] = {"updates": updates, "seconds": seconds, "report": quiet, "start": start}
        found = loops.train_seeds(env, made, out, seeds, **given) or [loops.train(env, made, out, seed, **given)]
    if as_json:
        return print_json(found if seeds else found[0])
    for result in found:
        mean, low, high = (result[k] for k in ("return_mean", "lower", "upper"))
        print(f"{result['run']}: return {mean:.3f} (95 % interval {low:.3f} to {high:.3f}) on held-out patients")
