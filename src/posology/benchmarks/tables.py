"""Stored trials as text for the README and the pages, so that no number in them is typed by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from posology.evaluation.endpoints import label
from posology.evaluation.table import rows
from posology.figures.summary import headline, is_oracle

Table = Mapping[str, Any]

COLUMNS = (
    "grade1to3_share", "grade4_share", "grade0_share", "grade1to3_share_cycles_2_6",
    "time_in_range_share", "time_below_share", "time_above_share", "mean_dose", "return",
)  # fmt: skip
GUIDELINES = ("standard", "fixed:", "clinical-rule", "rule-plus-10", "proportional-rule")  # neither learn nor know
RULES = ("clinical-rule", "rule-plus-10")
BY_GRADES = "grade1to3_share"
ALREADY = ("term_days_in_range", "term_days_below", "term_days_above", "term_relative_dose_intensity", "term_daily_dose")


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, header first."""
    head, *body = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([head, "| --- " + "| ---: " * (len(cells[0]) - 1) + "|", *body])


def told(table: Table) -> str:
    """Who was treated, and what the reader has to know of the arms."""
    from posology.environments.catalogue import TREATMENTS

    seeds = max(table["training_seeds"].values())
    learned = f"; learned arms {seeds} times from different random starts" if seeds > 1 else ""
    learned += f", with {table['updates']} updates" if table.get("updates") else ""
    found = [
        f"Problem `{table['treatment']}`: {table['patients']:,} virtual patients that no policy learned from, the same "
        f"in every arm{learned}. In brackets 95 % intervals."
    ]
    if why := TREATMENTS[table["treatment"]].research_only:
        found.append(f"For comparing methods, not for patients: {why}.")
    known = [arm for arm in RULES if arm in table["arms"]]
    if known:
        found.append(f"{' and '.join(known)} see{'s' * (len(known) == 1)} the true nadir, which a clinic does not.")
    return " ".join(found)


def missing(table: Table) -> list[str]:
    """Arms of the treatment's plan that are not in its table yet."""
    from posology.benchmarks.evidence import trainings
    from posology.environments.catalogue import TREATMENTS

    treatment = TREATMENTS[table["treatment"]]
    return [arm for arm in (*treatment.baselines, *trainings(treatment, table["shift"])) if arm not in table["arms"]]


def main_arms(table: Table) -> Table:
    """The table without the arms that are tried on the comparison problem alone, for a page that shows few."""
    from posology.benchmarks.evidence import TRAININGS

    few = [arm for arm in table["arms"] if arm not in TRAININGS or not TRAININGS[arm].only]
    by_arm = ("arms", "training_seeds", "paired", "paired_with", "per_cycle")
    return {**table, **{k: {arm: v for arm, v in table[k].items() if arm in few} for k in by_arm}}


def by_arm(table: Table) -> str:
    """Arms and endpoints, and how far each stays behind who knows the patient."""
    cells = rows(table, (*COLUMNS, *_counted(table)))
    if found := table["regret"]:
        unit, say = _scale(found["endpoint"])
        cells[0].append(f"Behind {found['versus']}{unit}")
        for row in cells[1:]:
            left = found["arms"].get(row[0])
            row.append(say({**left, "mean": left["difference"]}) if left else "–")
    return markdown(cells)


def _counted(table: Table) -> list[str]:
    """Terms and costs that the columns of grades and of time in range do not say."""
    known = next(iter(table["arms"].values()))["endpoints"]
    if headline(table) == BY_GRADES:
        return []
    terms = [n for n in known if n.startswith("term_") and n not in ALREADY]
    return terms + [n for n in known if n.startswith("cost_") and n.replace("cost_", "term_") not in (*terms, *ALREADY)]


def _scale(name: str) -> tuple[str, Any]:
    """The unit behind a heading, and how a value of that endpoint is written."""
    return ("", _plain) if name == "return" else (" (%)", _share)


def by_cycle(table: Table) -> str:
    """Arms and cycles: what the trial is judged by first; nothing where it is not counted by cycle."""
    first = next(iter(table["per_cycle"].values()))
    if not first or (name := headline(table)) not in first[0]["endpoints"]:
        return ""
    head = [f"{label(name)}, by cycle (%)", *(str(c["cycle"]) for c in first)]
    body = [[arm, *(_share(c["endpoints"][name]) for c in cycles)] for arm, cycles in table["per_cycle"].items()]
    return markdown([head, *body])


