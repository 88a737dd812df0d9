"""The HTML report of an explanation: why this dose, what would change it, how far the explanation goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from posology.figures.individual import number
from posology.figures.page import HEAD
from posology.figures.parts import grid, items

PAGE = Template(HEAD.replace("</style>", """.bar { width: 124px; }
.bar i { display: block; height: 10px; }
.up { background: #0072b2; } .down { background: #d55e00; }
pre { background: #fff; border: 1px solid var(--line); padding: 12px 16px; overflow-x: auto; }
.scroll.wrapping td { white-space: normal; text-align: left; }
</style>""") + """<h1>$title</h1>
<p class="question">$question</p>
<p class="use"><strong>$disclaimer</strong>$research</p>
<h2>In a sentence</h2>
<div class="answer"><p>$sentence</p></div>
<p class="note">It says what moves the policy, not that the policy is right.</p>
<h2>The options</h2>
$options
<h2>What moved the dose</h2>
$attribution
<h2>What would change it</h2>
$counterfactual
<h2>The next measurement</h2>
$next_lab
<h2>As a decision tree</h2>
$tree
<h2>The virtual patients most like this one</h2>
$neighbours
<h2>Every limit that was looked at</h2>
$trace
<h2>What was used</h2>
$used
<h2>Not for</h2>
<p>$not_for</p>
<p class="note">$program</p>
</main>
</body>
</html>
""")
HALF = 60  # px: the longest bar, to one side


def report(found: Mapping[str, Any], title: str = "Why this dose") -> str:
    """The page, from what `bedside.explain` gives."""
    chosen, research = found["chosen"], found["research_only"]
    dose = f"no dose is recommended: {found['abstained'] or 'none is open'}"
    if chosen:
        dose = f"{chosen['label']} ({chosen['mg']:g} mg)"
    when = found["time"] if isinstance(found["time"], str) else f"hour {found['time']:g} of the record"
    who = f"Patient {found['patient']}, {found['treatment']}, by {found['policy']}, at {when}: {dose}."
    program = f"Model {found['model']}; fingerprint of the treatment {found['fingerprint']}."
    return PAGE.substitute(
        title=escape(title), question=escape(who), disclaimer=escape(found["disclaimer"]), sentence=escape(found["sentence"]),
        research=escape(f" For research only: {research}." if research else ""), options=_options(found["options"], chosen),
        attribution=_attribution(found["attribution"]), counterfactual=_counterfactual(found["counterfactual"]),
        next_lab=_next_lab(found["next_lab"]), tree=_tree(found["tree"]), neighbours=_neighbours(found["neighbours"]),
        trace=_trace(found["trace"]), used=_used(found["used"]), not_for=escape(found["not_for"]), program=escape(program),
    )  # fmt: skip


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _outcome(value: Mapping[str, float], unit: str = "") -> str:
    return f"{number(value['mean'])}{unit} ({number(value['lower'])} to {number(value['upper'])})"


def _harms(harm: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_share(p)}" for name, p in harm.items())


def _wrapping(rows: Sequence[Sequence[str]]) -> str:
    return grid(rows).replace('class="scroll"', 'class="scroll wrapping"', 1)


def _options(options: Iterable[Mapping[str, Any]], chosen: Mapping[str, Any] | None) -> str:
    rows = [["Option", "Rank", "mg", "Harm", "Reward", "Allowed"]]
    for o in options:
        here = " (chosen)" if chosen and o["label"] == chosen["label"] else " (standard)" if o["is_standard"] else ""
        closed = ", ".join(x["name"] for x in o["limits"]) or "no"
        rows.append(
            [o["label"] + here, str(o["rank"]), number(o["mg"]), _harms(o["harm"]), _outcome(o["reward"]),
             "yes" if o["allowed"] else closed]
        )  # fmt: skip
    return grid(rows)


def _attribution(a: Mapping[str, Any]) -> str:
    most = max([abs(i["value"]) for i in a["inputs"]], default=0.0) or 1.0
    unit = escape(a["unit"])
    said = (
        f"From {number(a['typical'])} {a['unit']} in a typical patient to {number(a['actual'])} {a['unit']} here: "
        f"Shapley values, {a['method']}, {a['subsets']} records asked."
    )
    rows = []
    for i in a["inputs"]:
        width, up = round(HALF * abs(i["value"]) / most), i["value"] >= 0
        bar = f'<i class="{"up" if up else "down"}" style="width: {width}px; margin-left: {HALF if up else HALF - width}px"></i>'
        error = f" ± {number(i['error'])}" if i["error"] else ""
        cells = f"<td>{i['value']:+.3g}{error}</td><td>{escape(i['said'])}</td><td>{escape(i['typically'])}</td>"
        rows.append(f'<tr><th scope="row">{escape(i["name"])}</th><td class="bar" aria-hidden="true">{bar}</td>{cells}</tr>')
    heads = ("Input", "As a bar", unit, "This patient", "A typical patient")
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    frame = '<div class="scroll wrapping" tabindex="0" role="region" aria-label="What moved the dose">'
    table = f"{frame}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    return f'<p class="note">{escape(said)}</p>{table}'


def _counterfactual(c: Mapping[str, Any]) -> str:
    parts = []
    for side in ("lower", "higher"):
        told = [x["sentence"] for x in c[side]] or [f"No single fact within its range would have led to a {side} dose."]
        parts.append(f"<h3>To a {side} dose</h3><ul>{items(told)}</ul>")
    return "".join(parts)


def _next_lab(n: Mapping[str, Any]) -> str:
    best = n["best"]
    if not best:
        return "<p>No measurement would narrow the prediction reliably.</p>"
    said = f"{best['reading']} on day {best['day']} would narrow the prediction of {n['of']} most: "
    return f"<p>{escape(said + 'its SD (of ln) by about ' + _share(best['narrows']))}.</p>"


def _tree(t: Mapping[str, Any]) -> str:
    f = t["fidelity"]
    agrees = "It gives the policy's dose here"
    if not t["agrees"]:
        agrees = "It does not give the policy's dose here and does not explain the choice"
    said = (
        f"{agrees}; at {_share(f['mean'])} ({_share(f['lower'])} to {_share(f['upper'])}) of {t['judged']['visits']} held-out "
        f"visits they agree. Always giving the commonest dose would agree at {_share(t['commonest_dose'])}."
    )
    rules = f'<pre tabindex="0" aria-label="Rules of the tree">{escape(chr(10).join(t["rules"]))}</pre>'
    return f"<p>{escape(said)}</p>{rules}<p>Here: {escape(' and '.join(t['path']))}: {escape(str(t['says']))}.</p>"


def _neighbours(n: Mapping[str, Any]) -> str:
    d = n["distance"]
    said = (
        f"{n['number']} of {n['of_cohort']} with the same covariates and doses; distance {number(d['nearest'])} to "
        f"{number(d['farthest'])}, where {number(d['usual'])} is usual."
    )
    rows = [["Option", "Harm", f"Lowest {n['reading']}"]]
    rows += [[o["label"], _harms(o["harm"]), _outcome(o["lowest"])] for o in n["options"]]
    return f'<p class="note">{escape(said)}</p>{grid(rows)}'


def _trace(trace: Iterable[Mapping[str, Any]]) -> str:
    rows = [["Limit", "It says", "It read", "Here", "Source"]]
    for r in trace:
        looked = [(k, f"{v:.4g}" if isinstance(v, int | float) else str(v or "not known")) for k, v in r["looked_at"].items()]
        read = ", ".join(f"{name} {value}" for name, value in looked)
        here = r["effect"] + (", bound the dose" if r["bound"] else "")
        rows.append([r["limit"], r["sentence"], read, here, f"{r['source']}, {r['status']}"])
    return _wrapping(rows)


def _used(used: Iterable[Mapping[str, Any]]) -> str:
    rows = [["Fact", "Value", "Unit", "Age (h)", "Source"]]
    for u in used:
        value = u["value"] if isinstance(u["value"], str) else f"{u['value']:.4g}"
        age = "" if u["age_hours"] is None else f"{u['age_hours']:.4g}"
        rows.append([u["name"], ("< " if u.get("below") else "") + value, u["unit"], age, u["source"]])
    return grid(rows)
