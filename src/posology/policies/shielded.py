"""Policies with a learned shield: a network proposes a dose, a second one foresees harm and corrects the proposal.

    safe(o) = {a allowed : h(o, a) ≤ min_a' h(o, a') + δ},   dose = the proposal, or the safe dose nearest to it

h is the harm to come after a dose when as little as possible is risked from then on. The set is never empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.policies import network as net
from posology.policies.network import Network
from posology.policies.policy import Policy

HARM = "harm."  # prefix of the second network's arrays


def safe(harm: Any, mask: Any, tolerance: float) -> Any:
    """Doses of the `mask` `[A]` that bring at most `tolerance` more `harm` `[A]` than the least harmful one."""
    return mask & (harm <= jnp.min(jnp.where(mask, harm, jnp.inf)) + tolerance)


def nearest(amounts: tuple[float, ...], wanted: Any, among: Any) -> Any:
    """The row `wanted` where it is in the mask `among` `[A]`, else the one there whose amount is nearest to its own; of
    two as near the smaller dose."""
    order = jnp.asarray(sorted(range(len(amounts)), key=lambda row: amounts[row]))
    amount = jnp.asarray(amounts, jnp.float32)
    distance = jnp.where(among, jnp.abs(amount - amount[wanted]), jnp.inf)
    found = order[jnp.argmin(distance[order])]
    return jnp.where(among[wanted], wanted, found).astype(jnp.int32)


@dataclass(frozen=True)
class Shielded:
    """Static description: length of an observation, the doses' `amounts`, layers of both networks, the `tolerance` δ
    of harm per decision; `memory` and `span` of the network that proposes, `states` of a finite problem."""

    kind: ClassVar[str] = "shielded"

    inputs: int
    amounts: tuple[float, ...]
    tolerance: float
    hidden: tuple[int, ...] = (64, 64)
    memory: str = "none"
    span: int = 8
    states: int = 0

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance is {self.tolerance}; it must be at least 0")

    @property
    def outputs(self) -> int:
        """Number of doses."""
        return len(self.amounts)

    def proposes(self) -> Network:
        """The network that proposes a dose."""
        return Network(self.inputs, self.outputs, self.hidden, "categorical", self.memory, self.span, states=self.states)

    def foresees(self) -> Network:
        """The network of minus the harm to come after each dose."""
        return Network(self.inputs, self.outputs, self.hidden, "value", states=self.states)

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds."""
        return {**self.proposes().arrays(), **{HARM + name: shape for name, shape in self.foresees().arrays().items()}}

    def harm(self, arrays: Mapping[str, Any], observation: Any) -> Any:
        """h `[A]` of one observation, from arrays with the prefix."""
        held = {name.removeprefix(HARM): v for name, v in arrays.items() if name.startswith(HARM)}
        x = net.enter(self.foresees(), observation, held["observation.mean"], held["observation.sd"])
        return -net.step(self.foresees(), held, x, ())[0]

    def corrected(self, arrays: Mapping[str, Any], observation: Any, mask: Any, proposal: Any) -> Any:
        """The dose that is given instead of the proposal, or the proposal where it is safe."""
        return nearest(self.amounts, proposal, safe(self.harm(arrays, observation), mask, self.tolerance))

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy of these arrays, whose proposals are the most likely dose or drawn where not `greedy`."""
        held = {k: jnp.asarray(v, jnp.float32) for k, v in arrays.items()}
        inner = self.proposes().policy(name, {k: v for k, v in held.items() if not k.startswith(HARM)}, greedy=greedy)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            proposal, memory = inner.act(key, observation, mask, memory)
            return self.corrected(held, jnp.asarray(observation, jnp.float32), mask, proposal), memory

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            assert inner.probabilities is not None
            proposed, rows = inner.probabilities(observation, mask, memory), jnp.arange(self.outputs)
            seen = jnp.asarray(observation, jnp.float32)
            given = jax.vmap(lambda row: self.corrected(held, seen, mask, row))(rows)
            return jnp.zeros(self.outputs).at[given].add(proposed)

        return Policy(name, act, probabilities, inner.memory)
