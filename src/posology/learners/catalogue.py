"""Every learner, as data: what it is called, where it is, which doses it can choose.

Reading this imports no learner; `learner(id)` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from posology.environments.spec import Spec


@dataclass(frozen=True)
class Entry:
    """One learner. `target` is "module:Class"; `discrete` and `continuous` say which doses it can choose.
    One that `plans` computes on the tables of a finite problem instead of meeting patients."""

    title: str
    target: str
    family: str
    discrete: bool = True
    continuous: bool = False
    plans: bool = False
    constrained: bool = False

    def refuses(self, spec: Spec) -> str | None:
        """Why this learner cannot learn this problem, or None."""
        if spec.discrete and not self.discrete:
            return f"needs a continuous dose; {spec.id} has a table of {len(spec.actions)} doses"
        if not spec.discrete and not self.continuous:
            return f"needs a table of doses; the dose of {spec.id} is continuous"
        if self.plans and not spec.states:
            return f"plans on tables of transitions; {spec.id} has none: its states are not finitely many"
        if self.constrained and not spec.costs:
            return f"bounds costs; {spec.id} counts none"
        if self.family == "bandit" and spec.states:
            return f"is linear in what is observed; the observation of {spec.id} is the index of a state"
        return None


LEARNERS: dict[str, Entry] = {
    "ppo": Entry(
        "Proximal policy optimisation, optionally with a window or recurrent memory",
        "posology.learners.deep.ppo:PPO",
        "deep",
        continuous=True,
    ),
    "recurrent-ppo": Entry(
        "Proximal policy optimisation with a recurrent memory",
        "posology.learners.deep.recurrent_ppo:RecurrentPPO",
        "deep",
        continuous=True,
    ),
    "a2c": Entry("Advantage actor-critic", "posology.learners.deep.a2c:A2C", "deep", continuous=True),
    "reinforce": Entry("REINFORCE with a baseline", "posology.learners.deep.reinforce:Reinforce", "deep", continuous=True),
    "dqn": Entry("Double deep Q-learning with replay", "posology.learners.deep.dqn:DQN", "deep"),
    "qr-dqn": Entry("Quantile regression DQN, for the mean or the worst share", "posology.learners.deep.qr_dqn:QRDQN", "deep"),
    "ddpg": Entry("Deep deterministic policy gradient", "posology.learners.deep.ddpg:DDPG", "deep", False, True),
    "td3": Entry("Twin delayed deep deterministic policy gradient", "posology.learners.deep.td3:TD3", "deep", False, True),
    "sac": Entry("Soft actor-critic", "posology.learners.deep.sac:SAC", "deep", False, True),
    "lagrangian-ppo": Entry(
        "Proximal policy optimisation that keeps costs within bounds",
        "posology.learners.safe.lagrangian_ppo:LagrangianPPO",
        "safe",
        continuous=True,
        constrained=True,
    ),
    "q-learning": Entry("Q-learning with a table", "posology.learners.tabular.q_learning:QLearning", "tabular"),
    "sarsa": Entry("SARSA with a table", "posology.learners.tabular.sarsa:Sarsa", "tabular"),
    "expected-sarsa": Entry(
        "Expected SARSA with a table", "posology.learners.tabular.expected_sarsa:ExpectedSarsa", "tabular"
    ),
    "lin-ucb": Entry("LinUCB: the dose that could be the best", "posology.learners.bandit.lin_ucb:LinUCB", "bandit"),
    "lin-thompson": Entry("Linear Thompson sampling", "posology.learners.bandit.thompson:LinearThompson", "bandit"),
    "lasso-bandit": Entry("LASSO bandit: few covariates matter", "posology.learners.bandit.lasso:LassoBandit", "bandit"),
    "neural-linear": Entry("Neural-linear bandit", "posology.learners.bandit.neural_linear:NeuralLinear", "bandit"),
    "value-iteration": Entry(
        "Value iteration", "posology.learners.planning.value_iteration:ValueIteration", "planning", plans=True
    ),
    "policy-iteration": Entry(
        "Policy iteration", "posology.learners.planning.policy_iteration:PolicyIteration", "planning", plans=True
    ),
    "backward-induction": Entry(
        "Backward induction over the decisions of a course",
        "posology.learners.planning.backward_induction:BackwardInduction",
        "planning",
        plans=True,
    ),
}


def entry(id: str) -> Entry:
    """The entry of that id.

    Raises:
        ValueError: naming the known ids.
    """
    if id not in LEARNERS:
        raise ValueError(f"unknown learner '{id}'; known: {', '.join(LEARNERS)}")
    return LEARNERS[id]


def learner(id: str) -> Any:
    """The learner's class; its call without arguments gives the default hyper-parameters."""
    module, name = entry(id).target.split(":")
    return getattr(import_module(module), name)


def admissible(spec: Spec) -> dict[str, str | None]:
    """Learner id → None, or the reason why it cannot learn this problem; decided from `spec` alone."""
    return {id: e.refuses(spec) for id, e in LEARNERS.items()}
