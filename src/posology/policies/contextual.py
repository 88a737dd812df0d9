"""Policies that work out whom they treat: a recurrent encoder sums the course up in a context, a network doses by both.

    h_t = GRU(o_t, h_{t−1}),   z_t = tanh(W·h_t + b),   dose = actor(o_t, z_t)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from posology.policies import network as net
from posology.policies.network import Network
from posology.policies.policy import Policy

PREFIX = "encoder."  # of the encoder's arrays in a policy's file


@dataclass(frozen=True)
class Contextual:
    """Static description: length of an observation, number of doses (1 for a continuous one, in [`low`, `high`]), size of
    the context, sizes of the encoder's layers (the last is its memory) and of the actor's."""

    kind: ClassVar[str] = "contextual"

    inputs: int
    outputs: int
    context: int
    encoder: tuple[int, ...] = (32,)
    hidden: tuple[int, ...] = (64, 64)
    head: str = "categorical"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.context < 1:
            raise ValueError(f"context is {self.context}; it must be at least 1")

    def encoder_network(self) -> Network:
        """What sums a course up."""
        return Network(self.inputs, self.context, self.encoder, "value", "gru")

    def actor_network(self) -> Network:
        """What doses."""
        size = self.inputs + self.context
        return Network(size, self.outputs, self.hidden, self.head, low=self.low, high=self.high)

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds."""
        encoder = {PREFIX + name: shape for name, shape in net.shapes(self.encoder_network()).items()}
        return {**self.actor_network().arrays(), **encoder}

    def summed_up(self, encoder: Mapping[str, Any], scale: tuple[Any, Any], observation: Any, memory: Any) -> tuple[Any, Any]:
        """The context after one more observation, and the memory; `scale` holds mean and SD of what the actor sees."""
        mean, sd = (v[: self.inputs] for v in scale)
        x = net.normalise(jnp.asarray(observation, jnp.float32), mean, sd)
        out, memory = net.step(self.encoder_network(), encoder, x, memory)
        return jnp.tanh(out), memory

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy of these arrays; its memory is the encoder's."""
        held = {k: jnp.asarray(v) for k, v in arrays.items()}
        encoder = {k.removeprefix(PREFIX): held.pop(k) for k in list(held) if k.startswith(PREFIX)}
        scale = held["observation.mean"], held["observation.sd"]
        actor = self.actor_network().policy(name, held, greedy=greedy)

        def with_context(observation: Any, memory: Any) -> tuple[Any, Any]:
            z, memory = self.summed_up(encoder, scale, observation, memory)
            return jnp.concatenate([jnp.asarray(observation, jnp.float32), z]), memory

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            seen, memory = with_context(observation, memory)
            return actor.act(key, seen, mask, ())[0], memory

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            assert actor.probabilities is not None
            return actor.probabilities(with_context(observation, memory)[0], mask, ())

        start = lambda: net.start(self.encoder_network())  # noqa: E731
        return Policy(name, act, probabilities if actor.probabilities else None, start)
