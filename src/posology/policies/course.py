"""A course laid down before it begins: the dose depends on how many were given before, on nothing that is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.policies.policy import Policy


@dataclass(frozen=True)
class Course:
    """Static description: length of an observation, number of doses of a table (0 for a continuous dose), number of
    decisions. Where a row of the table may not be given, the first that may is."""

    kind: ClassVar[str] = "course"

    inputs: int
    rows: int
    steps: int

    @property
    def outputs(self) -> int:
        """Number of doses, 1 for a continuous one."""
        return self.rows or 1

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds: rows of the table or doses, in order."""
        return {"doses": (self.steps,)}

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy of these arrays."""
        doses = jnp.asarray(arrays["doses"])

        def now(mask: Any, memory: Any) -> Any:
            dose = doses[jnp.minimum(memory, self.steps - 1)]
            return allowed_row(jnp.round(dose).astype(jnp.int32), mask) if self.rows else dose

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            return now(mask, memory), memory + 1

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            return jax.nn.one_hot(now(mask, memory), self.rows)

        return Policy(name, act, probabilities if self.rows else None, lambda: jnp.int32(0))


def allowed_row(row: Any, mask: Any) -> Any:
    """The row, or the first that may be given."""
    return jnp.where(mask[row], row, jnp.argmax(mask).astype(jnp.int32))
