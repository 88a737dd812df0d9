"""`posology describe ID`: all that is known of a model, a treatment, a learner or an estimator."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from dataclasses import fields, is_dataclass
from typing import Any

import typer

from posology.commands.errors import known
from posology.commands.listing import Family, catalogue, member_summary, model_summary, title_of
from posology.commands.output import print_json, print_table, short
from posology.environments.problem import Problem
from posology.quantities import numbers_of


def find(member_id: str) -> tuple[Family, Any]:
    """The family and the member of that id; an unknown id is a usage error that lists all ids."""
    every = {i: (family, member) for family in Family for i, member in catalogue(family).items()}
    return every[known(member_id, every, "id")]


def equations(model: Any) -> str:
    """The docstring of the model's own file: its equations, sources and limits."""
    return inspect.getdoc(sys.modules[model.Params.__module__]) or ""


def cv(variance: float) -> float:
    """Coefficient of variation of a quantity whose logarithm has this variance."""
    return math.sqrt(math.expm1(variance))


def parameter(symbol: str, n: Any) -> dict[str, Any]:
    """One number of a model with everything needed to judge it; spreads are variances of ln."""
    return {
        "symbol": symbol,
        "value": n.value,
        "unit": n.unit,
        "meaning": n.meaning,
        "variance": n.variance,
        "occasion_variance": n.occasion_variance,
        "acts_on": n.acts_on or symbol,
        "status": n.status,
        "source": n.source,
    }


def spread_percent(p: dict[str, Any]) -> list[str]:
    """Coefficients of variation of a number in per cent: between patients, between occasions."""
    return [f"{100 * cv(p[k]):.3g}" if p[k] else "" for k in ("variance", "occasion_variance")]


def described_numbers(table: Any) -> list[dict[str, Any]]:
    """Names, units and meanings of a table whose values follow from others."""
    return [{"name": name, "unit": n.unit, "meaning": n.meaning} for name, n in numbers_of(table).items()]


def reading(model: Any, name: str) -> dict[str, Any]:
    """A reading with its unit and the error of its measurement, where one is known."""
    residual = model.residuals.get(name)
    error = {} if residual is None else {k: v for k, v in vars(residual).items() if v or k == "status"}
    return {"name": name, "unit": model.reading_units[name], "residual": error or None}


def model_description(model: Any) -> dict[str, Any]:
    """A model in full. `parameters` are typical values, `individual` the patient's final ones."""
    return {
        **model_summary(model),
        "kind": model.kind,
        "equations": equations(model),
        "parameters": [parameter(s, n) for s, n in numbers_of(model.Params).items()],
        "individual": described_numbers(model.own),
        "states": described_numbers(model.State),
        "covariates": [vars(c) for c in model.covariates],
        "time_unit": model.time_unit,
        "source": model.source,
        "not_for": model.not_for,
        "hazards": ends_of(model),
        **(in_steps(model) if model.kind == "map" else by_equations(model)),
    }


def ends_of(model: Any) -> dict[str, Any] | None:
    """What can end the course, where the model says: causes, unit of their rates, and when the state is last looked at."""
    if model.hazards is None:
        return None
    landmark = model.hazards.landmark
    last = landmark if math.isfinite(landmark) else None
    return {"causes": list(model.hazards.causes), "unit": f"1/{model.time_unit}", "state_until": last}


def in_steps(model: Any) -> dict[str, Any]:
    """What a model in steps says beside."""
    readings = [{"name": name, "unit": unit, "residual": None} for name, unit in model.reading_units.items()]
    return {"readings": readings, "inputs": dict(model.inputs), "step": model.step}


def by_equations(model: Any) -> dict[str, Any]:
    """What a model of differential equations says beside."""
    return {
        "bounds": [parameter(s, n) for s, n in model.bounds.items()],
        "correlations": {" ~ ".join(pair): value for pair, value in model.correlations.items()},
        "readings": [reading(model, name) for name in model.reading_units],
        "entries": {name: vars(entry) for name, entry in model.entries.items()},
        "regimen": {**vars(model.regimen), "unit": model.recorded_unit},
        "solver": model.solver,
    }


def limit(entry: Any) -> dict[str, str]:
    """What a limit says, where it comes from, and what it does when a fact is missing."""
    keys = ("id", "sentence", "unit", "when_missing", "status", "source")
    told = {k: str(getattr(entry, k)) for k in keys if getattr(entry, k, "")}
    return told or {"id": str(entry)}


