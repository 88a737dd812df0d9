"""The HTML report of one individualised patient or of a cohort: tables, figures, what was assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from posology.figures.npde import npde
from posology.figures.page import HEAD
from posology.figures.parts import figure, grid, items
from posology.figures.posterior_bands import posterior_bands
from posology.figures.vpc import vpc

PAGE = Template(HEAD + """<h1>$title</h1>
<p class="question">$question</p>
<p class="use"><strong>$disclaimer</strong></p>
<h2>What came out</h2>
<div class="answer">$summary</div>
<h2>Parameters</h2>
$parameters
<h2>In pictures</h2>
$figures
$details
<h2>What was assumed</h2>
<ul>$assumed</ul>
<h2>The model's numbers</h2>
<ul>$numbers</ul>
</main>
</body>
</html>
""")
DAY = 24.0
NAMES = {"anc": "Neutrophils"}
DAYS_FROM = 7 * DAY  # courses at least as long are drawn in days


def of_patient(found: Mapping[str, Any], title: str) -> str:
    """The report of one patient from what `bedside.individualise` gives."""
    rows = [["Parameter", "Meaning", "Unit", "Typical", "Estimate", "90 % interval", "SD left"]]
    rows += [
        [p["symbol"], p["meaning"], p["unit"], number(p["typical"]), number(p["estimate"]),
         f"{number(p['lower'])} to {number(p['upper'])}", f"{100 * p['sd_left']:.0f} %"]
        for p in found["parameters"]
    ]  # fmt: skip
    seen = [["Time (h)", "Reading", "Measured", "Predicted", "90 % band", "Inside"]]
    seen += [
        [number(m["time"]), f"{m['reading']} ({m['unit']})", ("< " if m["below"] else "") + number(m["value"]),
         number(m["predicted"]), f"{number(m['lower'])} to {number(m['upper'])}", "yes" if m["inside"] else "no"]
        for m in found["measurements"]
    ]  # fmt: skip
    charts = [_curve(found, name, curve) for name, curve in found["curves"].items()]
    details = f"<h2>Measured and predicted</h2><p class='note'>Each prediction {escape(found['prediction'])}.</p>{grid(seen)}"
    question = f"Patient {found['patient']}: parameters from the record up to hour {found['time']:g}, by {found['method']}."
    return _page(found, title, question, patient_summary(found), grid(rows), charts, details if found["measurements"] else "")


def of_cohort(found: Mapping[str, Any], title: str) -> str:
    """The report of a cohort from what `bedside.cohort` gives."""
    rows = [["Parameter", "Meaning", "Unit", "Typical", "Median", "5 to 95 %", "Shrinkage", "SD left"]]
    rows += [
        [p["symbol"], p["meaning"], p["unit"], number(p["typical"]), number(p["median"]),
         f"{number(p['p5'])} to {number(p['p95'])}", f"{100 * p['shrinkage']:.0f} %", f"{100 * p['sd_left']:.0f} %"]
        for p in found["parameters"]
    ]  # fmt: skip
    charts = [chart for name, check in found["checks"].items() for chart in _checks(found, name, check)]
    question = f"{found['patients']:,} patients: parameters of their own, and whether the model describes them."
    return _page(found, title, question, cohort_summary(found), grid(rows), charts, "")


def write(path: Path, text: str) -> None:
    """Write a report.

    Raises:
        OSError: when the place cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def patient_summary(found: Mapping[str, Any]) -> list[str]:
    """What a reader should take away, in sentences."""
    told, measured = found["convergence"], len(found["measurements"])
    below = sum(m["below"] for m in found["measurements"])
    said = [f"{measured} measurements were used" + (f", {below} of them below a limit of quantification." if below else ".")]
    if measured:
        said.append(f"{found['inside']} of {measured} lie inside their 90 % band; each prediction {found['prediction']}.")
    if found["known"]:
        said.append("Known without error: " + ", ".join(f"{k} {number(v)}" for k, v in found["known"].items()) + ".")
    state = "It converged" if told["converged"] else "IT DID NOT CONVERGE: the numbers cannot be trusted"
    details = ", ".join(f"{k.replace('_', ' ')} {v:.3g}" for k, v in told.items() if k != "converged")
    return [*said, f"{state} ({details})."]


