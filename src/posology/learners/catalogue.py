"""Every learner, as data: what it is called, where it is, which doses it can choose.

Reading this imports no learner; `learner(id)` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from posology.environments.spec import Spec

Need = tuple[Callable[[Spec], bool], str]

NEEDS: dict[str, Need] = {
    "tables": (
        lambda spec: spec.states > 0,
        "plans on tables of transitions; {id} has none: its states are not finitely many",
    ),
    "numbers": (
        lambda spec: not spec.states,
        "works with observations of numbers; that of {id} is the index of a state",
    ),
    "costs": (lambda spec: bool(spec.costs), "bounds costs; {id} counts none"),
    "terms": (lambda spec: len(spec.terms) > 1, "weighs terms of the reward against each other; {id} has only one"),
    "derivatives": (
        lambda spec: spec.differentiable,
        "differentiates through the patient; a step of {id} is not differentiable",
    ),
}


@dataclass(frozen=True)
class Entry:
    """One learner. `target` is "module:Class"; `discrete` and `continuous` say which doses it can choose, `needs`
    (of `NEEDS`) what else a problem must have."""

    title: str
    target: str
    family: str
    discrete: bool = True
    continuous: bool = False
    needs: tuple[str, ...] = ()

    @property
    def plans(self) -> bool:
        """Whether it computes on the tables of a problem instead of meeting patients."""
        return "tables" in self.needs

    def refuses(self, spec: Spec) -> str | None:
        """Why this learner cannot learn this problem, or None."""
        if spec.discrete and not self.discrete:
            return f"needs a continuous dose; {spec.id} has a table of {len(spec.actions)} doses"
        if not spec.discrete and not self.continuous:
            return f"needs a table of doses; the dose of {spec.id} is continuous"
        for name in self.needs:
            meets, sentence = NEEDS[name]
            if not meets(spec):
                return sentence.format(id=spec.id)
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
    "reinforce": Entry(
        "REINFORCE with a baseline", "posology.learners.deep.reinforce:Reinforce", "deep", continuous=True
    ),
    "dqn": Entry("Double deep Q-learning with replay", "posology.learners.deep.dqn:DQN", "deep"),
    "qr-dqn": Entry(
        "Quantile regression DQN, for the mean or the worst share", "posology.learners.deep.qr_dqn:QRDQN", "deep"
    ),
    "ddpg": Entry(
        "Deep deterministic policy gradient", "posology.learners.deep.ddpg:DDPG", "deep", False, True, ("numbers",)
    ),
    "td3": Entry(
        "Twin delayed deep deterministic policy gradient",
        "posology.learners.deep.td3:TD3",
        "deep",
        False,
        True,
        ("numbers",),
    ),
    "sac": Entry("Soft actor-critic", "posology.learners.deep.sac:SAC", "deep", False, True, ("numbers",)),
    "analytic": Entry(
        "Analytic policy gradient through the patient",
        "posology.learners.deep.analytic:AnalyticPolicyGradient",
        "deep",
        discrete=False,
        continuous=True,
        needs=("numbers", "derivatives"),
    ),
    "lagrangian-ppo": Entry(
        "Proximal policy optimisation that keeps costs within bounds",
        "posology.learners.safe.lagrangian_ppo:LagrangianPPO",
        "safe",
        continuous=True,
        needs=("costs",),
    ),
    "shielded-ppo": Entry(
        "Proximal policy optimisation behind a learned shield",
        "posology.learners.safe.shielded_ppo:ShieldedPPO",
        "safe",
        needs=("costs",),
    ),
    "cvar-ppo": Entry(
        "Proximal policy optimisation for the worst share of courses",
        "posology.learners.safe.cvar_ppo:CVaRPPO",
        "safe",
        continuous=True,
    ),
    "conditioned-ppo": Entry(
        "Proximal policy optimisation for every preference between terms",
        "posology.learners.multi_objective.conditioned_ppo:ConditionedPPO",
        "multi-objective",
        needs=("terms", "numbers"),
    ),
    "rl2": Entry(
        "RL2: a recurrent policy that finds out during the course whom it treats",
        "posology.learners.meta.rl2:RL2",
        "meta",
        continuous=True,
        needs=("numbers",),
    ),
    "context-ppo": Entry(
        "Proximal policy optimisation with a context that an encoder learns from the course",
        "posology.learners.meta.context_ppo:ContextPPO",
        "meta",
        continuous=True,
        needs=("numbers",),
    ),
    "q-learning": Entry("Q-learning with a table", "posology.learners.tabular.q_learning:QLearning", "tabular"),
    "sarsa": Entry("SARSA with a table", "posology.learners.tabular.sarsa:Sarsa", "tabular"),
    "expected-sarsa": Entry(
        "Expected SARSA with a table", "posology.learners.tabular.expected_sarsa:ExpectedSarsa", "tabular"
    ),
    "dyna-q": Entry(
        "Q-learning with a table, and a table of what followed",
        "posology.learners.model_based.dyna_q:DynaQ",
        "model-based",
    ),
    "dyna-dqn": Entry(
        "Deep Q-learning, also from courses that a learned ensemble imagines",
        "posology.learners.model_based.dyna_dqn:DynaDQN",
        "model-based",
        needs=("numbers",),
    ),
    "penalised-dqn": Entry(
        "Deep Q-learning from imagined courses that pay less where the ensemble does not know",
        "posology.learners.model_based.penalised_dqn:PenalisedDQN",
        "model-based",
        needs=("numbers",),
    ),
    "ensemble-planning": Entry(
        "Planning each dose on a learned ensemble",
        "posology.learners.model_based.ensemble_planning:EnsemblePlanning",
        "model-based",
        continuous=True,
        needs=("numbers",),
    ),
    "lin-ucb": Entry(
        "LinUCB: the dose that could be the best",
        "posology.learners.bandit.lin_ucb:LinUCB",
        "bandit",
        needs=("numbers",),
    ),
    "lin-thompson": Entry(
        "Linear Thompson sampling", "posology.learners.bandit.thompson:LinearThompson", "bandit", needs=("numbers",)
    ),
    "lasso-bandit": Entry(
        "LASSO bandit: few covariates matter",
        "posology.learners.bandit.lasso:LassoBandit",
        "bandit",
        needs=("numbers",),
    ),
    "neural-linear": Entry(
        "Neural-linear bandit", "posology.learners.bandit.neural_linear:NeuralLinear", "bandit", needs=("numbers",)
    ),
    "evolved-course": Entry(
        "A whole course by selection and mutation",
        "posology.learners.planning.evolved_course:EvolvedCourse",
        "planning",
        needs=("numbers",),
    ),
    "beam-course": Entry(
        "A whole course by beam search through the patient",
        "posology.learners.planning.beam_course:BeamCourse",
        "planning",
        needs=("numbers",),
    ),
    "gradient-course": Entry(
        "A whole course by the gradient through the patient",
        "posology.learners.planning.gradient_course:GradientCourse",
        "planning",
        discrete=False,
        continuous=True,
        needs=("numbers", "derivatives"),
    ),
    "value-iteration": Entry(
        "Value iteration", "posology.learners.planning.value_iteration:ValueIteration", "planning", needs=("tables",)
    ),
    "policy-iteration": Entry(
        "Policy iteration", "posology.learners.planning.policy_iteration:PolicyIteration", "planning", needs=("tables",)
    ),
    "backward-induction": Entry(
        "Backward induction over the decisions of a course",
        "posology.learners.planning.backward_induction:BackwardInduction",
        "planning",
        needs=("tables",),
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
