"""A trial as one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from posology.evaluation.endpoints import GRADE_SOURCE, label
from posology.evaluation.table import HEADLINES, rows
from posology.figures.anc_bands import anc_bands
from posology.figures.doses_per_cycle import doses_per_cycle
from posology.figures.grade_shares import grade_shares
from posology.figures.page import PAGE
from posology.figures.paired_differences import paired_differences
from posology.figures.parts import figure, grid, items
from posology.figures.summary import summary

_CYCLES_2_6 = ("grade1to3_share_cycles_2_6", "grade4_share_cycles_2_6", "grade0_share_cycles_2_6")
_OWN_LIMITS = (
    "Virtual patients follow a published model; where the model is wrong, so is the trial.",
    "Intervals hold the chance of the draw of patients and of training, not the doubt about the model.",
)


@dataclass(frozen=True)
class About:
    """What a table does not say of itself: title, question, what each arm does, limits and sources.

    `judged_under` names the model or change that the arms were judged under when it is not the one
    they were made for; `command` is how to make the report again.
    """

    title: str
    question: str
    arms: Mapping[str, str] = field(default_factory=dict)
    limits: Sequence[str] = ()
    sources: Sequence[str] = ()
    judged_under: str = ""
    command: str = ""


def report(table: Mapping[str, Any], about: About) -> str:
    """The report of a trial table as HTML text. Whatever it is given is escaped."""
    return PAGE.substitute(
        title=escape(about.title),
        question=escape(about.question),
        summary="".join(f"<p>{escape(sentence)}</p>" for sentence in summary(table)),
        arms="".join(f"<dt>{escape(arm)}</dt><dd>{escape(_arm(table, about, arm))}</dd>" for arm in table["arms"]),
        reading=escape(
            "Each cell: the value, and in brackets its 95 % interval."
            + (f" A cycle counts where a dose was given. Grades: {GRADE_SOURCE}." if "grades" in table else "")
        ),
        results=grid(rows(table)),
        figures="".join(figure(chart) for chart in charts(table)),
        details=_details(table),
        method="".join(f"<p>{escape(sentence)}</p>" for sentence in _method(table, about)),
        limits=items([*about.limits, *_OWN_LIMITS]),
        sources=items([*about.sources, *([GRADE_SOURCE] if "grades" in table else [])] or ["none given"]),
    )


def write_report(path: Path, table: Mapping[str, Any], about: About) -> Path:
    """Write the report to `path`; raises ValueError naming the file when that fails."""
    text = report(table, about)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise ValueError(f"the report cannot be written to {path}: {problem.strerror or problem}") from problem
    return path


def charts(table: Mapping[str, Any]) -> list[Any]:
    """The figures that a table has data for, in the order of the report."""
    found: list[Any] = []
    if table["paired"]:
        found.append(paired_differences(table))
    if "grades" in table:
        found.append(grade_shares(table))
    if any(table["per_cycle"].values()):
        found.append(doses_per_cycle(table))
    if table["anc"]:
        found.append(anc_bands(table))
    return found


def _details(table: Mapping[str, Any]) -> str:
    parts = []
    if "grades" in table:
        parts.append(("Cycles 2 to 6 (cycle 1 has no history to learn from)", grid(rows(table, _CYCLES_2_6))))
    for name, group in table["subgroups"].items():
        if group["arms"]:
            parts.append((f"Subgroup: {name} ({group['patients']:,} patients)", grid(rows(group, HEADLINES[:-2]))))
    limits = [[arm, name, f"{hit['count']:,}", _per_hundred(hit)] for arm, name, hit in _hits(table)]
    if limits:
        header = ["Arm", "Limit", "Decisions bound", "Per 100 doses"]
        parts.append(("Safety limits that changed a dose", grid([header, *limits])))
    if table["regret"]:
        parts.append((f"Regret to {table['regret']['versus']}", grid(_regret_rows(table["regret"]))))
    found = "".join(f"<details><summary>{escape(title)}</summary>{body}</details>" for title, body in parts)
    return f"<h2>In detail</h2>{found}" if found else ""


def _hits(table: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    return ((arm, name, hit) for arm, found in table["limits_hit"].items() for name, hit in found.items())


def _per_hundred(hit: Mapping[str, Any]) -> str:
    return "–" if hit["per_100_doses"] is None else f"{hit['per_100_doses']:.1f}"


def _regret_rows(regret: Mapping[str, Any]) -> list[list[str]]:
    scale, unit = (100, "percentage points") if regret["endpoint"].endswith("_share") else (1, "per course")
    body = []
    for arm, found in regret["arms"].items():
        parts = [found[part] for part in ("difference", "lower", "upper")]
        values = ["–"] * 3 if None in parts else [f"{scale * part:.2f}" for part in parts]
        body.append([arm, *values])
    return [["Arm", f"{label(regret['endpoint'])}: left to gain ({unit})", "Lower", "Upper"], *body]


def _arm(table: Mapping[str, Any], about: About, arm: str) -> str:
    words, seeds = about.arms.get(arm, ""), table["training_seeds"][arm]
    trained = f"Trained {seeds} times from different random starts; all are judged." if seeds > 1 else ""
    both = f"{words.rstrip('.')}. {trained}" if words and trained else words or trained
    return both or "No description given."


def _method(table: Mapping[str, Any], about: About) -> list[str]:
    sentences = [
        f"{table['patients']:,} virtual patients of the treatment {table['treatment']} were drawn with seed "
        f"{table['seed']}. Every arm treated the same patients with the same random noise, so that differences "
        "between arms are differences between doses.",
        f"Intervals are 95 % percentile intervals of {table['draws']:,} resamples: training seeds are drawn anew, then "
        "patients; arms are compared within the same resample of patients. With few training seeds their spread is "
        "widened by Student's t.",
    ]
    if about.judged_under:
        sentences.append(f"Judged under {about.judged_under}, which is not what the arms were made for.")
    sentences.append(f"Treatment fingerprint: {table['fingerprint']}.")
    if about.command:
        sentences.append(f"To make this again: {about.command}")
    return sentences
