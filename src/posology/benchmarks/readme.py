"""Puts results into a page between two marks, so that no number in it is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from posology.evaluation.table import rows

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
NOTHING = "No results have been written yet; `make demo` prints a first table."
TREATMENT = "paclitaxel-cycles-v1"
ENDPOINT = "grade1to3_share"  # what the patients of other models are compared by
GUIDELINES = ("standard", "clinical-rule", "rule-plus-10")  # arms that neither learn nor know
COLUMNS = ("grade1to3_share", "grade4_share", "grade0_share", "grade1to3_share_cycles_2_6", "mean_dose", "return")


def between(page: str, text: str) -> str:
    """The page with `text` between its marks.

    Raises:
        ValueError: when a mark is missing.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page has no place for results: it needs the lines {BEGIN} and {END}")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return f"{before}{BEGIN}\n{text.strip()}\n{END}{after}"


def markdown(cells: list[list[str]]) -> str:
    """A table in Markdown, header first."""
    head, *body = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([head, "| --- " + "| ---: " * (len(cells[0]) - 1) + "|", *body])


def results(
    table: Mapping[str, Any] | None, figure: str | None = None, others: Sequence[Mapping[str, Any]] = ()
) -> str:
    """What the page says of the trial on the comparison problem; `figure` is a path from the page, `others`
    the same trial on patients of other models."""
    if table is None:
        return NOTHING
    seeds = max(table["training_seeds"].values())
    told = (
        f"Problem `{table['treatment']}`: {table['patients']:,} virtual patients that no policy learned from, the same "
        f"in every arm; learned arms {seeds} times from different random starts. In brackets 95 % intervals. Above-label "
        "doses: for comparing methods, not for patients. The two rules see the true nadir, which a clinic does not."
    )
    drawn = f"\n\n![Grades of the neutrophil nadir by arm]({figure})" if figure else ""
    file = f"docs/results/{table['treatment']}.json"
    made = f"\n\n`make evidence ONLY={table['treatment']}` makes `{file}`, which the first table is made from."
    return told + "\n\n" + markdown(rows(table, COLUMNS)) + drawn + elsewhere(others) + made


def elsewhere(tables: Sequence[Mapping[str, Any]]) -> str:
    """The same arms on patients of other models than they were made for, and where a guideline is the best."""
    if not tables:
        return ""
    arms = [arm for arm in tables[0]["arms"] if all(arm in t["arms"] for t in tables)]
    found = [{arm: t["arms"][arm]["endpoints"][ENDPOINT] for arm in arms} for t in tables]
    each = [[f"{100 * f[arm][q]:.1f}" for q in ("mean", "lower", "upper")] for arm in arms for f in found]
    cells = [f"{mean} ({lower} to {upper})" for mean, lower, upper in each]
    width = len(tables)
    body = [[arm, *cells[i * width : (i + 1) * width]] for i, arm in enumerate(arms)]
    head = ["Cycles in grade 1-3 (%)", *(str(t["shift"]) for t in tables)]
    lost = [f"`{t['shift']}` ({best})" for t, f in zip(tables, found, strict=True) if (best := _best(f)) in GUIDELINES]
    told = "The same arms on patients of other models than they were made for (`posology trial --shift`):"
    said = f"\n\nA guideline does better than everything that plans or learned under {', '.join(lost)}." if lost else ""
    return f"\n\n{told}\n\n{markdown([head, *body])}{said}"


def _best(found: Mapping[str, Mapping[str, float]]) -> str:
    """The arm with the highest mean, the oracle apart."""
    return max((arm for arm in found if not arm.startswith("oracle")), key=lambda arm: found[arm]["mean"])


def figure(table: Mapping[str, Any], path: Path) -> Path | None:
    """Draw the shares of grades by arm; None where the table has no grades."""
    if "grades" not in table:
        return None
    from posology.figures import style
    from posology.figures.grade_shares import grade_shares

    path.write_text(style.svg(grade_shares(table)), encoding="utf-8")
    return path


def updated(page: str, path: Path) -> str:
    """The page with what the results file says; its figure is drawn beside the file by `write`."""
    table = json.loads(path.read_text()) if path.is_file() else None
    drawn = path.with_suffix(".svg")
    others = [json.loads(p.read_text()) for p in sorted(path.parent.glob(f"{path.stem}--*.json"))]
    return between(page, results(table, f"docs/results/{drawn.name}" if drawn.is_file() else None, others))


def write(readme: Path, path: Path) -> Path:
    """Bring the page and the figure up to date with the results file."""
    if path.is_file():
        figure(json.loads(path.read_text()), path.with_suffix(".svg"))
    readme.write_text(updated(readme.read_text(encoding="utf-8"), path), encoding="utf-8")
    return readme
