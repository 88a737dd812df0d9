"""Tabular policies: an observation falls into a cell, and each cell has a number per dose.

A cell is told by the observation itself where a problem has finitely many states (`cells` of them, the
observation is the index), else it is that of the nearest of `cells` centres, in standard deviations:

    cell(o) = argmin_c ‖(o − mean)/sd − centre_c‖²

The dose has the highest number, whether or not it is asked to be greedy.
A plan for a course of `steps` decisions has a table for each of them; the memory counts.
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
class Table:
    """Static description: length of an observation, number of doses, number of cells; `nearest` says how
    an observation finds its cell."""

    kind: ClassVar[str] = "table"

    inputs: int
    outputs: int
    cells: int
    nearest: bool = False
    steps: int = 1

    def __post_init__(self) -> None:
        if min(self.inputs, self.outputs, self.cells, self.steps) < 1:
            raise ValueError(f"a table of {self.cells} cells, {self.outputs} doses, {self.inputs} inputs is empty")
        if not self.nearest and self.inputs != 1:
            raise ValueError(f"an observation of {self.inputs} numbers is no index; it needs nearest centres")

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds."""
        found: dict[str, tuple[int, ...]] = {"table": (self.steps * self.cells, self.outputs)}
        if self.nearest:
            size = (self.inputs,)
            found |= {"centres": (self.cells, self.inputs), "observation.mean": size, "observation.sd": size}
        return found

    def cell(self, arrays: Mapping[str, Any], observation: Any) -> Any:
        """Where one observation falls."""
        if not self.nearest:
            return jnp.clip(observation[0].astype(jnp.int32), 0, self.cells - 1)
        x = normalise(observation, arrays["observation.mean"], arrays["observation.sd"])
        return jnp.argmin(jnp.sum((arrays["centres"] - x[None]) ** 2, axis=1)).astype(jnp.int32)

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy of these arrays."""
        held = {k: jnp.asarray(v) for k, v in arrays.items()}

        def scores(observation: Any, mask: Any, memory: Any) -> Any:
            at = self.cell(held, jnp.asarray(observation, jnp.float32))
            row = held["table"][at + self.cells * memory if self.steps > 1 else at]
            return allowed(row, mask)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            found = scores(observation, mask, memory)
            choice = jnp.argmax(found)
            return choice.astype(jnp.int32), jnp.minimum(memory + 1, self.steps - 1) if self.steps > 1 else memory

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            found = scores(observation, mask, memory)
            return jax.nn.one_hot(jnp.argmax(found), self.outputs)

        return Policy(name, act, probabilities, (lambda: jnp.int32(0)) if self.steps > 1 else tuple)
