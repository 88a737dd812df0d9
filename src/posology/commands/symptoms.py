"""`posology symptoms compare|learning|predict|drug`: from symptoms to diseases, drugs and doses by age, on synthetic patients."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from posology.commands.output import print_json, print_table

JSON = typer.Option(False, "--json", help="Print JSON.")
symptoms = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="From symptoms and history to diseases, drugs and doses by age. Synthetic table; research use only.",
)


@symptoms.command("compare")
def compare_classifiers(as_json: bool = JSON) -> None:
    """Compare four classifiers with Bayes' rule on held-out synthetic patients (fits them: half a minute on one core)."""
    from posology.symptoms.performance import compare

    if sys.stderr.isatty():
        print("fitting four classifiers", file=sys.stderr, flush=True)
    found = compare()
    print_json(found) if as_json else show_compared(found)


@symptoms.command("learning")
def learning_curve(
    rows: list[int] = typer.Option(
        [100_000, 300_000, 1_000_000], "--rows", help="Patients to learn from; may be repeated. A million takes 0.8 GB, a minute."
    ),
    as_json: bool = JSON,
) -> None:
    """Show how near to Bayes' rule a decision tree comes with more patients (evidence symptoms-learning: to 8 million)."""
    from posology.symptoms.learning import curve

    def keep(size: int, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if sys.stderr.isatty():
            print(f"learning from {size:,} patients", file=sys.stderr, flush=True)
        return make()

    found = curve(rows, keep=keep)
    print_json(found) if as_json else show_learning(found)


@symptoms.command("predict")
def predict_one(
    symptom: list[str] = typer.Option(..., "--symptom", help="A symptom that is there; may be repeated."),
    age: str = typer.Option(..., "--age", help="Years, or with a unit: 34, '10 mo', '20 d'."),
    sex: str = typer.Option(..., "--sex", help="female or male."),
    without: list[str] = typer.Option([], "--without", help="A symptom that is known not to be there."),
    others_absent: bool = typer.Option(False, "--others-absent", help="Every symptom that is not named is absent."),
    history: list[str] = typer.Option([], "--history", help="diabetes, hypertension, heart-disease, pregnancy, asthma, …"),
    allergy: list[str] = typer.Option([], "--allergy", help="A group or a drug, such as penicillin."),
    medication: list[str] = typer.Option([], "--medication", help="Another drug that is taken."),
    weight: str = typer.Option(None, "--weight", help="kg, or with a unit; doses by weight need it."),
    by: str = typer.Option("bayes", "--by", help="bayes (exact), or a classifier: random-forest, …"),
    as_json: bool = JSON,
) -> None:
    """Say which diseases symptoms and history point to, and which drugs and doses are recorded for them. Research use only."""
    from posology.symptoms.case import case
    from posology.symptoms.options import predict

    found = predict(case(symptom, age, sex, history, allergy, medication, without, others_absent, weight), by)
    print_json(found) if as_json else show_prediction(found)


@symptoms.command("drug")
def one_drug(
    name: str = typer.Argument(metavar="DRUG", help="A drug of the table, such as amoxicillin."),
    as_json: bool = JSON,
) -> None:
    """Show one drug: what it is for, forms, doses by age, who must not take it, interactions."""
    from posology.symptoms.page import drug_page

    found = drug_page(name)
    print_json(found) if as_json else show_drug(found)


def percent(found: Mapping[str, Any], digits: int = 1) -> str:
    """A share with its interval in per cent."""
    value, lower, upper = (f"{100 * found[key]:.{digits}f}" for key in ("value", "lower", "upper"))
    return f"{value} ({lower} to {upper})"


def show_compared(found: Mapping[str, Any]) -> None:
    """The performance table for a reader."""
    print(found["synthetic"])
    rows = []
    for name, row in {"bayes": found["bayes"], **found["classifiers"]}.items():
        behind = percent(row["behind_bayes"]) if "behind_bayes" in row else ""
        verdict = found["claim"]["verdicts"][name]
        rows.append([row["title"], percent(row["accuracy"]), behind, row["brier"], row["calibration_error"], verdict])
    heads = ["", "accuracy, %", "behind Bayes, points", "Brier", "calibration error", f"{100 * found['claim']['accuracy']:g} %"]
    best, error = (100 * found["bayes"]["expected"][key] for key in ("value", "standard_error"))
    print_table(f"{found['rows']['test']} held-out rows, {100 * found['noise']:g} % of symptoms flipped", heads, rows)
    print(f"Best possible at this noise: {best:.2f} % (Monte-Carlo error {error:.2f}).")
    print(f"In brackets 95 % intervals.\n{found['disclaimer']}")


def show_learning(found: Mapping[str, Any]) -> None:
    """The learning curve for a reader."""
    from posology.symptoms.learning import HEADS, cells, sentences

    print(found["synthetic"])
    print_table(f"{found['held_out']:,} held-out patients, Bayes' rule {percent(found['bayes'])} %", HEADS, cells(found))
    print(f"{'. '.join(sentences(found))}.\nIn brackets 95 % intervals.\n{found['disclaimer']}")


def show_prediction(found: Mapping[str, Any]) -> None:
    """A prediction for a reader."""
    print(found["synthetic"])
    likely = [[p["title"], f"{100 * p['probability']:.1f} %"] for p in found["probabilities"] if p["probability"] >= 0.01]
    print_table("", ["disease", "probability"], likely)
    if found["abstained"]:
        print(f"Nothing is recommended: {found['abstained']}.")
    rows = [[o["disease"], o["title"], o["status"], dose_of(o), "; ".join(f"{r['because']}: {r['says']}" for r in o["reasons"])]
            for o in found["options"]]  # fmt: skip
    if rows:
        print_table("", ["for", "drug", "", "dose", "reasons"], rows)
    for text in found["missing"]:
        print(f"Missing: {text}.")
    if found["ask_next"]:
        print(f"Ask next: {', '.join(a['title'] for a in found['ask_next'])}.")
    print(found["disclaimer"])


def dose_of(option: Mapping[str, Any]) -> str:
    """The dose of an option in words; empty where there is none."""
    dose = option["dose"]
    if dose is None:
        return ""
    often = f"every {dose['every_hours']:g} h" if dose["every_hours"] else dose["when"]
    most = f", at most {dose['most_per_day']:g} {dose['unit']} a day" if dose["most_per_day"] else ""
    days = f", {dose['course_days']:g} days" if dose["course_days"] else ""
    note = f" ({dose['note']})" if dose["note"] else ""
    return f"{dose['amount']:.12g} {dose['unit']} {often}{most}{days}{note}"


def show_drug(found: Mapping[str, Any]) -> None:
    """A drug for a reader."""
    print(f"{found['title']} ({found['group']}), for: {', '.join(found['indications'])}\nForms: {', '.join(found['forms'])}")
    rows = [[d["group"], d["ages"], d["dose"] or "none recorded", d["status"], d["source"]] for d in found["doses"]]
    print_table("", ["age group", "ages", "dose", "status", "source"], rows)
    for effect in ("contraindicated", "caution"):
        for name, why in found[effect].items():
            print(f"{effect}: {name}: {why}")
    for other in found["interactions"]:
        print(f"{other['effect']}: {other['with']}: {other['why']}")
    print(f"{found['synthetic']}\n{found['disclaimer']}")
