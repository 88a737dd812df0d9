"""What an environment is, as data: everything a learner, a shield or a reader may know in advance.

A `Spec` is static and hashable: names, units, actions, weights and limits. It decides which
learners are admissible and what an observation means, without compiling anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Action:
    """One row of a finite dose table. A delay is a row with amount 0 and its days to wait.

    `amount` is in `unit` (per m² doses say so), given every `interval` hours (0: once) into the
    model's entry over `duration` hours, and the next visit is after `wait` days.
    """

    label: str
    amount: float
    unit: str
    duration: float = 0.0
    wait: float = 0.0
    interval: float = 0.0
    delay: bool = False


@dataclass(frozen=True)
class Feature:
    """One number of an observation: which channel it reads, how it is scaled, its unit."""

    name: str
    unit: str


@dataclass(frozen=True)
class Spec:
    """Names, units, weights, actions and limits of an environment; see the design's section 3.2.

    `actions` is empty for a continuous dose, which then lies in [`low`, `high`] in `action_unit`.
    `weights` are the default scalarisation of `terms`; `at_most` bounds the expected sum of each
    cost over an episode. `discount` is per day. Where the problem has finitely many `states` and tables of
    them, the one number of an observation is a state's index; where a step is `differentiable`, the chain rule goes
    through the patient.
    """

    id: str
    observation: tuple[Feature, ...]
    actions: tuple[Action, ...]
    terms: tuple[str, ...]
    weights: tuple[float, ...]
    costs: tuple[str, ...] = ()
    at_most: tuple[float, ...] = ()
    max_steps: int = 1
    horizon_days: float = 1.0
    discount: float = 1.0
    low: float = 0.0
    high: float = 0.0
    action_unit: str = ""
    # what problems of other kinds say; left out of the text that a treatment's fingerprint is made of
    states: int = field(default=0, repr=False)
    differentiable: bool = field(default=False, repr=False)

    @property
    def discrete(self) -> bool:
        """Whether actions are rows of a table (int32) or a float in physical units."""
        return bool(self.actions)

    @property
    def size(self) -> int:
        """Length of an observation."""
        return len(self.observation)


class Step(NamedTuple):
    """What one decision brings, for one patient; arrays only.

    `reward = weights @ terms`. `terminated` (death, cure, stop for harm) and `truncated` (end of
    study) are never merged; nothing resets inside a step, so `observation` is the true last one.
    `mask[i]` says whether action i may be chosen *next*.
    """

    state: Any
    observation: Any
    reward: Any
    terms: Any
    costs: Any
    terminated: Any
    truncated: Any
    mask: Any