def elsewhere(tables: Sequence[Table]) -> str:
    """The same arms on patients of other models than they were made for, and where a guideline is the best."""
    if not tables:
        return ""
    name = headline(tables[0])
    arms = [arm for arm in tables[0]["arms"] if all(arm in t["arms"] for t in tables)]
    body = [[arm, *(_share(t["arms"][arm]["endpoints"][name]) for t in tables)] for arm in arms]
    head = [f"{label(name)} (%)", *(str(t["shift"]) for t in tables)]
    lost = [f"`{t['shift']}` ({best})" for t in tables if is_guideline(best := best_of(t))]
    said = f"\n\nA guideline does better than everything that plans or learned under {', '.join(lost)}." if lost else ""
    counts = " or ".join(f"{n:,}" for n in sorted({t["patients"] for t in tables}))
    told = f"The same arms on {counts} patients of other models than they were made for (`posology trial --shift`):"
    return f"{told}\n\n{markdown([head, *body])}{said}"


def overview(tables: Iterable[Table]) -> str:
    """A line per treatment: the best guideline, the best arm that plans or learned, what it leaves to gain."""
    body = []
    for t in tables:
        name = headline(t)
        wise = best_of(t, lambda arm: not is_guideline(arm))
        left = (t["regret"] or {"arms": {}})["arms"].get(wise)
        unit, say = _scale(name)
        behind = say({**left, "mean": left["difference"]}) if left else "–"
        best = [f"{arm}: {say(t['arms'][arm]['endpoints'][name])}" for arm in (best_of(t, is_guideline), wise)]
        body.append([f"`{t['treatment']}`", f"{label(name)}{unit}", *best, behind])
    return markdown([["Treatment", "Aim", "Best guideline", "Best planner or policy", "Behind the oracle"], *body])


