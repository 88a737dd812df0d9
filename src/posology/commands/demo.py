"""`posology demo`: a policy learned in a minute, tried against the standard of care on new patients, and
a recommendation within the label for one made-up record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import writable
from posology.commands.output import print_json, print_table
from posology.commands.progress import told

TREATMENT = "paclitaxel-cycles-v1"
ARMS = ["standard", "clinical-rule", "rule-plus-10"]
LABEL = ("paclitaxel-label-v1", "ensemble-greedy")  # the demo's own policy doses above the label: research only
EXAMPLE = Path(__file__).parents[3] / "examples" / "patient.json"
SEED, TRIAL_SEED = 1, 20  # of training and of the trial: other patients, other noise


def shown(event: dict[str, Any]) -> None:
    """A line per event while the policy learns."""
    if event.get("event") == "compiled":
        print(f"  compiled in {event['seconds']:.0f} s", file=sys.stderr, flush=True)
    if event.get("event") == "progress":
        seen = event["samples"] / 6
        print(f"  {event['seconds']:.0f} s, {seen:,.0f} courses of treatment seen", file=sys.stderr, flush=True)


def demo(
    seconds: float = typer.Option(60.0, min=5, help="Seconds to learn for, compilation included."),
    patients: int = typer.Option(1000, min=10, help="Virtual patients of the trial."),
    out: Path = typer.Option(Path("runs/demo"), help="Where the run and the report are kept."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Learn a paclitaxel dosing policy on virtual patients and try it against rules on new ones."""
    from posology.benchmarks.learners import SETTINGS, UPDATES
    from posology.commands.trial import about
    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.evaluation.table import rows
    from posology.evaluation.trial import trial
    from posology.figures.report import write_report
    from posology.learners.catalogue import learner
    from posology.learners.learner import ready
    from posology.learners.loops import train

    writable(out, "--out", folder=True)
    question = treatment(TREATMENT)
    run, updates = out / "ppo", UPDATES["ppo"]
    print(f"Learning: {question.question} (PPO, {updates} updates, at most {seconds:.0f} s)", file=sys.stderr)
    made = ready(learner("ppo")(), question.spec, updates, SETTINGS["ppo"])
    train(TreatmentEnvironment(question), made, run, SEED, updates=updates, seconds=seconds, report=shown)
    names = [*ARMS, str(run)]
    with told("playing", patients) as progress:
        table = trial(question, names, patients, TRIAL_SEED, progress=progress)
    command = f"posology trial {TREATMENT} " + " ".join(f"--arm {a}" for a in names)
    command += f" --patients {patients} --seed {TRIAL_SEED}"
    report = write_report(out / "report.html", table, about(question, names, None, command))
    advice = recommended()
    if as_json:
        return print_json({"trial": table, "recommendation": advice, "report": str(report)})
    header, *body = rows(table)
    print_table(f"{patients} new virtual patients, the same in every arm; 95 % intervals", header, body)
    if advice:
        from posology.commands.recommend import show

        print(f"\nThe next dose of one made-up patient ({EXAMPLE.name}), within the label:")
        show(advice)
    print(f"Report: {report}\nResearch use only: virtual patients, above-label doses, a model with unverified numbers.")


def recommended() -> dict[str, Any] | None:
    """What the label treatment's planner says of the example record; None where examples are not installed."""
    from posology.bedside.recommend import recommend
    from posology.data.readers import read
    from posology.environments.catalogue import treatment

    if not EXAMPLE.is_file():
        print(f"No example record at {EXAMPLE}: nothing to recommend for.", file=sys.stderr)
        return None
    return recommend(treatment(LABEL[0]), LABEL[1], read(EXAMPLE))
