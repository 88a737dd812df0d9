"""`posology tune TREATMENT --learner ppo`: look for hyper-parameters by trial."""

from __future__ import annotations

from pathlib import Path

import typer

from posology.commands.errors import known, writable
from posology.commands.output import print_json
from posology.commands.train import settings, show


def tune(
    treatment_id: str = typer.Argument(metavar="TREATMENT", help="A treatment's id (see `posology list treatments`)."),
    learner_id: str = typer.Option("ppo", "--learner", help="A learner's id (see `posology list learners`)."),
    trials: int = typer.Option(20, min=1, help="Finished trials in all, those of earlier calls included."),
    updates: int = typer.Option(100, min=1, help="Updates of each trial."),
    seed: int = typer.Option(0, min=0, max=2**31 - 1, help="Seed of proposals and trainings."),
    change: list[str] = typer.Option([], "--set", help="A setting that every trial has, as name=value; repeat it."),
    out: Path = typer.Option(None, help="Where the study is kept; runs/tune/<treatment>/<learner> when not given."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Look for a learner's settings on patients that judge nothing else; a stopped search goes on where it was."""
    from posology.environments.catalogue import PROBLEMS, TREATMENTS, environment, spec
    from posology.learners.catalogue import LEARNERS, learner

    asked = spec(known(treatment_id, {**TREATMENTS, **PROBLEMS}, "treatment"))
    entry = LEARNERS[known(learner_id, LEARNERS, "learner")]
    if reason := entry.refuses(asked):
        raise ValueError(f"{learner_id} cannot learn {treatment_id}: {reason}")
    if entry.plans:
        raise ValueError(f"{learner_id} computes an exact answer; there is nothing to tune")
    out = out or Path("runs") / "tune" / treatment_id / learner_id
    writable(out, "--out", folder=True)
    from posology.learners import tuning

    quiet = (lambda event: None) if as_json else show
    found = tuning.tune(
        environment(treatment_id), learner(learner_id)(), out, trials=trials, updates=updates, seed=seed,
        fixed=settings(change), report=quiet,
    )  # fmt: skip
    import yaml

    path = out / "best.yaml"
    path.write_text(yaml.safe_dump(found["settings"], sort_keys=False), encoding="utf-8")
    if as_json:
        return print_json({**found, "file": str(path)})
    mean, low, high = (found[k] for k in ("return_mean", "lower", "upper"))
    print(f"best of {found['trials']} trials: return {mean:.3f} (95 % interval {low:.3f} to {high:.3f}), which flatters it")
    print("".join(f"  {name}: {value}\n" for name, value in found["settings"].items()), end="")
    print(f"posology train {treatment_id} --learner {learner_id} --settings {path}")
