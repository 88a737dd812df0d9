"""Writes the documentation pages that follow from the catalogues; called by every build of the docs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import clinical
import learned
import modelled
import referenced
import ruled
import symptomatic

from posology.benchmarks import tables
from posology.commands.describe import (
    continuous_dose,
    dosing,
    model_description,
    problem_description,
    spread_percent,
    survival_of,
    treatment_description,
)
from posology.commands.listing import Family, catalogue
from posology.commands.output import short
from posology.environments.problem import Problem

MODELS_INTRO = """# Models

Every patient model, with the status of its weakest number: *verified* was read in the source, *unverified* is attributed
to it and still has to be read there, *assumed* is ours, with the reason. Written from the catalogue at each build.
"""
TREATMENTS_INTRO = """# Treatments

The questions asked of the models. Written from the catalogue at each build.

To add one: a file in `environments/treatments/` that fills in a `Treatment`, and a line in `environments/catalogue.py`. A
model that counts in days, weeks or months goes through `in_hours`; doses are in mg, per m2 or kg, or in the unit of the
model's own entry. A term is a function of an `Interval`, which holds the key reading's lowest value and every reading before
and after. `usual` is the standard of care where it depends on the patient, `standard_visits` after how many visits it ends,
`stops` what ends a course for good. A published problem, with an environment of its own, stands in `environments/problems/`;
`ode.py` and `mapped.py` make one from equations or from a model in steps, and `policies` are what a clinic could do there.
"""

CHECKED = "`posology benchmark checks` makes this table; times in the model's unit. Areas are by SciPy alone.\n"
MODEL_PAGES = Path(__file__).parent / "models" / "generated"


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table."""
    head = list(columns)
    lines = [head, ["---"] * len(head), *([short(c).replace("|", "\\|") for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def model_page(d: dict[str, Any]) -> str:
    """One model: its equations, its numbers, what can be read and whom it covers."""
    numbers = [
        [f"`{p['symbol']}`", p["value"], p["unit"], *spread_percent(p), p["status"], p["meaning"], p["source"]]
        for p in d["parameters"]
    ]
    keys = ("value", "unit", "status", "meaning", "source")
    choices = [[f"`{b['symbol']}`", *(b[k] for k in keys)] for b in d.get("bounds", [])]
    bounds = ["## Bounds\n", table(["symbol", *keys], choices)] if choices else []
    covariates = [[f"`{c['name']}`", c["unit"], c["low"], c["high"], c["default"], c["meaning"]] for c in d["covariates"]]
    parts = [
        f"# {d['id']}\n\n{d['title']}. Credibility class: {d['class']}. Weakest number: *{d['status']}*.\n",
        f"```text\n{d['equations']}\n```\n",
        modelled.drawn(MODEL_PAGES, d["id"]),
        f"{dosing(d)}.\n",
        *([f"{survival_of(d)}.\n"] if d["hazards"] else []),
        "## Numbers\n",
        table(["symbol", "value", "unit", "CV %", "CV % occasion", "status", "meaning", "source"], numbers),
        *bounds,
        "## States\n",
        table(["name", "unit", "meaning"], [[f"`{s['name']}`", s["unit"], s["meaning"]] for s in d["states"]]),
        "## Readings\n",
        table(["name", "unit"], [[f"`{r['name']}`", r["unit"]] for r in d["readings"]]),
    ]
    if covariates:
        parts += ["## Covariates\n", table(["name", "unit", "low", "high", "default", "meaning"], covariates)]
    if d["kind"] == "ode":
        columns = ["case", "quantity", "printed", "SciPy", "engine", "met", "source"]
        parts += ["## Printed values\n", CHECKED, table(columns, modelled.printed(d["id"]))]
    parts += [f"**Speed.** {told} [How this is measured](../../benchmarks.md).\n"] if (told := modelled.speed(d["id"])) else []
    return "\n".join([*parts, f"**Not for:** {d['not_for'] or 'nothing said'}.\n"])


def treatment_page(d: dict[str, Any]) -> str:
    """One treatment: its question, doses, what counts, what limits it, what it is not for."""
    actions = [[a["label"], a["amount"], a["unit"], a["duration"], a["interval"], a["wait"]] for a in d["actions"]]
    counted = [[f"`{t['name']}`", t["weight"], t["meaning"]] for t in d["terms"]]
    harms = [[f"`{c['name']}`", c["at_most"], c["meaning"]] for c in d["costs"]]
    limits = [[x["id"], x.get("sentence", ""), x.get("status", ""), x.get("source", "")] for x in d["limits"]]
    parts = [
        f"# {d['id']}\n\n{d['title']}\n\n{d['question']}\n\nModel `{d['model']}`; fingerprint `{d['fingerprint']}`.\n",
        "## Doses\n",
        *([f"{told}\n"] if (told := continuous_dose(d)) else []),
        table(["label", "amount", "unit", "over h", "every h", "next visit, d"], actions),
        "## Terms\n",
        table(["term", "weight", "meaning"], counted),
    ]
    if harms:
        parts += ["## Costs\n", table(["cost", "at most per course", "meaning"], harms)]
    if limits:
        parts += ["## Limits\n", table(["limit", "says", "status", "source"], limits)]
    parts.append(f"Baselines: {', '.join(f'`{b}`' for b in d['baselines']) or 'none'}.\n")
    parts += results(d["id"])
    return "\n".join([*parts, f"**Not for:** {d['not_for']}.\n"])


def asked_of(member_id: str, member: Any) -> dict[str, Any]:
    """A treatment or a published control problem, in full."""
    describe = problem_description if isinstance(member, Problem) else treatment_description
    return describe(member_id, member)


def asked_page(d: dict[str, Any]) -> str:
    """The page of either."""
    return problem_page(d) if "known" in d else treatment_page(d)


def problem_page(d: dict[str, Any]) -> str:
    """One problem: what is asked, what others reached, what it is not for."""
    parts = [
        f"# {d['id']}\n\n{d['title']}\n\n{d['question']}\n\nCredibility class: {d['class']}.\n",
        f"```text\n{d['page']}\n```\n",
        "## Returns that are known\n",
        table(["policy", "return"], d["known"].items()),
        *numbers_of_problem(d),
        "## Actions\n",
        table(["label", "amount", "unit"], [[a["label"], a["amount"], a["unit"]] for a in d["actions"]]),
        *baselines_of_problem(d["id"]),
        f"**Not for:** {d['not_for']}. Source: {d['source']}.\n",
    ]
    return "\n".join(parts)


def baselines_of_problem(problem: str) -> list[str]:
    """What a clinic could do, and what that reaches where it has been measured."""
    policies = catalogue(Family.treatments)[problem].policies
    if not policies:
        return []
    found = (learned.read(Path(__file__).parent / "results", problem) or {}).get("baselines")
    shown = tables.beside(found) if found else f"{', '.join(f'`{name}`' for name in policies)}. Not measured yet."
    return ["## Baselines\n", f"{shown}\n", f"`posology evidence {problem}` measures them.\n"]


def numbers_of_problem(d: dict[str, Any]) -> list[str]:
    """The numbers of a problem's equations, where it has some."""
    keys = ("value", "unit", "status", "meaning", "source")
    rows = [[f"`{n['symbol']}`", *(n[k] for k in keys)] for n in d["parameters"]]
    return ["## Numbers\n", table(["symbol", *keys], rows)] if rows else []


def results(treatment: str) -> list[str]:
    """What is stored of a treatment's trials."""
    found, shifted = tables.stored(Path(__file__).parent / "results", treatment)
    if found is None:
        return []
    parts = [tables.told(found), tables.by_arm(found), tables.by_cycle(found), tables.elsewhere(shifted)]
    left = tables.missing(found)
    made = f"`posology evidence {treatment}` makes `docs/results/{treatment}.json`, which this is made from."
    made += f" Not tried yet: {', '.join(left)}." if left else ""
    return ["## Results\n", *(f"{part}\n" for part in [*parts, made] if part)]


def write(folder: Path) -> None:
    """Write `models/` and `environments/`, an index and a page for each member, rules, symptoms, references, what learners
    reached."""
    learned.write(folder)
    clinical.write(folder, table)
    (folder / "rules.md").write_text(ruled.page(table), encoding="utf-8")
    (folder / "symptoms.md").write_text(symptomatic.write(folder / "symptoms", table), encoding="utf-8")
    (folder / "reference-results.md").write_text(referenced.page(folder / "results", table), encoding="utf-8")
    models = {i: model_description(m) for i, m in catalogue(Family.models).items()}
    treatments = {i: asked_of(i, t) for i, t in catalogue(Family.treatments).items()}
    rows = [[f"[{i}](generated/{i}.md)", d["title"], d["class"], d["status"]] for i, d in models.items()]
    _family(folder / "models", MODELS_INTRO + "\n" + table(["id", "title", "class", "numbers"], rows), models, model_page)
    (MODEL_PAGES / "speed.part").write_text(modelled.speeds(), encoding="utf-8")
    rows = [[f"[{i}](generated/{i}.md)", d["question"]] for i, d in treatments.items()]
    _family(folder / "environments", TREATMENTS_INTRO + "\n" + table(["id", "question"], rows), treatments, asked_page)


def _family(folder: Path, index: str, members: dict[str, dict[str, Any]], page: Any) -> None:
    pages = folder / "generated"
    pages.mkdir(parents=True, exist_ok=True)
    for old in [*pages.glob("*.md"), *pages.glob("*.svg")]:
        old.unlink()
    for member_id, description in members.items():
        (pages / f"{member_id}.md").write_text(page(description), encoding="utf-8")
    contents = "\n".join(f"generated/{member_id}" for member_id in members)
    toc = f"\n```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    (folder / "index.md").write_text(index + toc, encoding="utf-8")
