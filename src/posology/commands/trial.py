"""`posology trial TREATMENT --arm standard --arm runs/x`: arms on the same patients, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known, patients_of, writable
from posology.commands.output import print_json, print_table
from posology.commands.progress import told

ARMS = {
    "standard": "the standard of care of this treatment, the same dose each time",
    "fixed": "the same dose each time",
    "clinical-rule": "starts with the standard dose, 20 % less after grade 4 (it sees the true grade)",
    "rule-plus-10": "as the clinical rule, and 10 % more after grade 0 or 1, within 60 to 250 mg/m2",
    "proportional-rule": "the last daily dose times target over measured level",
    "map-greedy": "fits the patient's most probable parameters at each visit and doses for them",
    "ensemble-greedy": "the best expected reward of the next interval over many patients that fit the past",
    "oracle-course": "as the oracle, and plans the whole course by derivatives through the patient",
    "oracle": "knows the patient's parameters and state, not the variability of the coming cycle",
}


def about(treatment: Any, names: list[str], shift: str | None, command: str) -> Any:
    """What the report says beside the table."""
    from posology.evaluation.shifts import SHIFTS
    from posology.evaluation.trial import labelled
    from posology.figures.report import About

    return About(
        title=treatment.title,
        question=treatment.question,
        arms={
            label: ARMS.get(arm.split(":")[0], "a learned policy")  # an arm is a guideline or a run folder
            for label, arm in map(labelled, names)
        },
        limits=[f"Not for: {treatment.not_for}.", f"The model {treatment.model.id} counts as {treatment.model.status}."],
        sources=[treatment.source, treatment.model.source],
        judged_under=SHIFTS[shift].title if shift else "",
        command=command,
    )


def trial(
    treatment_id: str = typer.Argument(metavar="TREATMENT", help="A treatment's id (see `posology list treatments`)."),
    arm: list[str] = typer.Option(["standard"], "--arm", help="A guideline, `oracle` or a run folder; repeat it."),
    patients: int = typer.Option(1000, min=2, max=1_000_000, help="Virtual patients, the same in every arm."),
    seed: int = typer.Option(1, min=0, max=2**31 - 1, help="Seed of patients and noise."),
    shift: str = typer.Option(None, help="Judge under a changed model."),
    report: Path = typer.Option(None, help="Write an HTML report here."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Compare dosing policies on the same virtual patients under the same noise."""
    treatment = patients_of(treatment_id)
    writable(report, "--report")
    from posology.evaluation import trial as trials
    from posology.evaluation.shifts import SHIFTS
    from posology.evaluation.table import rows

    if shift is not None:
        known(shift, SHIFTS, "shift")
    with told("playing", patients) as progress:
        table = trials.trial(treatment, arm, patients, seed, shift, progress)
    if report:
        from posology.figures.report import write_report

        command = f"posology trial {treatment_id} " + " ".join(f"--arm {a}" for a in arm)
        command += f" --patients {patients} --seed {seed}" + (f" --shift {shift}" if shift else "")
        write_report(report, table, about(treatment, arm, shift, command))
    if as_json:
        return print_json(table)
    header, *body = rows(table)
    print_table(f"{treatment.title}: {patients} patients, 95 % intervals", header, body)
    if report:
        print(f"Report: {report}")
