"""Policies that answer for a preference: a network that sees the observation and how much each objective counts.

The preference is one of the arrays, so that one network is stored with any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from posology.policies.network import Network
from posology.policies.policy import Policy


@dataclass(frozen=True)
class Conditioned:
    """Static description: length of an observation, number of doses, number of objectives, layers."""

    kind: ClassVar[str] = "conditioned"

    inputs: int
    outputs: int
    objectives: int
    hidden: tuple[int, ...] = (64, 64)

    def network(self) -> Network:
        """The network that sees both."""
        return Network(self.inputs + self.objectives, self.outputs, self.hidden)

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds."""
        return {**self.network().arrays(), "preference": (self.objectives,)}

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy for the stored preference."""
        held = {k: v for k, v in arrays.items() if k != "preference"}
        inner, weights = self.network().policy(name, held, greedy=greedy), jnp.asarray(arrays["preference"], jnp.float32)

        def seen(observation: Any) -> Any:
            return jnp.concatenate([jnp.asarray(observation, jnp.float32), weights])

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            return inner.act(key, seen(observation), mask, memory)

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            assert inner.probabilities is not None
            return inner.probabilities(seen(observation), mask, memory)

        return Policy(name, act, probabilities)
