"""The treatments and the published control problems. To add one: a file in `treatments/` or `problems/` and a line here."""

from __future__ import annotations

from typing import Any

from posology.environments.problem import Problem
from posology.environments.problems import (
    abiraterone_adaptive,
    adaptive_fractionation,
    antiangiogenic_chemo,
    capecitabine_hand_foot,
    four_state_chemo,
    four_state_types,
    hiv_sti,
    icu_sepsis,
    linear_bandit,
    melanoma_pembrolizumab,
    nsclc_radiochemo,
    pembrolizumab_escalation,
    prostate_adaptive,
    zhao_chemo,
)
from posology.environments.spec import Spec
from posology.environments.treatment import Treatment
from posology.environments.treatments import (
    busulfan_children,
    carboplatin_auc,
    docetaxel_cycles,
    fluorouracil_levels,
    glioma_pcv,
    glioma_temozolomide,
    lung_chemotherapy,
    mercaptopurine_maintenance,
    methotrexate_rescue,
    nab_paclitaxel_cycles,
    paclitaxel_any_dose,
    paclitaxel_cycles,
    paclitaxel_label,
    phenobarbital_maintenance,
    sunitinib_cycles,
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
    "glioma-temozolomide-v1": glioma_temozolomide.TREATMENT,
    "glioma-pcv-v1": glioma_pcv.TREATMENT,
    "sunitinib-cycles-v1": sunitinib_cycles.TREATMENT,
    "busulfan-children-v1": busulfan_children.TREATMENT,
    "mercaptopurine-maintenance-v1": mercaptopurine_maintenance.TREATMENT,
    "carboplatin-auc-v1": carboplatin_auc.TREATMENT,
    "fluorouracil-levels-v1": fluorouracil_levels.TREATMENT,
    "methotrexate-rescue-v1": methotrexate_rescue.TREATMENT,
    "lung-chemotherapy-v1": lung_chemotherapy.TREATMENT,
}

PROBLEMS: dict[str, Problem] = {
    "icu-sepsis-v1": icu_sepsis.PROBLEM,
    "hiv-sti-v1": hiv_sti.PROBLEM,
    "four-state-chemo-v1": four_state_chemo.PROBLEM,
    "four-state-chemo-levels-v1": four_state_chemo.BY_LEVEL,
    "adaptive-fractionation-wide-v1": adaptive_fractionation.PROBLEM,
    "adaptive-fractionation-narrow-v1": adaptive_fractionation.NARROWLY,
    "adaptive-fractionation-control-v1": adaptive_fractionation.NOTHING,
    "prostate-adaptive-v1": prostate_adaptive.PROBLEM,
    "linear-bandit-v1": linear_bandit.PROBLEM,
    "zhao-chemo-v1": zhao_chemo.PROBLEM,
    "nsclc-radiochemo-v1": nsclc_radiochemo.PROBLEM,
    "capecitabine-hand-foot-v1": capecitabine_hand_foot.PROBLEM,
    "abiraterone-adaptive-v1": abiraterone_adaptive.PROBLEM,
    "four-state-types-v1": four_state_types.PROBLEM,
    "pembrolizumab-escalation-control-v1": pembrolizumab_escalation.PROBLEM,
    "antiangiogenic-chemo-v1": antiangiogenic_chemo.PROBLEM,
    "melanoma-pembrolizumab-v1": melanoma_pembrolizumab.PROBLEM,
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