def treatment_description(member_id: str, t: Any) -> dict[str, Any]:
    """A treatment in full: what is asked, what may be done, what counts, what bounds it."""
    return {
        "id": member_id,
        "title": title_of(member_id, t),
        "fingerprint": t.fingerprint,
        "question": inspect.cleandoc(t.question),
        "model": t.model.id,
        "doses_at_most": t.doses,
        "days": t.days,
        "any_dose": list(t.any_dose) if t.any_dose else None,
        "actions": [vars(a) for a in t.actions],
        "standard": t.standard.label,
        "observation": [vars(f) for f in t.spec.observation],
        "terms": [{"name": x.name, "weight": x.weight, "meaning": x.meaning} for x in t.terms],
        "costs": [{"name": x.name, "at_most": x.at_most, "meaning": x.meaning} for x in t.costs],
        "limits": [limit(x) for x in t.limits],
        "baselines": list(t.baselines),
        "research_only": t.research_only,
        "not_for": t.not_for,
        "source": t.source,
    }


def continuous_dose(d: dict[str, Any]) -> str:
    """A sentence on the range of a treatment's dose where it is continuous, else nothing."""
    if not d["any_dose"]:
        return ""
    low, high = d["any_dose"]
    return f"Any dose from {low:g} to {high:g} {d['actions'][0]['unit']}; planners, and exploring, choose from the rows below."


def problem_description(member_id: str, p: Any) -> dict[str, Any]:
    """A published control problem: what is asked, what may be done, what counts, what others reached."""
    spec = p.spec
    return {
        "id": member_id,
        "title": p.title,
        "question": p.question,
        "class": p.credibility,
        "states": spec.states,
        "decisions_at_most": spec.max_steps,
        "days": spec.horizon_days,
        "actions": [vars(a) for a in spec.actions],
        "observation": [vars(f) for f in spec.observation],
        "terms": [{"name": n, "weight": w} for n, w in zip(spec.terms, spec.weights, strict=True)],
        "costs": [{"name": n, "at_most": m} for n, m in zip(spec.costs, spec.at_most, strict=True)],
        "known": dict(p.known),
        "policies": list(p.policies),
        "parameters": [parameter(s, n) for s, n in numbers_of(p.params).items()] if p.params else [],
        "not_for": p.not_for,
        "source": p.source,
        "page": inspect.getdoc(sys.modules[p.make.__module__]) or "",
    }


def code_description(member_id: str, entry: Any) -> dict[str, Any]:
    """A learner or an estimator: its title, where its code is, its settings, its file's docstring."""
    target = entry if isinstance(entry, str) else entry.target
    module, name = target.split(":")
    code = getattr(importlib.import_module(module), name)
    settings = {f.name: getattr(code, f.name, None) for f in fields(code)} if is_dataclass(code) else {}
    return {
        **member_summary(member_id, entry),
        "code": target,
        "settings": settings,
        "page": inspect.getdoc(sys.modules[module]) or "",
    }


def show_model(d: dict[str, Any]) -> None:
    print(f"{d['id']}: {d['title']}\n\n{d['equations']}\n")
    columns = ["symbol", "value", "unit", "CV %", "CV % occasion", "status", "meaning", "source"]
    cells = [
        [p["symbol"], p["value"], p["unit"], *spread_percent(p), p["status"], p["meaning"], p["source"]]
        for p in d["parameters"]
    ]
    print_table("typical values (a case sets them as `parameters`)", columns, cells)
    if d.get("bounds"):
        columns = ["symbol", "value", "unit", "status", "meaning", "source"]
        print_table("bounds (not set by a case)", columns, [[b[k] for k in columns] for b in d["bounds"]])
    of_three = ["name", "unit", "meaning"]
    own = [[x[c] for c in of_three] for x in d["individual"]]
    print_table("one patient's final values (a case sets them as `individual`)", of_three, own)
    print_table("states", of_three, [[x[c] for c in of_three] for x in d["states"]])
    errors = [[r["name"], r["unit"], _pairs(r["residual"])] for r in d["readings"]]
    print_table("readings", ["name", "unit", "error of a measurement"], errors)
    columns = ["name", "unit", "low", "high", "default", "sets", "meaning", "source"]
    print_table("covariates (low to high: the population)", columns, [[c[k] for k in columns] for c in d["covariates"]])
    print(f"{dosing(d)} · source: {d['source']}")
    if d["hazards"]:
        print(survival_of(d))
    print(f"credibility class: {d['class']} · weakest number: {d['status']}")
    print(f"not for: {d['not_for'] or 'nothing said'}")


