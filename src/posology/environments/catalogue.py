"""The treatments and the published control problems. To add one: a file in `treatments/` or `problems/` and a line here."""

from __future__ import annotations

from typing import Any

from posology.environments.problem import Problem
from posology.environments.problems import four_state_chemo, hiv_sti, icu_sepsis, linear_bandit
from posology.environments.spec import Spec
from posology.environments.treatment import Treatment
from posology.environments.treatments import (
    docetaxel_cycles,
    nab_paclitaxel_cycles,
    paclitaxel_any_dose,
    paclitaxel_cycles,
    paclitaxel_label,
    phenobarbital_maintenance,
    vancomycin_adults,
    vancomycin_children,
)

TREATMENTS: dict[str, Treatment] = {
    "paclitaxel-cycles-v1": paclitaxel_cycles.TREATMENT,
    "paclitaxel-any-dose-v1": paclitaxel_any_dose.TREATMENT,
    "paclitaxel-label-v1": paclitaxel_label.TREATMENT,
    "paclitaxel-label-200-v1": paclitaxel_label.UP_TO_200,
    "nab-paclitaxel-cycles-v1": nab_paclitaxel_cycles.TREATMENT,
    "docetaxel-cycles-v1": docetaxel_cycles.TREATMENT,
    "phenobarbital-maintenance-v1": phenobarbital_maintenance.TREATMENT,
    "vancomycin-adults-v1": vancomycin_adults.TREATMENT,
    "vancomycin-children-v1": vancomycin_children.TREATMENT,
}

PROBLEMS: dict[str, Problem] = {
    "icu-sepsis-v1": icu_sepsis.PROBLEM,
    "hiv-sti-v1": hiv_sti.PROBLEM,
    "four-state-chemo-v1": four_state_chemo.PROBLEM,
    "four-state-chemo-levels-v1": four_state_chemo.BY_LEVEL,
    "linear-bandit-v1": linear_bandit.PROBLEM,
}


def treatment(id: str) -> Treatment:
    """The treatment of that id.

    Raises:
        KeyError: naming the known ids.
    """
    if id in PROBLEMS:
        raise KeyError(f"{id} is a published control problem: learners are compared on it, nobody is dosed")
    if id not in TREATMENTS:
        raise KeyError(f"unknown treatment '{id}'; known: {', '.join(TREATMENTS)}")
    return TREATMENTS[id]


def spec(id: str) -> Spec:
    """The spec of a treatment or a problem, without making its environment."""
    return PROBLEMS[id].spec if id in PROBLEMS else treatment(id).spec


def environment(id: str) -> Any:
    """The environment of a treatment or a problem.

    Raises:
        KeyError: for an unknown id; ValueError where a problem's tables are not found.
    """
    if id in PROBLEMS:
        return PROBLEMS[id].environment()
    from posology.environments.protocol import TreatmentEnvironment

    return TreatmentEnvironment(treatment(id))