def learned(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence learners`: what each learner reached and when it had closed most of the gap."""
    head = ["Problem", "Learner", "Return", "Decisions", "Seconds", "The first, compiling", "Bar"]
    body = []
    for row in found:
        reached = f"{row['return_mean']:.3f} ({row['lower']:.3f} to {row['upper']:.3f})"
        seconds = [_seconds(row[k]) for k in ("seconds", "seconds_cold", "bar_seconds")]
        body.append([f"`{row['problem']}`", row["learner"], reached, f"{row['samples'] or '–'}", *seconds])
    return markdown([head, *body])


def beside_peers(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence peers`: a peer's seconds to the level that ours reached, on one core."""
    head = ["Problem", "Learner", "Environments", "Best return", "Level", "Seconds", "Ours", "Times ours", "Translation (%)"]
    body = []
    for row in found:
        times = f"{row['ratio']:.1f}" if row["ratio"] else f"more than {row['ratio_at_least']:.1f}"
        seconds = _seconds(row["seconds"]) if row["ratio"] else f"stopped after {_seconds(row['seconds_spent'])}"
        ends = [seconds, _seconds(row["ours_seconds"]), times, f"{100 * row['adapter_share']:.1f}"]
        returns = [f"{row[k]:.3f}" for k in ("return_mean", "level")]
        body.append([f"`{row['problem']}`", row["learner"], str(row["envs"]), *returns, *ends])
    return markdown([head, *body])


def on_problems(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence <problem>`: interquartile means over seeds, and the effort."""
    head = ["Problem", "Learner", "Return", "Best known", "Seeds", "Decisions", "Seconds", "Compiling (s)"]
    body = []
    for row in found:
        numbers = [f"{row['reference']:.5g}", str(row["seeds"]), f"{row['samples']:,}", _seconds(row["seconds"])]
        body.append([f"`{row['problem']}`", row["learner"], _interval(row), *numbers, _seconds(row["compile_seconds"])])
    return markdown([head, *body])


def reached(found: Iterable[Mapping[str, Any]]) -> str:
    """A line per published problem: what is known, and the learner that got furthest; who plans with the patient is none."""
    from posology.learners.catalogue import LEARNERS

    body = []
    for problem in found:
        learned = [r for r in problem["rows"] if LEARNERS[r["learner"]].family != "planning"]
        if learned:
            best = max(learned, key=lambda r: r["return_mean"])
            known = f"{best['reference']:.4g} ({problem['against']})"
            body.append([f"`{problem['problem']}`", known, best["learner"], _interval(best), str(best["seeds"])])
    return markdown([["Problem", "Known", "Learner", "Return", "Seeds"], *body]) if body else ""


def beside(found: Sequence[Mapping[str, Any]]) -> str:
    """Rows of a problem's baselines: returns over patients, and the mean of every term and cost."""
    terms, costs = (list(found[0][k]) for k in ("terms", "costs"))
    head = ["Policy", "Return", "Patients", *(n.replace("_", " ") for n in (*terms, *(f"cost: {n}" for n in costs)))]
    body = []
    for row in found:
        parts = [f"{v:.4g}" for v in (*row["terms"].values(), *row["costs"].values())]
        body.append([row["policy"], _interval(row), f"{row['patients']:,}", *parts])
    return markdown([head, *body])


def foreseen(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence forecasts`: errors beside those of simple rules, coverage, and relapse."""
    said = lambda v, scale=1.0: f"{scale * v['value']:.3g} ({scale * v['lower']:.3g} to {scale * v['upper']:.3g})"  # noqa: E731
    parts = []
    for row in found:
        body = [[name, said(e["mean"]), said(e["median"])] for name, e in row["errors"].items()]
        held = "; ".join(f"of the {k} % intervals {said(v, 100)} % hold the truth" for k, v in row["coverage"].items())
        told = [f"**`{row['model']}`**, {row['forecasts']} forecasts of {row['patients']} patients, in {row['unit']}; {held}."]
        if auc := row["relapse_auc"]:
            told.append(f"Relapse of {auc['with']} of {auc['of']} men: area under the curve {said(auc)}.")
        parts += [*told, markdown([["absolute error", "mean", "median"], *body])]
    return "\n\n".join(parts)


def with_budget(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence peers-budget`: a peer's best number of environments, and ours."""
    head = ["Problem", "Learner", "Environments", "Theirs", "Seconds", "Ours", "Seconds to where theirs ended", "Times faster"]
    body = []
    for row in found:
        ours, spent, times = row.get("ours"), row.get("ours_seconds"), row.get("ratio")
        told = [_interval(ours) if ours else "not measured", _seconds(spent), f"{times:.1f}" if times else "–"]
        body.append([f"`{row['problem']}`", row["learner"], str(row["envs"]), _interval(row), _seconds(row["seconds"]), *told])
    return markdown([head, *body])


def adapted(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence adaptation`: returns on the new patients, and decisions until most of the gap was closed."""
    head = ["Transfer", "Learner", "Seeds", "Standard dose", "As it is", "Best in the end", "Decisions, warm", "From scratch"]
    body = []
    for row in found:
        counts = [f"{n:,.0f}" if n is not None else "not by all" for n in (row["decisions"][k] for k in ("warm", "scratch"))]
        returns = [f"{row['standard']:.3f}", _interval(row["zero_shot"]), f"{row['reference']:.3f}"]
        body.append([row["title"], row["learner"], str(row["seeds"]), *returns, *counts])
    return markdown([head, *body])


def regret(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence regret`: what was lost, and how fast that grows."""
    head = ["Learner", "Patients", "Regret", "Exponent of its growth", "Slower than √T"]
    body = []
    for row in found:
        ends = [_interval({**row[k], "return_mean": row[k]["mean"]}) for k in ("regret", "exponent")]
        body.append([row["learner"], f"{row['decisions']:,}", *ends, "yes" if row["slower_than_root"] else "not shown"])
    return markdown([head, *body])


def derivatives(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence gradient`: the end, and the effort until the level that all learners reached."""
    head = ["Problem", "Learner", "Return", "Decisions", "Seconds", "Compiling (s)", "Level", "Decisions to it", "Seconds to it"]
    body = []
    for row in found:
        ends = [f"{row['samples']:,.0f}", _seconds(row["seconds"]), _seconds(row["compile_seconds"])]
        level = [f"{row['level']:.4g}", f"{row['level_samples']:,.0f}", _seconds(row["level_seconds"])]
        body.append([f"`{row['problem']}`", row["learner"], _interval(row), *ends, *level])
    return markdown([head, *body])


def options(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence ablation`: DQN with each of its options, and without."""
    head = ["Problem", "Options", "Seeds", "Decisions", "Return", "More than without"]
    body = []
    for row in found:
        ends = _interval({**row["return"], "return_mean": row["return"]["mean"]})
        less = row["less_plain"]
        more = _interval({**less, "return_mean": less["difference"]}) if less else "–"
        body.append([f"`{row['problem']}`", row["variant"], str(row["seeds"]), f"{row['decisions']:,}", ends, more])
    return markdown([head, *body])


def speeds(found: Iterable[Mapping[str, Any]]) -> str:
    """Rows of `posology evidence speed`: how fast, how exact, and how that grows."""
    head = ["Model", "Millions of patient-days per core-second", "per second", "Error: p99", "max", "Times a plain loop"]
    head += ["Share of the peak (%)", "Growth", "Seconds for 1", "for the most", "Compiling (s)"]
    body = []
    for row in found:
        rates = [f"{v / 1e6:.3g}" if (v := row[k]) else "–" for k in ("patient_days_per_core_s", "patient_days_per_s")]
        errors = [f"{row[k]:.1e}" for k in ("p99_relative_error", "max_relative_error")]
        ends = [f"{row['growth'][i]['seconds']:.2g}" for i in (0, -1)]
        power = f"{row['growth_exponent']:.2f}" if row["growth_exponent"] else "–"
        more = [f"{loop_ratio(row):,.0f}", f"{100 * row['peak_fraction']:.1f}", power]
        body.append([f"`{row['model']}`", *rates, *errors, *more, *ends, f"{row['compile_seconds']:.1f}"])
    return markdown([head, *body])


def loop_ratio(row: Mapping[str, Any]) -> float:
    """Times the plain Python loop that a model is compared with: SciPy's, or that of its own steps."""
    return next(row["ratio_to"][name] for name in ("scipy", "python") if name in row["ratio_to"])


def speed_of(row: Mapping[str, Any]) -> str:
    """The same of one model as a sentence."""
    days, loop = row["patient_days_per_core_s"], "SciPy, patient by patient," if "scipy" in row["ratio_to"] else "plain Python"
    rate = f"{days / 1e6:.3g} million patient-days" if days else f"{row['patient_steps_per_core_s'] / 1e6:.3g} million steps"
    power = f"; time grows with patients to the power {row['growth_exponent']:.2f}" if row["growth_exponent"] else ""
    return (
        f"{rate} per second of one core, {loop_ratio(row):,.0f} times {loop} at no larger an error "
        f"(p99 {row['p99_relative_error']:.1e}){power}; compiled in {row['compile_seconds']:.1f} s."
    )


def front(found: Mapping[str, Any]) -> str:
    """Points of `posology evidence front`: what each costs, and whether another is better in both."""
    head = ["Policy", "Kind", "Dose intensity (%)", "Cycles in grade 4 (%)", "Nothing better in both"]
    ends = lambda p: [_share(p[k]) for k in ("dose_intensity", "grade4_share")]  # noqa: E731
    body = [[p["name"], p["kind"], *ends(p), "yes" if p["unbeaten"] else ""] for p in found["points"]]
    added, under = found["hypervolume"]["added by learned"], found["hypervolume"]["reference"]
    told = _interval({**added, "return_mean": added["difference"]})
    return (
        f"{markdown([head, *body])}\n\nHypervolume above {100 * under['dose_intensity']:.0f} % of the full dose and below "
        f"{100 * under['grade4_share']:.0f} % of cycles in grade 4: learned policies add {told} to that of fixed doses."
    )


def schedules(row: Mapping[str, Any]) -> str:
    """One treatment of `posology evidence schedules`: the drug that leaves the tumour as large as the expert's schedule does."""
    expert = next(p for p in row["points"] if p["kind"] == "expert")
    unit, most = row["unit"], expert["drug"]["mean"]
    body = [["expert", f"{most:.3g}", ""]]
    for kind, found in row["at_equal_size"].items():
        if found is None:
            body.append([kind, "does not reach that size", ""])
            continue
        ends = "" if found["lower"] is None else f" ({100 * found['lower']:.0f} to {100 * found['upper']:.0f})"
        body.append([kind, f"{found['drug']:.3g}", f"{100 * found['share']:.0f}{ends}"])
    change = 100 * (math.exp(-expert["fall"]["mean"]) - 1)
    said = f"`{row['treatment']}`: under the expert's schedule the diameter has changed by {change:+.0f} % on day {row['days']:g}"
    return f"{said} (geometric mean).\n\n{markdown([['Schedule', f'Whole {unit}', 'Of the expert (%)'], *body])}"


def _interval(row: Mapping[str, Any]) -> str:
    return "{return_mean:.4g} ({lower:.4g} to {upper:.4g})".format(**row)


def _seconds(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.1f}"


def best_of(table: Table, among: Any = lambda arm: True) -> str:
    """The arm with the highest aim `among` those that a clinic could use."""
    name = headline(table)
    arms = [arm for arm in table["arms"] if not is_oracle(arm) and among(arm)]
    return max(arms, key=lambda arm: table["arms"][arm]["endpoints"][name]["mean"])


def is_guideline(arm: str) -> bool:
    """Whether an arm neither plans nor learned."""
    return arm.startswith(GUIDELINES)


def stored(folder: Path, treatment: str) -> tuple[Table | None, list[Table]]:
    """A treatment's trial in the folder of results, and the same under every shift that is there."""
    read = lambda path: json.loads(path.read_text(encoding="utf-8"))  # noqa: E731
    own = folder / f"{treatment}.json"
    return (read(own) if own.is_file() else None), [read(p) for p in sorted(folder.glob(f"{treatment}--*.json"))]


def _plain(found: Mapping[str, float]) -> str:
    return "{mean:.3f} ({lower:.3f} to {upper:.3f})".format(**found)


def _share(found: Mapping[str, float]) -> str:
    return "{:.1f} ({:.1f} to {:.1f})".format(*(100 * found[part] for part in ("mean", "lower", "upper")))