def cohort_summary(found: Mapping[str, Any]) -> list[str]:
    """What a reader should take away, in sentences."""
    below = f", {found['below']} of them below a limit of quantification" if found["below"] else ""
    said = [f"{found['measurements']:,} measurements of {found['patients']:,} patients were used{below}."]
    said.append(f"The search converged for {found['converged']:,} of {found['patients']:,} patients.")
    for name, check in found["checks"].items():
        e, spread = check["npde"], check["npde"]["sd"]
        said.append(
            f"Prediction errors of {name}: mean {e['mean']:.2f} (0 expected), "
            + (f"SD {spread:.2f} (1 expected), " if spread is not None else "")
            + f"from {check['replicates']} replicates of the cohort."
        )
    return said


def _page(
    found: Mapping[str, Any], title: str, question: str, summary: Iterable[str], parameters: str, charts: list[Any], details: str
) -> str:
    numbers = [f"Weakest status: {found['status']}. Source: {found['source']}. Not for: {found['not_for']}."]
    by_status: dict[str, list[str]] = {}
    for name, status in found["not_verified"].items():
        by_status.setdefault(status, []).append(name)
    numbers += [f"{status}: {', '.join(names)}" for status, names in by_status.items()]
    return PAGE.substitute(
        title=escape(title),
        question=escape(question),
        disclaimer=escape(found["disclaimer"]),
        summary="".join(f"<p>{escape(s)}</p>" for s in summary),
        parameters=parameters,
        figures="".join(figure(chart) for chart in charts),
        details=details,
        assumed=items(found["assumed"] or ["nothing beyond the record"]),
        numbers=items(numbers),
    )


def _curve(found: Mapping[str, Any], name: str, curve: Mapping[str, Any]) -> Any:
    doses = found["doses"]
    last = max([*curve["time"], found["time"]])
    first = min([curve["time"][0], *(d["time"] for d in doses)])
    scale, unit = (DAY, "days") if last - first >= DAYS_FROM else (1.0, "hours")
    time = [t / scale for t in curve["time"]]
    measured = [{**m, "time": m["time"] / scale} for m in found["measurements"] if m["reading"] == name]
    given = [{"time": d["time"] / scale, "label": f"{number(d['mg'])} mg" + (" planned" if d["planned"] else "")} for d in doses]
    return posterior_bands(
        {"time": time, **curve["posterior"]}, measured, given, prior={"time": time, **curve["prior"]}, band=(10, 90),
        reading=NAMES.get(name, name.capitalize()), unit=curve["unit"].replace("10*", "10^"), time_unit=unit,
        now=found["time"] / scale if last > found["time"] else None, log=name == "anc",
    )  # fmt: skip


def _checks(found: Mapping[str, Any], name: str, check: Mapping[str, Any]) -> list[Any]:
    unit = found["units"][name].replace("10*", "10^")
    seen, errors = check["vpc"], check["npde"]
    scale, time_unit = (DAY, "days") if max(errors["time"]) >= DAYS_FROM else (1.0, "hours")
    points = [[t / scale, v] for t, v in seen["points"]]
    charts = [
        vpc(
            seen["time"] / scale, seen["observed"], seen["simulated"], points, unit=unit, time_unit=time_unit,
            reading=NAMES.get(name, name.capitalize()), log=name == "anc", corrected=True,
        )
    ]  # fmt: skip
    if len(errors["errors"]) >= 5:
        charts.append(npde(errors["time"] / scale, errors["predicted"], errors["errors"], time_unit=time_unit, unit=unit))
    return charts
