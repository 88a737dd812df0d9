"""The functional environment: one patient, one decision; the caller vmaps.

    patients = env.draw(key, n)                       patient i depends on (key, i) alone
    state, observation, mask = env.reset(key, patient)
    step = env.step(key, state, action, patient)      a `Step`; pass the same key all along

`key` is the episode's noise: every random number inside is a function of (key, patient id, stream,
calendar day or occasion), never of a chain of splits, so that two policies that dose alike see
identical patients. A finite problem or a probe implements this protocol directly; a treatment gets
it from `protocol.py`.
"""

from __future__ import annotations

from typing import Any, Protocol

from posology.environments.spec import Spec, Step


class Environment(Protocol):
    """The contract. `spec` is static; the functions are pure and can be traced."""

    spec: Spec

    def draw(self, key: Any, n: int) -> Any:
        """`n` patients as a pytree of arrays with leading axis `n`."""
        ...

    def reset(self, key: Any, patient: Any) -> tuple[Any, Any, Any]:
        """Start of an episode: `(state, observation, mask)`."""
        ...

    def step(self, key: Any, state: Any, action: Any, patient: Any) -> Step:
        """One decision."""
        ...
