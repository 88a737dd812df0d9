"""The page of the path from symptoms to doses, from `symptoms/`: the performance table, the diseases, the drugs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from posology.figures.confusion import confusion
from posology.figures.reliability import reliability
from posology.figures.style import svg
from posology.symptoms import learning
from posology.symptoms.dosing import by_age
from posology.symptoms.drugs import CONDITIONS, drugs
from posology.symptoms.emergency import DANGER, EMERGENCIES, NOW
from posology.symptoms.generator import MISSING, NOISE
from posology.symptoms.options import OFFERED, PROBABLE
from posology.symptoms.performance import compare
from posology.symptoms.table import SYNTHETIC, table

Table = Callable[[Iterable[str], Iterable[Iterable[Any]]], str]

FURTHER, SIGNS = ", ".join(CONDITIONS), ", ".join(DANGER)
INTRO = f"""# From symptoms to a dose

**{SYNTHETIC} Research only: not for diagnosing or treating anybody.**

`posology symptoms` walks from symptoms and history to probabilities of diseases, to the drugs recorded for them with
their contraindications, to a dose by age and weight. Its patients are drawn from the tables below, which are ours; so
classifiers can be compared with the exact answer, which with real patients nobody knows.

    posology symptoms predict --symptom fever --symptom cough --age 34 --sex female --history diabetes --allergy penicillin
    posology symptoms drug amoxicillin
    posology symptoms compare --json
    posology symptoms learning

## What `predict` does

- **Probabilities** are Bayes' rule over the table (`--by bayes`), or one of the four classifiers. A symptom that is not
  named counts as not asked for; `--without` names one that is absent, `--others-absent` says that all others are. A
  classifier that learned from fuller records says so, and nothing is recommended by it.
- **Nothing is recommended** when a sign of an emergency is there ("{NOW}"), when no disease reaches a probability of
  {PROBABLE:g}, or when every drug is barred: no option then carries a dose, and with a sign of an emergency none is listed.
  `ask_next` names the open symptoms that would tell most.
- **Options** are the drugs of every disease from a probability of {OFFERED:g} on. A contraindicated one stays in the list
  with its reason. `contraindicated`: a condition, an allergy or an interaction to avoid; `caution`: a reason to watch;
  `no dose`: none is recorded at this age.
- **Doses** are the row of the age group, not above its ceilings per dose and per day, rounded down to what can be
  measured out. A dose by weight without a weight is missing, and said to be. How severe a condition is, in which week a
  pregnancy, is not asked: the reason says what it depends on.
- **Units** are read as everywhere here: an unknown one (`mlgm`), or two within one drug (mg and mcg), is refused.
- **Further conditions** that drugs ask for: {FURTHER}. Signs of danger that may be given like symptoms: {SIGNS}.

## In a browser

`posology serve --demo` and *Symptoms* in the menu: tick what is there and what is not, and the history; above the form then stand
signs of an emergency, the probabilities by Bayes' rule and by each classifier, and the drugs with their doses and reasons. From a
patient's record the form is filled by `/symptoms?patient=KEY` (needs the permission to see patients), which also says what of the
record nothing here looks at. *Performance* shows the tables and pictures below, *Drugs* a page for each drug, those of the dosing
rules too. Programs: `POST /api/symptoms/predict`, `GET /api/symptoms/performance`, `GET /api/drugs` and `/api/drugs/ID`.

The four classifiers are fitted once per process, in the background, when somebody first asks: half a minute of one core, and 170
MB that stay (`POSOLOGY_SYMPTOM_ROWS`: on how many patients). Until then Bayes' rule answers, which needs no fitting. The
comparison is kept in the folder `symptoms` of the clinic's data, and made again when a table, the number of patients or a
version of the libraries changes. Nothing that is typed into the form is kept.

## How classifiers do on synthetic patients

A share of {NOISE:g} of symptoms is written down wrongly and a share of {MISSING:g} is unknown; both were fixed before
anything was fitted. Features are one-hot, the target is label-encoded, settings are chosen on validation alone; the held-out
rows choose nothing. Naive Bayes is nearly the truth here, because symptoms *are* independent given the disease in these
patients; in real ones they are not.
"""
LEARNING = """## How many patients a decision tree needs

Patients to learn from are drawn for each size, a larger one holding the smaller; settings are chosen on other patients, and
all sizes are judged on the same further ones. Naive Bayes, which assumes what is true here, needs few. From the smallest size
on, the better half of the settings is tried again; a dropped one might do a little better with more patients.
`posology symptoms learning --rows N` shows one size; `posology evidence symptoms-learning` makes
`docs/results/symptoms-learning.json`, which this is made from. In brackets 95 % intervals; seconds of one core.
"""
DISEASES = """## Diseases

Prevalence is the share of visits of an adult man without history; effects multiply it. Marked `v`: read in the text named
last (*verified*). All other numbers are *assumed*: round ones of ours with that text in mind, where they were not read.
"""
DRUGS = """## Drugs

Doses by age group (ICH E11: newborn below 28 days, infant to 23 months, child to 11 years, adolescent to 17; older from
65). *unverified* is attributed to the source and still has to be read there. `posology symptoms drug NAME` shows one in
full.
"""
SURE = "Synthetic patients. On the line: right as often as said; below it: too sure."
CONFUSED = "Per cent of each true disease; the diagonal is right. Synthetic patients."
EMERGENCY = """## Signs of an emergency

