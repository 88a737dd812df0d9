"""`posology list`: what there is, by family."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import typer

from posology.commands.errors import known
from posology.commands.output import print_json, print_table
from posology.quantities import numbers_of


class Family(StrEnum):
    """What can be listed."""

    models = "models"
    treatments = "treatments"
    learners = "learners"
    estimators = "estimators"


CATALOGUES: dict[Family, tuple[str, str]] = {
    Family.models: ("posology.patients.catalogue", "MODELS"),
    Family.treatments: ("posology.environments.catalogue", "TREATMENTS"),
    Family.learners: ("posology.learners.catalogue", "LEARNERS"),
    Family.estimators: ("posology.evaluation.catalogue", "ESTIMATORS"),
}


def catalogue(family: Family) -> Mapping[str, Any]:
    """The members of a family by id; models include those that other installed packages announce, treatments
    the published control problems."""
    module, name = CATALOGUES[family]
    held = importlib.import_module(module)
    members: Mapping[str, Any] = getattr(held, name)
    added = held.added() if hasattr(held, "added") else ()
    return {**members, **getattr(held, "MAPS", {}), **getattr(held, "PROBLEMS", {}), **{i: held.model(i) for i in added}}


def title_of(member_id: str, member: Any) -> str:
    """A member's title; an entry that only names its code falls back to its id."""
    title = "" if isinstance(member, str) else getattr(member, "title", "")  # every text has a method `title`
    return title or member_id


def model_summary(model: Any) -> dict[str, Any]:
    """One model as other programs read it; `class` is its credibility, A to D or "not ranked"."""
    return {
        "id": model.id,
        "title": model.title,
        "class": model.credibility,
        "status": model.status,
        "states": list(numbers_of(model.State)),
        "parameters": [
            {"symbol": symbol, "value": n.value, "unit": n.unit, "status": n.status, "source": n.source}
            for symbol, n in numbers_of(model.Params).items()
        ],
        "readings": list(model.reading_units),
    }


def member_summary(member_id: str, member: Any) -> dict[str, Any]:
    """A treatment, learner or estimator: id, title, and what its entry says of itself."""
    summary: dict[str, Any] = {"id": member_id, "title": title_of(member_id, member)}
    for field in ("question", "not_for", "family", "discrete", "continuous"):
        said = getattr(member, field, None)
        if said not in (None, ""):
            summary[field] = said
    return summary


def summaries(family: Family) -> list[dict[str, Any]]:
    """Every member of a family, in the order of its catalogue."""
    members = catalogue(family)
    if family is Family.models:
        return [model_summary(m) for m in members.values()]
    return [member_summary(i, m) for i, m in members.items()]


def pairs(treatment_id: str) -> list[dict[str, Any]]:
    """Every learner, and why it cannot learn that treatment; decided from its spec, nothing is compiled."""
    from posology.environments.catalogue import spec
    from posology.learners.catalogue import admissible

    reasons = admissible(spec(known(treatment_id, catalogue(Family.treatments), "treatment")))
    return [{**row, "learns": reasons[row["id"]] is None, "why_not": reasons[row["id"]]} for row in summaries(Family.learners)]


def list_members(
    family: Family = typer.Argument(help="What to list."),
    treatment: str = typer.Option(None, "--for", help="With learners: which of them can learn this treatment, or why not."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List models, treatments, learners or estimators."""
    if treatment is not None and family is not Family.learners:
        raise typer.BadParameter(f"--for goes with learners, not with {family.value}")
    rows = pairs(treatment) if treatment else summaries(family)
    if treatment and not as_json:
        cells = [[r["id"], r["title"], "yes" if r["learns"] else f"no: {r['why_not']}"] for r in rows]
        return print_table("", ["id", "title", f"learns {treatment}"], cells)
    if as_json:
        print_json(rows)
    elif not rows:
        print(f"no {family.value} yet")
    elif family is Family.models:
        columns = ["id", "title", "class", "numbers", "states", "readings"]
        cells = [
            [r["id"], r["title"], r["class"], r["status"], len(r["states"]), ", ".join(r["readings"])] for r in rows
        ]
        print_table("", columns, cells)
    else:
        print_table("", ["id", "title"], [[r["id"], r["title"]] for r in rows])
