"""`posology explain RUN|TREATMENT:ARM --patient FILE`: why that dose for one patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import writable
from posology.commands.output import print_json, print_table
from posology.commands.recommend import AT, DRAWS, ID, JSON, PATIENT, RESEARCH, patients, policy_of


def show(answer: dict[str, Any]) -> None:
    """An explanation for people: the paragraph, then what moved the choice, the limits and the tree."""
    print(answer["sentence"])
    a = answer["attribution"]
    rows = [[r["name"], f"{r['value']:+.3g}", f"{r['error']:.2g}", r["said"], r["typically"]] for r in a["inputs"]]
    moved = f"what moved the choice from {a['typical']:.4g} to {a['actual']:.4g} {a['unit']} (Shapley values, {a['method']})"
    header = ["input", a["unit"], "standard error", "this patient", "typical patient"]
    print_table(f"Patient {answer['patient']}, {answer['treatment']}, {answer['policy']}: {moved}", header, rows)
    limits = [[r["limit"], r["effect"], "yes" if r["bound"] else "", r["source"], r["status"]] for r in answer["trace"]]
    print_table("Limits that were looked at", ["limit", "effect", "bound", "source", "status"], limits)
    t, f = answer["tree"], answer["tree"]["fidelity"]
    print(
        f"Decision tree: the policy's dose at {100 * f['mean']:.0f} % ({100 * f['lower']:.0f} to {100 * f['upper']:.0f} %) of "
        f"{t['judged']['visits']} visits of {t['judged']['patients']} patients held out; the commonest dose alone "
        f"{100 * t['commonest_dose']:.0f} %."
    )
    print("\n".join(t["rules"]))
    if answer["research_only"]:
        print(f"For research only: {answer['research_only']}.")
    print(f"Not for: {answer['not_for']}.\n{answer['disclaimer']}")


def explain(
    who: str = typer.Argument(metavar="RUN|TREATMENT:ARM", help="A run folder, or such as paclitaxel-label-v1:map-greedy."),
    patient: Path = PATIENT,
    at: str = AT,
    one: str = ID,
    draws: int = DRAWS,
    research: bool = RESEARCH,
    report: Path = typer.Option(None, metavar="FILE", help="Also write an HTML page that stands alone; of one patient."),
    as_json: bool = JSON,
) -> None:
    """Say why a policy chooses its dose for one patient, and what would change it. Research use only."""
    treatment, policy = policy_of(who)
    records = patients(patient, one)
    if report:
        writable(report, "--report")
        if len(records) > 1:
            raise ValueError(f"--report: is of one patient; {patient} has {len(records)}, name one with --id")
    from posology.bedside.explain import explain as answer

    answers = [answer(treatment, policy, record, at, draws, research) for record in records]
    if report:
        from posology.figures import explanation, individual

        individual.write(report, explanation.report(answers[0]))
    if as_json:
        return print_json(answers[0] if len(answers) == 1 else answers)
    for found in answers:
        show(found)
    if report:
        print(f"Report: {report}")