Beside the signs of danger above, a newborn who is ill, and fever below three months. All unverified.
"""


def percent(found: Mapping[str, Any]) -> str:
    """A share with its interval."""
    return f"{100 * found['value']:.1f} ({100 * found['lower']:.1f} to {100 * found['upper']:.1f})"


def performance(found: Mapping[str, Any], table_of: Table) -> list[str]:
    """The performance table, what the generator allows, and accuracy by subgroup."""
    everyone = {"bayes": found["bayes"], **found["classifiers"]}
    rows = [
        [
            row["title"],
            percent(row["accuracy"]),
            percent(row["behind_bayes"]) if "behind_bayes" in row else "",
            {True: "yes", False: "no"}.get(row.get("within_two_points"), ""),
            f"{row['brier']:.3f}",
            f"{row['calibration_error']:.3f}",
            found["claim"]["verdicts"][name],
        ]
        for name, row in everyone.items()
    ]
    claimed = f"{100 * found['claim']['accuracy']:g} %"
    heads = ["", "accuracy, %", "behind Bayes, points", "within 2", "Brier", "calibration error", claimed]
    expected = found["bayes"]["expected"]
    by_noise = [[k, f"{100 * v['value']:.1f} ± {100 * v['standard_error']:.1f}"] for k, v in found["bayes_by_noise"].items()]
    names = list(found["bayes"]["subgroups"])
    by_group = [
        [row["title"], *(percent(share) if (share := row["subgroups"][name])["rows"] else "" for name in names)]
        for row in everyone.values()
    ]
    return [
        table_of(heads, rows),
        f"{found['rows']['test']:,} held-out patients; in brackets 95 % intervals (exact for shares, paired for differences). "
        f"The last column: is the accuracy of {claimed} that a document of the project's beginning claims reached, at this "
        f"noise? No rule can have more than {100 * expected['value']:.2f} % (Monte-Carlo error "
        f"{100 * expected['standard_error']:.2f}) on these patients. What the best rule would reach with other shares of "
        "flipped symptoms (standard error after ±):\n",
        table_of(["flipped", "best accuracy, %"], by_noise),
        "Accuracy by subgroup, in per cent; newborns and infants cannot tell what only who speaks can:\n",
        table_of(["", *names], by_group),
    ]


def learned(found: Mapping[str, Any] | None, table_of: Table) -> list[str]:
    """The learning curve that is stored, or that there is none of these patients."""
    if found is None:
        return [LEARNING, "Not measured yet with these patients.\n"]
    said = ".\n- ".join(learning.sentences(found))
    return [LEARNING, f"- {said}.\n", table_of(learning.HEADS, learning.cells(found))]


def diseases(table_of: Table) -> str:
    """Each disease with its likelihoods and effects."""
    rows = []
    for d in table().diseases:
        likely = ", ".join(f"{s} {p:g}{' v' if d.status(s) == 'verified' else ''}" for s, p in d.symptoms.items())
        effects = ", ".join(f"{k} ×{v:g}" for k, v in (*d.ages.items(), ("female", d.female), *d.history.items()) if v != 1)
        rows.append([d.title, d.prevalence, likely, effects, ", ".join(d.drugs), d.source])
    return table_of(["disease", "prevalence", "symptoms", "effects", "drugs", "text"], rows)


def doses(table_of: Table) -> str:
    """Each drug and age group with its dose; groups without a dose are left out."""
    rows = []
    for drug in drugs().values():
        for row in by_age(drug):
            if row["dose"]:
                group = f"{row['group']} {row['ages'] or ''}".strip()
                rows.append([drug.title, group, row["dose"], row["status"], row["source"]])
    return table_of(["drug", "for", "dose", "status", "source"], rows)


def barred(table_of: Table) -> str:
    """Who must not take each drug, and what to watch."""
    rows = []
    for drug in drugs().values():
        allergy = [f"allergy to {a}" for a in drug.allergens]
        never = "; ".join([*allergy, *(f"{c}: {why}" for c, why in drug.contraindicated.items())])
        watch = "; ".join(f"{c}: {why}" for c, why in (*drug.related.items(), *drug.caution.items()))
        others = "; ".join(f"{other} ({i.kind}: {i.why})" for other, i in drug.interactions.items())
        rows.append([drug.title, never, watch, others, drug.status])
    return table_of(["drug", "contraindicated", "caution", "interactions", "status"], rows)


def emergencies(table_of: Table) -> str:
    """What is seen together, and what it may be."""
    rows = [[", ".join((*e.symptoms, *e.history)), e.may_be, e.source] for e in EMERGENCIES]
    return table_of(["signs", "may be", "source"], rows)


def pictures(found: Mapping[str, Any], folder: Path) -> str:
    """The reliability and confusion charts, written beside the page."""
    folder.mkdir(parents=True, exist_ok=True)
    everyone = {"bayes": found["bayes"], **found["classifiers"]}
    tree = found["classifiers"]["decision-tree"]
    names = [d["title"] for d in found["diseases"]]
    charts = {
        "reliability": reliability({row["title"]: row["reliability"] for row in everyone.values()}, SURE),
        "confusion": confusion(tree["confusion"], names, "What the decision tree takes for what", CONFUSED),
    }
    for name, chart in charts.items():
        (folder / f"{name}.svg").write_text(svg(chart), encoding="utf-8")
    return "\n".join(f"![{chart.to_dict()['description']}]({folder.name}/{name}.svg)\n" for name, chart in charts.items())


def page(found: Mapping[str, Any], table_of: Table, drawn: str = "") -> str:
    """The page, from a comparison and with the caller's way to write a table."""
    parts = [INTRO, *performance(found, table_of), drawn, *learned(learning.stored(), table_of)]
    parts += [DISEASES, diseases(table_of), DRUGS, doses(table_of), barred(table_of)]
    return "\n".join([*parts, EMERGENCY, emergencies(table_of)])


def write(folder: Path, table_of: Table) -> str:
    """The page, with classifiers fitted now and its pictures written to `folder`."""
    found = compare()
    return page(found, table_of, pictures(found, folder))
