"""How good a policy is: the same patients and the same noise whoever doses, none of them learned from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.environments.environment import Environment
from posology.learners.rollout import Episode, rollout
from posology.policies.policy import Policy

EVALUATION_SEED = 7_654_321  # held-out patients are the same whatever the training seed


def evaluator(
    env: Environment, policy_of: Callable[[Any], Policy], patients: Any, key: Any
) -> Callable[[Any], dict[str, Any]]:
    """A compiled `parameters -> {"returns": [n], "terms": [n, k], "costs": [n, c], "lengths": [n]}`.

    Every call meets the same patients and the same noise, so two policies are compared in pairs.
    Returns are undiscounted.
    """
    n = jax.tree.leaves(patients)[0].shape[0]
    keys = jax.random.split(key, n)

    def run(parameters: Any) -> dict[str, Any]:
        policy = policy_of(parameters)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
            action, memory = policy.act(key, observation, mask, memory)
            return action, (), memory

        def one(key: Any, patient: Any) -> Episode:
            noise, choice = jax.random.split(key)
            return rollout(env, act, policy.memory(), noise, choice, patient)

        e = jax.vmap(one)(keys, patients)
        lengths = jnp.sum(e.alive, 1, dtype=jnp.float32)
        return {
            "returns": jnp.sum(e.reward, 1),
            "terms": jnp.sum(e.terms, 1),
            "costs": jnp.sum(e.costs, 1),
            "lengths": lengths,
        }

    return jax.jit(run)


def summary(env: Environment, outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Mean return with its 95 % interval over patients, and mean terms and costs by name."""
    returns = np.asarray(outcome["returns"], np.float64)
    half = 1.96 * float(returns.std(ddof=1)) / math.sqrt(len(returns)) if len(returns) > 1 else 0.0
    mean = float(returns.mean())
    terms, costs = np.asarray(outcome["terms"], np.float64).mean(0), np.asarray(outcome["costs"], np.float64).mean(0)
    return {
        "return_mean": mean,
        "lower": mean - half,
        "upper": mean + half,
        "patients": len(returns),
        "terms": dict(zip(env.spec.terms, terms.tolist(), strict=True)),
        "costs": dict(zip(env.spec.costs, costs.tolist(), strict=True)),
    }
