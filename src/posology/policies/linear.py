"""Linear policies: the dose with the highest of as many linear functions of the observation.

    score_a = w_a · (1, (o − mean)/sd)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.policies.network import allowed, normalise
from posology.policies.policy import Policy


@dataclass(frozen=True)
class Linear:
    """Static description: length of an observation, number of doses."""

    kind: ClassVar[str] = "linear"

    inputs: int
    outputs: int

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds."""
        size = (self.inputs,)
        return {"weights": (self.outputs, self.inputs + 1), "observation.mean": size, "observation.sd": size}

    def features(self, arrays: Mapping[str, Any], observation: Any) -> Any:
        """(1, o) in standard deviations."""
        x = normalise(jnp.asarray(observation, jnp.float32), arrays["observation.mean"], arrays["observation.sd"])
        return jnp.concatenate([jnp.ones(1, jnp.float32), x])

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy of these arrays; it draws nothing, greedy or not."""
        held = {k: jnp.asarray(v) for k, v in arrays.items()}

        def best(observation: Any, mask: Any) -> Any:
            return jnp.argmax(allowed(held["weights"] @ self.features(held, observation), mask))

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            return best(observation, mask).astype(jnp.int32), memory

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            return jax.nn.one_hot(best(observation, mask), self.outputs)

        return Policy(name, act, probabilities)
