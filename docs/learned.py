"""What the learners reached, from `docs/results`: a part of every learner's page, its figures, and the page of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posology.benchmarks import ablation, learners, peers, problems, regret, schedules, tables
from posology.figures import style
from posology.figures.curves import Curve, curves
from posology.figures.front import front
from posology.learners.catalogue import LEARNERS

INTRO = """# Measured

What the learners reached, as last measured; [how](../../benchmarks.md). `posology benchmark learners` prints the first tables.
"""
TIMED = """## To most of what can be had

Return on held-out patients with its 95 % interval over patients and training seeds. Seconds: median over the seeds, from process
start until 95 % of the gap from the clinical rule to the best long run was closed, judging left out; the first seed finds nothing
compiled. `posology evidence learners` and `posology evidence peers` make these numbers.
"""
PROBLEMS = """## Published problems

Interquartile mean of the return over training seeds, with its 95 % interval. Seconds are those of learning on one core, without
compiling and judging. `posology evidence <problem>` makes these numbers.
"""
SCHEDULES = """How much drug leaves the tumour as large as the expert's schedule does after about two years. One policy
(`conditioned-ppo`) for every weight of the drug is followed from much drug to none; the drug at the expert's size is read from
that line, and from those of schedules that look at nobody. 95 % intervals over patients and training seeds.
`posology evidence schedules` makes these numbers. The question is that of Yauney and Shah 2018 (PMLR 85:161), whose totals
were not read.
"""
NOTHING = "No result is stored yet; `posology evidence` makes them.\n"
ALONG = ("Decisions simulated", "Return of the greedy policy")


def read(folder: Path, name: str) -> Any:
    """A stored result, None where there is none."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def drawn(folder: Path, name: str, chart: Any, what: str) -> str:
    """Write a figure beside the pages, and the line that shows it."""
    (folder / f"{name}.svg").write_text(style.svg(chart), encoding="utf-8")
    return f"![{what}]({name}.svg)"


def curve(row: Mapping[str, Any], problem: Mapping[str, Any]) -> Any:
    """A learner's return along its decisions on a published problem."""
    columns = {k: [p[name] for p in row["history"]] for k, name in (("x", "samples"), ("mean", "return_mean"))}
    band = {k: [p[k] for p in row["history"]] for k in ("lower", "upper")}
    said = f"Interquartile mean over {row['seeds']} seeds; band: 95 % interval."
    known, title = {problem["against"]: row["reference"]}, f"{row['learner']} on {row['problem']}"
    return curves({row["learner"]: Curve(**columns, **band)}, title, said, *ALONG, references=known)


def on_problems(id: str, results: Path, pages: Path) -> list[str]:
    """A learner's rows on the published problems, each with its curve."""
    parts, rows = [], []
    for name in problems.REFERENCES:
        found = read(results, name)
        for row in (r for r in (found or {"rows": []})["rows"] if r["learner"] == id):
            rows.append(row)
            if len(row["history"]) > 1:
                parts.append(drawn(pages, f"{id}--{name}", curve(row, found), f"Return of {id} on {name} along its decisions"))
    return [tables.on_problems(rows), *parts] if rows else []


def as_arm(id: str, results: Path) -> list[str]:
    """A learner's arm in the trials of treatments."""
    found = []
    for path in sorted(results.glob("*-v1.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        if id in held.get("arms", {}):
            alone = {**held, "arms": {k: v for k, v in held["arms"].items() if k == id}}
            found.append(f"`{held['treatment']}`, {held['patients']:,} virtual patients:\n\n{tables.by_arm(alone)}")
    return found


def page(id: str, results: Path, pages: Path) -> str:
    """What one learner reached."""
    parts = [*on_problems(id, results, pages), *as_arm(id, results)]
    lost = [r for r in (read(results, "regret") or {"rows": []})["rows"] if r["learner"] == id]
    if lost:
        parts.append(tables.regret(lost))
    return "\n\n".join(parts) + "\n" if parts else NOTHING


def measured(results: Path, pages: Path) -> str:
    """Everything that is stored of learners, on one page."""
    parts = [INTRO, TIMED]
    if (results / "learners.json").is_file():
        parts.append(tables.learned(learners.stored(results)))
    if others := peers.stored(results):
        parts += ["Stable-Baselines3 to the same level, and ours, each on one core:", tables.beside_peers(others["rows"])]
    if rows := problems.stored(results):
        parts += [PROBLEMS, tables.on_problems(rows)]
    if budget := read(results, "peers-budget"):
        told = f"Stable-Baselines3 with {budget['samples']:,} decisions on one core, and ours:"
        parts += [told, tables.with_budget(budget["rows"])]
    return "\n\n".join([*parts, *special(results, pages)]) + "\n"


def special(results: Path, pages: Path) -> list[str]:
    """Derivatives, regret, options of DQN, and the front between effort and harm."""
    parts = []
    if found := read(results, "gradient"):
        parts += ["## Derivatives through the patient", tables.derivatives(found["rows"])]
    if found := read(results, "regret"):
        parts += ["## Regret of bandits", tables.regret(found["rows"])]
        parts.append(drawn(pages, "regret", regret.figure(found), "Cumulative regret of the bandits"))
    if found := read(results, "adaptation"):
        said = f"Decisions on new patients until {found['share']:.0%} of the gap from the standard dose to the best was closed."
        parts += ["## Adapting to other patients", said, tables.adapted(found["rows"])]
    if found := read(results, "ablation"):
        parts += ["## Options of DQN", tables.options(found["rows"])]
        for problem in (c["problem"] for c in found["curves"]):
            parts.append(drawn(pages, f"ablation--{problem}", ablation.figure(found, problem), f"Options of DQN on {problem}"))
    if found := read(results, "front"):
        parts += ["## Dose intensity against grade 4", drawn(pages, "front", front(found), "Dose intensity against grade 4")]
        parts.append(tables.front(found))
    if found := read(results, "schedules"):
        parts += ["## Drug at the tumour size of the expert's schedule", SCHEDULES]
        for row in found["rows"]:
            name, picture = row["treatment"], schedules.figure(row)
            parts += [tables.schedules(row), drawn(pages, f"schedules--{name}", picture, f"Drug and tumour in {name}")]
    return parts


def write(folder: Path) -> None:
    """Write `learners/generated`: a part for every learner's page, and the page of all."""
    pages, results = folder / "learners" / "generated", folder / "results"
    pages.mkdir(parents=True, exist_ok=True)
    for old in [*pages.glob("*.md"), *pages.glob("*.svg")]:
        old.unlink()
    for id in LEARNERS:
        (pages / f"{id}.part").write_text(page(id, results, pages), encoding="utf-8")
    (pages / "measured.md").write_text(measured(results, pages), encoding="utf-8")
    seen = read(results, "forecasts")
    (pages / "forecasts.part").write_text(tables.foreseen(seen["rows"]) + "\n" if seen else "Not made yet.\n", encoding="utf-8")
