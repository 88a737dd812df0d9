"""A recommendation in plain sentences: what is known, how this patient differs, why this dose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posology.bedside.believed import Departure
from posology.data.history import DAY
from posology.environments.records import Known
from posology.environments.treatment import Treatment
from posology.safety.use import DISCLAIMER as DISCLAIMER

TELLING = 0.2  # share of a parameter's prior variance that must be gone before it is spoken of


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def spelled(unit: str) -> str:
    """A unit as clinics write it."""
    return unit.replace("10*", "x10^")


def known_sentences(known: Known) -> list[str]:
    """What the record holds, in a sentence or two, then everything that was assumed."""
    given = [d for d in known.doses if d.recorded]
    names = dict.fromkeys(m.name for m in known.measured)
    said = ["No dose has been given yet."]
    if given:
        said = [f"{counted(len(given), 'dose')} given, the last of {given[-1].amount:.4g} mg {_ago(known, given[-1].time)}."]
    for name in names:
        mine = [m for m in known.measured if m.name == name]
        last = mine[-1]
        below = "below " if last.below else ""
        value = 2 * last.value if last.below else last.value
        shown = f"{below}{value:.3g} {spelled(last.unit)} {_ago(known, last.time)}"
        said.append(f"{counted(len(mine), 'value')} of {name}, the last {shown}.")
    return said + [spelled(note) + "." for note in known.notes]


def _ago(known: Known, time: float | None) -> str:
    if time is None:
        return "at an unknown time"
    days = (known.begin + known.now - time) / DAY
    return "now" if days < 0.02 else f"{24 * days:.0f} hours ago" if days < 2 else f"{days:.0f} days ago"


def difference_sentences(rows: Sequence[Departure]) -> list[str]:
    """How the patient differs from a typical one of the same covariates."""
    telling = [r for r in rows if r.narrowed >= TELLING]
    if not telling:
        return ["The record says little beyond the covariates: expectations are those of a typical patient like this one."]
    return [
        f"{r.meaning[0].upper()}{r.meaning[1:]} ({r.parameter}) is {r.ratio:.2f} times that of a typical patient of the same "
        f"covariates (90 % interval {r.lower:.2f} to {r.upper:.2f})."
        for r in telling[:3]
    ]


def why_sentences(treatment: Treatment, policy: str, chosen: dict[str, Any], bound_by: str | None) -> list[str]:
    """Why this dose: what it is expected to bring, and the limit that bound it."""
    reading = chosen["reading"]
    low, end = reading["lowest"], reading["at_next_visit"]
    said = [f"{policy} chooses {in_words(chosen)}."]
    said.append(
        f"Expected until the next visit in {chosen['wait_days']:g} days: lowest {reading['name']} {low['mean']:.2g} "
        f"{spelled(reading['unit'])} (90 % interval {low['lower']:.2g} to {low['upper']:.2g}), {end['mean']:.2g} at the visit."
    )
    said += [f"Probability of {name.replace('_', ' ')}: {100 * p:.0f} %." for name, p in chosen["harm"].items()]
    for limit in treatment.limits:
        if limit.id == bound_by:
            said.append(f"The limit {limit.id} bound the choice: {limit.sentence} ({limit.source}, {limit.status}).")
    return said


def in_words(option: dict[str, Any]) -> str:
    """An option's dose in words."""
    if not option["dose"]:
        return f"{option['label']} (no dose)" if "dose" not in option["label"] else option["label"]
    return f"{option['label']}, which is {option['mg']:g} mg per dose for this patient"


def disagreement(chosen: dict[str, Any], first: dict[str, Any]) -> str | None:
    """What the first rank would be instead of the chosen dose; None where they agree."""
    if chosen["label"] == first["label"]:
        return None
    return (
        f"By expected reward of the next interval {first['label']} ranks first ({first['reward']['mean']:.3g}); the policy's "
        f"{chosen['label']} has {chosen['reward']['mean']:.3g} (rank {chosen['rank']}). The policy may look further than one "
        "interval, or may not use all that this posterior knows."
    )
