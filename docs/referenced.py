"""The page of reference results: what papers print or an exact method gives, beside what is stored of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from learned import read

Row = tuple[str, str, str, str, str]
Table = Callable[[Iterable[str], Iterable[Iterable[Any]]], str]

INTRO = """# Reference results

What papers print or an exact method gives, beside ours, and what differs and why. Ours is read from `docs/results` at each build,
or computed then; the last column says which command makes it. Printed values of single models stand on their pages, and
`posology benchmark checks` sets them side by side.
"""
HEAD = ("result", "reference", "ours", "what differs, and why", "made by")
PRINTED = {  # grade 1-3 / 4 / 0, % of cycles: the definition's rows, N = 20,000 (oracle 2,000)
    "clinical-rule": (60.5, 31.7, 7.8),
    "rule-plus-10": (60.7, 33.5, 5.8),
    "oracle": (96.4, 0.6, 3.0),
}
CELLS = ("grade1to3_share", "grade4_share", "grade0_share")


def page(results: Path, table: Table) -> str:
    """The whole page; results that are not stored are left out."""
    rows = [row for part in (taxanes, fractionation, men, androgens, gliomas, controls) for row in part(results)]
    return f"{INTRO}\n{table(HEAD, rows)}"


def taxanes(results: Path) -> Iterator[Row]:
    """Paclitaxel under rules and the oracle."""
    found = read(results, "paclitaxel-cycles-v1")
    why = "printed rows hold broken patients, who count as grade 0 (decision 5)"
    for arm, printed in PRINTED.items() if found else ():
        ends = found["arms"][arm]["endpoints"]
        ours = " / ".join(f"{100 * ends[name]['mean']:.1f}" for name in CELLS)
        text = f"paclitaxel, {arm}: cycles in grade 1-3 / 4 / 0 (%)"
        yield text, " / ".join(f"{v:g}" for v in printed), ours, why, "`posology evidence paclitaxel-cycles-v1`"


def best(found: Any) -> tuple[str, float]:
    """The learner that got furthest, and its return."""
    from posology.learners.catalogue import LEARNERS

    row = max((r for r in found["rows"] if LEARNERS[r["learner"]].family != "planning"), key=lambda r: r["return_mean"])
    return row["learner"], row["return_mean"]


def fractionation(results: Path) -> Iterator[Row]:
    """Adaptive fractionation beside the exact programme."""
    for form in ("wide", "narrow", "control"):
        name = f"adaptive-fractionation-{form}-v1"
        if found := read(results, name):
            learner, value = best(found)
            exact = found["known"]["exact programme"]
            ours = f"{-value:.2f} ({learner}), {abs(100 * (value / exact - 1)):.2f} % off"
            text = f"adaptive fractionation, {form}: mean BED of the organ at risk (Gy)"
            why = "learned from simulated courses; the bar is 1 %"
            yield text, f"{-exact:.2f} (exact programme)", ours, why, f"`posology evidence {name}`"


def men(results: Path) -> Iterator[Row]:
    """Days until progression of the printed man."""
    from posology.patients import prostate_cohort as cohort
    from posology.patients.models.prostate_strobl2021 import Params
    from posology.quantities import replace

    man = replace(Params(), n0=0.75, fr=0.01, cost=0.0, turnover=0.0)
    days = [int(cohort.follow(man, 700, rule).days) for rule in (cohort.continuous, cohort.at50)]
    text = "prostate, one man of Strobl 2021: days until progression, continuous / AT50"
    yield text, "369 / 473", f"{days[0]} / {days[1]}", "", "this page"


def androgens(results: Path) -> Iterator[Row]:
    """Learned treatment of the cohort beside AT50."""
    name = "prostate-adaptive-v1"
    if not (found := read(results, name)):
        return
    learner, value = best(found)
    by = {b["policy"]: b["return_mean"] for b in found["baselines"]}
    held = by.get("held at the start's size, weekly")
    rules = f"continuous {by['continuous']:.2f}, AT50 {by['AT50, weekly']:.2f}, held at the start's size {held:.2f}"
    why = "restricted means, because most men of this cohort never progress under any rule and medians do not exist"
    text = f"prostate, men fitted to a trial: mean years without progression of {found['known']['whole follow-up']:.1f}"
    told = "Gallagher 2024: learned more than twice the time of standard treatment"
    yield text, told, f"{rules}, {learner} {value:.2f}", why, _made(found)


def gliomas(results: Path) -> Iterator[Row]:
    """Drug at the expert's size."""
    found = read(results, "schedules")
    for row in found["rows"] if found else ():
        told = row["at_equal_size"]["learned"]
        if told:
            ours = "{:.0f} % ({:.0f} to {:.0f})".format(*(100 * told[k] for k in ("share", "lower", "upper")))
            text = f"glioma, `{row['treatment']}`: drug at the tumour size of the expert's schedule, day {row['days']:g}"
            why = "the question of Yauney and Shah 2018, whose totals were not read"
            yield text, "100 % (expert)", ours, why, "`posology evidence schedules`"


def controls(results: Path) -> Iterator[Row]:
    """Published control problems."""
    if found := read(results, "zhao-chemo-v1"):
        constant = max(b["return_mean"] for b in found["baselines"] if b["policy"].startswith("constant"))
        learner, value = best(found)
        text, why = "chemotherapy of Zhao 2009: return", "every constant dose is beaten; the paper's own returns were not read"
        yield text, f"{constant:.1f} (best constant dose)", f"{value:.1f} ({learner})", why, _made(found)
    known = (
        ("icu-sepsis-v1", "optimal", "sepsis process: expected survival", "planning gives it; a learner only meets patients"),
        ("hiv-sti-v1", "best open loop found", "HIV, interruption: return of 200 visits", "the reference is our own best course"),
        ("four-state-chemo-v1", "0.75 for 30 days", "chemotherapy in four states: return", "every constant rate stays below 70"),
    )
    for name, against, text, why in known:
        if found := read(results, name):
            learner, value = best(found)
            yield text, f"{found['known'][against]:.4g} ({against})", f"{value:.4g} ({learner})", why, _made(found)
    if found := read(results, "pembrolizumab-escalation-control-v1"):
        learner, value = best(found)
        given = max(b["return_mean"] for b in found["baselines"])
        text = "control: pembrolizumab above 2 mg/kg, return"
        yield text, f"{given:.4f} (2 mg/kg)", f"{value:.4f} ({learner})", "no benefit, as it must be", _made(found)


def _made(found: Any) -> str:
    return f"`posology evidence {found['problem']}`"
