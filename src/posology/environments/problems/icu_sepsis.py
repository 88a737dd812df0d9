"""ICU-Sepsis: fluids and vasopressors in sepsis as a finite Markov decision process.

    states 0-712 alive, 713 death, 714 discharged alive, 715 absorbing
    action a = 5·i + j: level i of intravenous fluids, level j of vasopressor, 0 (none) to 4
    reward 1 on entering 714; nothing is discounted; a decision every 4 h

Choudhary, Gupta and Thomas, "ICU-Sepsis: A Benchmark MDP Built from Real Medical Data", RLC 2024,
arXiv:2406.05646, built from MIMIC-III after Komorowski 2018 (doi:10.1038/s41591-018-0213-5). The tables are the
authors' (MIT licence) and are read from `data/icu-sepsis`; what the dose levels are in mL is not in them.
Clinicians do hardly better than chance in this process: it says little about which treatment helps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from posology.environments.problem import Problem
from posology.environments.spec import Action, Feature, Spec

DEATH, DISCHARGE, ABSORBING = 713, 714, 715
STATES, LEVELS = 716, 5
WHERE = Path("data") / "icu-sepsis"
HOURS = 4.0

SPEC = Spec(
    id="icu-sepsis-v1",
    observation=(Feature("state", "1"),),
    actions=tuple(
        Action(f"fluids {i}, vasopressor {j}", float(LEVELS * i + j), "level", wait=HOURS / 24)
        for i in range(LEVELS)
        for j in range(LEVELS)
    ),
    terms=("survival",),
    weights=(1.0,),
    costs=("death",),
    at_most=(1.0,),
    max_steps=500,
    horizon_days=500 * HOURS / 24,
    states=STATES,
)


def admissible(text: str) -> np.ndarray:
    """Which actions may be chosen in which state `[S, A]`: the counts of all states in the first line, then
    a line of indices for each."""
    counts, *rows = [np.array(line.split(), int) for line in text.strip().splitlines()]
    if len(counts) != STATES or [len(r) for r in rows] != counts.tolist():
        raise ValueError(f"admissible_actions.txt of ICU-Sepsis is damaged: it does not list {STATES} states")
    allowed = np.zeros((STATES, LEVELS**2), bool)
    for state, row in enumerate(rows):
        allowed[state, row] = True
    return allowed


def tables(shared: Path) -> Any:
    """The authors' tables.

    Raises:
        ValueError: where they are not found.
    """
    folder = shared / WHERE
    files = [folder / "dynamics.npz", folder / "admissible_actions.txt"]
    for path in files:
        if not path.is_file():
            raise ValueError(
                f"icu-sepsis-v1 reads the tables of ICU-Sepsis, and {path} is not there; "
                "set POSOLOGY_SHARED to the folder that holds data/icu-sepsis"
            )
    from posology.environments.finite import Tables

    terminal = np.isin(np.arange(STATES), (DEATH, DISCHARGE, ABSORBING))
    with np.load(files[0]) as held:
        return Tables(held["tx_mat"], held["r_mat"], held["d_0"], terminal, admissible(files[1].read_text()))


def clinicians(shared: Path) -> np.ndarray:
    """How often clinicians chose each action `[S, A]`, from the logged treatment; zero where nobody is alive."""
    with np.load(shared / WHERE / "dynamics.npz") as held:
        return np.asarray(held["expert_policy"])


def environment(shared: Path) -> Any:
    """The process as an environment; a death counts as a cost."""
    from posology.environments.finite import FiniteEnvironment

    return FiniteEnvironment(SPEC, tables(shared), harms=(DEATH,))


PROBLEM = Problem(
    id="icu-sepsis-v1",
    title="Fluids and vasopressors in sepsis (ICU-Sepsis)",
    question="Which level of fluids and vasopressor every four hours lets most patients leave the ICU alive?",
    spec=SPEC,
    make=environment,
    source="Choudhary 2024, arXiv:2406.05646",
    not_for="dosing anybody: states are clusters of records, levels are no amounts, and clinicians do as well as chance",
    known={"random": 0.7801, "clinicians": 0.7818, "optimal": 0.8751},
)
