"""Puts results into the README between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from posology.benchmarks import problems, tables
from posology.benchmarks.tables import Table
from posology.environments.catalogue import TREATMENTS

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
NOTHING = "No results have been written yet; `make demo` prints a first table."
TREATMENT = "paclitaxel-cycles-v1"


def between(page: str, text: str) -> str:
    """The page with `text` between its marks.

    Raises:
        ValueError: when a mark is missing.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page has no place for results: it needs the lines {BEGIN} and {END}")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return f"{before}{BEGIN}\n{text.strip()}\n{END}{after}"


def results(
    table: Table | None, drawn: str | None = None, shifted: Sequence[Table] = (), others: Sequence[Table] = (),
    published: Sequence[Table] = (),
) -> str:  # fmt: skip
    """What the page says of the trial on the comparison problem; `drawn` is the path of a figure, `shifted`
    the same trial on patients of other models, `others` the trials of other treatments, `published` what learners
    reached on published problems."""
    if table is None:
        return NOTHING
    few = tables.main_arms(table)
    parts = [tables.told(few), tables.by_arm(few)]
    if len(few["arms"]) < len(table["arms"]):
        more = ", ".join(arm for arm in table["arms"] if arm not in few["arms"])
        left = tables.missing(table)
        told = f" Not tried yet: {', '.join(left)}." if left else ""
        parts.append(f"Shorter trainings of other learners stand on its page (`make docs`): {more}.{told}")
    if drawn:
        parts.append(f"![Grades of the neutrophil nadir by arm]({drawn})")
    parts.append(tables.elsewhere(shifted))
    if others:
        parts.append(
            "The other treatments, likewise; the whole tables stand on the treatments' pages (`make docs`). The best of a kind "
            "is the one with the highest mean, which flatters it a little."
        )
        parts.append(tables.overview(others))
        left = [f"`{t['treatment']}`: {', '.join(arms)}" for t in others if (arms := tables.missing(t))]
        parts.append(f"Not tried yet: {'; '.join(left)}." if left else "")
    if best := tables.reached(published):
        parts.append(
            "Published control problems, where learners are compared and nobody is dosed: interquartile mean of the return over "
            "training seeds, with its 95 % interval. Every learner stands on its page."
        )
        parts.append(best)
    file = f"docs/results/{table['treatment']}.json"
    parts.append(f"`make evidence ONLY={table['treatment']}` makes `{file}`, which the first table is made from.")
    return "\n\n".join(part for part in parts if part)


def figure(table: Table, path: Path) -> Path | None:
    """Draw the shares of grades by arm; None where the table has no grades."""
    if "grades" not in table:
        return None
    from posology.figures import style
    from posology.figures.grade_shares import grade_shares

    path.write_text(style.svg(grade_shares(tables.main_arms(table))), encoding="utf-8")
    return path


def updated(page: str, folder: Path) -> str:
    """The page with what the results in the folder say; the figure is drawn beside them by `write`."""
    table, shifted = tables.stored(folder, TREATMENT)
    drawn = f"{TREATMENT}.svg"
    others = [found for id in TREATMENTS if id != TREATMENT and (found := tables.stored(folder, id)[0])]
    picture = f"docs/results/{drawn}" if (folder / drawn).is_file() else None
    return between(page, results(table, picture, shifted, others, problems.made_of(folder)))


def write(readme: Path, folder: Path) -> Path:
    """Bring the page and the figure up to date with the folder of results."""
    table, _ = tables.stored(folder, TREATMENT)
    if table:
        figure(table, folder / f"{TREATMENT}.svg")
    readme.write_text(updated(readme.read_text(encoding="utf-8"), folder), encoding="utf-8")
    return readme
