"""`posology recommend RUN|TREATMENT:ARM --patient FILE`: options for one patient, one of them chosen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import patients_of
from posology.commands.output import print_json, print_table

SHOWN = 9  # options in the printed table; --json has all
# What is asked of one patient, here and in `posology explain`.
PATIENT = typer.Option(..., "--patient", help="The record: JSON, long CSV, NONMEM data or a FHIR R4 bundle.")
AT = typer.Option(
    None, "--at", help="Hours of the record, or a date with time and zone; else the next planned dose or the last entry."
)
ID = typer.Option(None, "--id", help="The patient's id where the file holds several; all of them unless given.")
DRAWS = typer.Option(256, min=16, max=4096, help="Draws of the patient's posterior.")
RESEARCH = typer.Option(False, "--research", help="Also for a treatment that is marked for research only.")
JSON = typer.Option(False, "--json", help="Print JSON: one object, or a list for several patients.")


def policy_of(who: str) -> tuple[Any, str]:
    """The treatment and the arm or run folder that `who` names.

    Raises:
        typer.BadParameter: for an unknown treatment; ValueError for a run that cannot be read.
    """
    from posology.environments.catalogue import PROBLEMS, TREATMENTS

    if Path(who).is_dir() or (":" not in who and ("/" in who or who not in {**TREATMENTS, **PROBLEMS})):
        if not Path(who).exists() and "/" not in who:
            raise typer.BadParameter(
                f"'{who}' is neither a run folder nor TREATMENT:ARM; known treatments: {', '.join(TREATMENTS)}"
            )
        from posology.policies.storage import read_record

        return patients_of(read_record(who)["treatment"]), who
    treatment, _, arm = who.partition(":")
    return patients_of(treatment), arm or "standard"


def patients(path: Path, wanted: str | None) -> list[Any]:
    """The records of a file, or the one of that id.

    Raises:
        ValueError: for a file that cannot be read, or entries dated in the future.
    """
    from posology.data.readers import read, read_cohort
    from posology.data.record import check_not_after

    records = [read(path, patient=wanted)] if wanted else read_cohort(path)
    for record in records:
        if record.start is not None:
            check_not_after(record, datetime.now(UTC))
    return records


def show(answer: dict[str, Any]) -> None:
    """A recommendation for people: a table of options, then sentences."""
    key = answer["options"][0]["reading"]
    header = ["rank", "dose", "mg", f"{key['name']} {key['deciding'].replace('_', ' ')} (90 % interval)"]
    header += [f"P({h})" for h in answer["options"][0]["harm"]]
    rows = []
    for o in _shown(answer):
        low = o["reading"][key["deciding"]]
        mark = " (chosen)" if answer["chosen"] and o["label"] == answer["chosen"]["label"] else ""
        mark += " (standard of care)" if o["is_standard"] else ""
        stops = ", ".join(limit["name"] for limit in o["limits"] if limit["effect"] == "forbids")
        rows.append(
            [
                o["rank"], f"{o['label']}{mark}", o["mg"], f"{low['mean']:.2g} ({low['lower']:.2g} to {low['upper']:.2g})",
                *(f"{100 * p:.0f} %" for p in o["harm"].values()), f"{o['reward']['mean']:.3g}", stops or "yes",
            ]
        )  # fmt: skip
    print_table(f"Patient {answer['patient']}, {answer['treatment']}, {answer['policy']}", [*header, "reward", "allowed"], rows)
    told = answer["explanation"]
    for title, said in (("Recommended", told["why"]), ("Known", told["known"]), ("This patient", told["differs"])):
        print(f"{title}: " + " ".join(said))
    for title, said in (("Disagreement", told["disagreement"]), ("Missing", "; ".join(m["sentence"] for m in answer["missing"]))):
        if said:
            print(f"{title}: {said}")
    for row in answer["rules"]:
        if row["effect"] != "none":
            print(f"Rule {row['rule']} ({row['effect']}): {row['says']} ({row['source']}, {row['status']}).")
    if answer["research_only"]:
        print(f"For research only: {answer['research_only']}.")
    print(f"Not for: {answer['not_for']}.\n{answer['disclaimer']}")


def _shown(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The best options, and always what is chosen, the standard of care and no dose."""
    chosen = answer["chosen"]["label"] if answer["chosen"] else None
    kept = [o for o in answer["options"] if o["label"] == chosen or o["is_standard"] or not o["dose"]]
    kept += [o for o in answer["options"] if o not in kept][: max(0, SHOWN - len(kept))]
    return sorted(kept, key=lambda o: o["rank"])


def recommend(
    who: str = typer.Argument(metavar="RUN|TREATMENT:ARM", help="A run folder, or such as paclitaxel-label-v1:standard."),
    patient: Path = PATIENT,
    at: str = AT,
    one: str = ID,
    draws: int = DRAWS,
    to_horizon: bool = typer.Option(False, "--to-horizon", help="Also follow the policy to the end of the course (slower)."),
    research: bool = RESEARCH,
    as_json: bool = JSON,
) -> None:
    """Say what one patient could be given next, with expected benefit and harm, limits and reasons. Research use only."""
    treatment, policy = policy_of(who)
    records = patients(patient, one)
    from posology.bedside.recommend import recommend as answer

    answers = [answer(treatment, policy, record, at, draws, to_horizon, research) for record in records]
    if as_json:
        return print_json(answers[0] if len(answers) == 1 else answers)
    for found in answers:
        show(found)