def dosing(d: dict[str, Any]) -> str:
    """What can be given, and how time runs."""
    if d["kind"] == "map":
        given = ", ".join(f"{name} ({unit})" for name, unit in d["inputs"].items())
        return f"inputs: {given} · steps of {d['step']:g} {d['time_unit']}"
    return f"doses go into: {', '.join(d['entries'])} · usual doses: {usual(d)} · time unit: {d['time_unit']}"


def survival_of(d: dict[str, Any]) -> str:
    """What can end the course, in words."""
    until = d["hazards"]["state_until"]
    seen = f", by the state until {until:g} {d['time_unit']}" if until is not None else ""
    return f"hazards of: {', '.join(d['hazards']['causes'])} (per {d['time_unit']}{seen}); `posology simulate` gives survival"


def usual(d: dict[str, Any]) -> str:
    """The model's regimen in words."""
    r = d["regimen"]
    lasting = f" over {r['duration']:g} {d['time_unit']}" if r["duration"] else ""
    repeated = f", {r['times']} times, every {r['every']:g} {d['time_unit']}" if r["times"] > 1 else ""
    scaled = f" times {r['per']}" if r["per"] else ""
    return f"{r['amount']:g} {r['unit']}{scaled}{lasting}{repeated} ({r['source']})"


def show_treatment(d: dict[str, Any]) -> None:
    print(f"{d['id']}: {d['title']} (fingerprint {d['fingerprint']})\n\n{d['question']}\n")
    print(f"model: {d['model']} · at most {d['doses_at_most']} doses in {d['days']:g} days · standard: {d['standard']}")
    if told := continuous_dose(d):
        print(told)
    columns = ["label", "amount", "unit", "duration", "interval", "wait", "delay"]
    print_table("actions (hours; wait in days)", columns, [[a[c] for c in columns] for a in d["actions"]])
    terms = [[x["name"], x["weight"], x["meaning"]] for x in d["terms"]]
    print_table("terms of the reward", ["name", "weight", "meaning"], terms)
    costs = [[x["name"], x["at_most"], x["meaning"]] for x in d["costs"]]
    print_table("costs, never in the reward", ["name", "at most", "meaning"], costs)
    print("limits:" if d["limits"] else "limits: none; a recommendation needs a treatment with limits")
    for x in d["limits"]:
        print(f"  - {x['id']}: {x.get('sentence', '')} ({x.get('source', 'no source')}, {x.get('status', 'no status')})")
    print(f"baselines: {', '.join(d['baselines']) or 'none'}")
    for key, name in (("research_only", "research only"), ("not_for", "not for"), ("source", "source")):
        if d[key]:
            print(f"{name}: {d[key]}")


def show_problem(d: dict[str, Any]) -> None:
    print(f"{d['id']}: {d['title']}\n\n{d['question']}\n\n{d['page']}\n")
    print_table("returns that are known", ["policy", "return"], d["known"].items())
    if d["parameters"]:
        columns = ["symbol", "value", "unit", "status", "meaning", "source"]
        print_table("numbers", columns, [[n[k] for k in columns] for n in d["parameters"]])
    print(f"credibility class: {d['class']} · {len(d['actions'])} actions · at most {d['decisions_at_most']} decisions")
    print(f"not for: {d['not_for']}\nsource: {d['source']}")


def show_code(d: dict[str, Any]) -> None:
    print(f"{d['id']}: {d['title']} ({d['code']})\n\n{d['page']}\n")
    if d["settings"]:
        print_table("settings", ["name", "default"], d["settings"].items())


def _pairs(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{k} {short(v)}" for k, v in (values or {}).items() if v)


def describe(
    member: str = typer.Argument(metavar="ID", help="A model, treatment, learner or estimator; see `posology list`."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show equations, numbers with their sources, doses, limits: all that is known of one member."""
    family, found = find(member)
    if family is Family.models:
        description, show = model_description(found), show_model
    elif family is Family.treatments and isinstance(found, Problem):
        description, show = problem_description(member, found), show_problem
    elif family is Family.treatments:
        description, show = treatment_description(member, found), show_treatment
    else:
        description, show = code_description(member, found), show_code
    print_json(description) if as_json else show(description)
