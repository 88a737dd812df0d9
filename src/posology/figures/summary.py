"""What a trial found, in plain sentences computed from its table; an interval that holds zero is said to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posology.evaluation.table import judged_by

_WORDS = {
    "grade1to3_share": "kept neutrophils in grade 1-3",
    "grade4_share": "let neutrophils fall to grade 4",
    "grade0_share": "left neutrophils in grade 0, a sign of too little drug,",
    "time_in_range_share": "kept levels in range",
    "time_below_share": "left levels below the range",
    "time_above_share": "let levels rise above the range",
}


def is_oracle(arm: str) -> bool:
    """Whether an arm is no way of dosing that a clinic could use: it knows what nobody can know."""
    return arm.startswith("oracle")


def headline(table: Mapping[str, Any]) -> str:
    """The endpoint that a trial is judged by first: what the treatment aims at."""
    return judged_by(next(iter(table["arms"].values()))["endpoints"])[0]


def best_arm(table: Mapping[str, Any]) -> str | None:
    """The arm with the highest headline endpoint among those a clinic could use, the first arm aside."""
    name = headline(table)
    means = {arm: table["arms"][arm]["endpoints"][name]["mean"] for arm in table["paired"] if not is_oracle(arm)}
    found = {arm: mean for arm, mean in means.items() if mean is not None}
    return max(found, key=lambda arm: found[arm]) if found else None


def summary(table: Mapping[str, Any]) -> list[str]:
    """A few sentences: the best arm against the first, both kinds of harm, other references, the oracle."""
    name, best, first = headline(table), best_arm(table), next(iter(table["arms"]))
    if best is None:
        return [f"Only one way of dosing was tried ({first}), so nothing is compared."]
    paired = table["paired"][best]["endpoints"]
    sentences = [_level(table, name, best, first) + " " + _change(paired[name], name)]
    sentences += [
        _level(table, other, best, first) + " " + _change(paired[other], other)
        for other in judged_by(paired)[1:]
    ]
    for reference, arms in table["paired_with"].items():
        if best in arms:
            sentences.append(
                f"Against {reference} on the same patients: {_change(arms[best]['endpoints'][name], name)}"
            )
    open_ones = [
        arm for arm, row in table["paired"].items() if not is_oracle(arm) and _holds_zero(row["endpoints"][name])
    ]
    if open_ones:
        sentences.append(f"By this measure the trial cannot tell {', '.join(open_ones)} from {first}.")
    sentences += _regret(table, best)
    tried = [arm for arm in table["paired"] if not is_oracle(arm)]
    if len(tried) > 1:
        sentences.append(
            f"{best} was named because it came out highest of {len(tried)} arms, which flatters it a little."
        )
    return sentences


def _level(table: Mapping[str, Any], name: str, best: str, first: str) -> str:
    one, other = (table["arms"][arm]["endpoints"][name]["mean"] for arm in (best, first))
    if one is None or other is None:
        return f"{best} or {first} gave no dose to judge."
    if name == "return":
        return f"{best} reached a return of {one:.3g}, {first} of {other:.3g}."
    word, of = ("for", "the time") if name.startswith("time") else ("in", "cycles")
    return f"{best} {_WORDS[name]} {word} {100 * one:.1f} % of {of}, {first} {word} {100 * other:.1f} %."


def _change(found: Mapping[str, Any], name: str) -> str:
    if found["lower"] is None:
        return "Their difference cannot be computed."
    scale, unit, digits = (1, "", 3) if name == "return" else (100, " percentage points", 1)
    size, lower, upper = (scale * found[part] for part in ("difference", "lower", "upper"))
    if _holds_zero(found):
        bounds = f"95 % interval {lower:.{digits}f} to {upper:.{digits}f}, which includes zero"
        return f"The difference of {size:+.{digits}f}{unit} may be chance ({bounds})."
    if size < 0:
        lower, upper = -upper, -lower
    words = "more" if size > 0 else "less"
    return f"That is {abs(size):.{digits}f}{unit} {words} (95 % interval {lower:.{digits}f} to {upper:.{digits}f})."


def _holds_zero(found: Mapping[str, Any]) -> bool:
    return found["lower"] is None or found["lower"] <= 0 <= found["upper"]


def _regret(table: Mapping[str, Any], best: str) -> list[str]:
    regret = table["regret"]
    if not regret or best not in regret["arms"]:
        return []
    return [
        f"The {regret['versus']} knows every patient's true parameters, which nobody can; measured by it, {best} had "
        f"this much left to gain: {_size(regret['arms'][best], regret['endpoint'])}."
    ]


def _size(found: Mapping[str, Any], name: str) -> str:
    if found["lower"] is None:
        return "not computable"
    scale, unit, digits = (1, "", 3) if name == "return" else (100, " percentage points", 1)
    size, lower, upper = (f"{scale * found[part]:.{digits}f}" for part in ("difference", "lower", "upper"))
    return f"{size}{unit} (95 % interval {lower} to {upper})"
