"""Playing the control problems of cancer in tests: compiled once a problem, on the evidence's patients."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from posology.benchmarks.problems import fixed, judge_of
from posology.environments import mapped
from posology.environments.catalogue import PROBLEMS, environment

PATIENTS = {
    "zhao-chemo-v1": 400,
    "nsclc-radiochemo-v1": 300,
    "capecitabine-hand-foot-v1": 2000,
    "abiraterone-adaptive-v1": 8,
    "four-state-types-v1": 12,
    "pembrolizumab-escalation-control-v1": 300,
    "antiangiogenic-chemo-v1": 100,
    "melanoma-pembrolizumab-v1": 400,
}


@cache
def env_of(problem):
    return environment(problem)


@cache
def judge(problem):
    """Plays the i-th baseline on patients whom the evidence judges on, too; compiled once for all baselines."""
    return judge_of(env_of(problem), fixed(env_of(problem), PROBLEMS[problem].policies), PATIENTS[problem])


@cache
def result(problem, name):
    """Returns, terms and costs of a baseline."""
    return {k: np.asarray(v) for k, v in judge(problem)(list(PROBLEMS[problem].policies).index(name)).items()}


def mean(problem, name):
    """Mean return of a baseline."""
    return float(result(problem, name)["returns"].mean())


def term(problem, name, which):
    """Mean of a term of a baseline."""
    return float(result(problem, name)["terms"][:, env_of(problem).spec.terms.index(which)].mean())


@cache
def player(problem):
    env = env_of(problem)

    @jax.jit
    def play(key, patient, actions):
        def one(state, action):
            step = env.step(key, state, action, patient)
            return step.state, step

        return jax.lax.scan(one, env.reset(key, patient)[0], actions)[1]

    return play


def played(problem, patient, actions):
    """Steps of one patient under given actions, also past an end."""
    return player(problem)(jax.random.key(1), patient, jnp.asarray(actions))


def patient_of(p):
    """A patient with the parameters that are given."""
    return mapped.Person(jnp.int32(0), jax.tree.map(lambda v: jnp.asarray(v, float), p))


def first_of(problem, seed=2):
    return jax.tree.map(lambda v: v[0], env_of(problem).draw(jax.random.key(seed), 1))
