"""What a learner is: frozen hyper-parameters and three pure functions.

    state = learner.init(key, env)
    state, metrics = learner.update(state, env, patients)     traced; the loop jits it
    policy = learner.policy(learner.parameters(state), env.spec)

`patients` is a pool drawn once; an update picks its own patients from it by index. A state holds
its key and a counter of updates, so that update k is the same whether or not the run was stopped
before it. Learners share functions, not parents: one that many have stands in each class by its name, as in
`policy = policy_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, ClassVar, Protocol, TypeVar

from posology.environments.spec import Spec
from posology.policies.forms import Form
from posology.policies.policy import Policy


class Learner(Protocol):
    """The contract of a learner that interacts with an environment."""

    id: ClassVar[str]

    def init(self, key: Any, env: Any) -> Any:
        """The state before the first update."""
        ...

    def update(self, state: Any, env: Any, patients: Any) -> tuple[Any, dict[str, Any]]:
        """One round of interaction and learning; metrics are float scalars."""
        ...

    def form(self, spec: Spec) -> Form:
        """What the policy computes for this problem."""
        ...

    def parameters(self, state: Any) -> dict[str, Any]:
        """What a policy's file holds: a flat `{name: array}`."""
        ...

    def policy(self, parameters: Mapping[str, Any], spec: Spec, *, greedy: bool = True) -> Policy:
        """The policy of these parameters."""
        ...


T = TypeVar("T")


def config(learner: Any) -> dict[str, Any]:
    """The resolved hyper-parameters as plain JSON values."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(learner).items()}


def configure(learner: T, changes: Mapping[str, Any]) -> T:
    """The learner with some hyper-parameters changed; texts are read as the field's kind.

    Raises:
        ValueError: for an unknown name or a value of another kind.
    """
    of = {f.name: str(f.type) for f in fields(learner)}  # type: ignore[arg-type]
    known = {name: getattr(learner, name) for name in of}
    read = {}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"unknown setting '{name}'; known: {', '.join(known)}")
        read[name] = _as(known[name], value, name, KINDS.get(of[name], int))
    return replace(learner, **read)  # type: ignore[type-var]


def suited(learner: T, spec: Spec) -> T:
    """The learner with the defaults that fit a problem whose days all count alike and whose end is the
    end of the course: nothing is discounted, and nothing lies beyond the last decision."""
    wanted = {"bootstrap": False, "discount": 1.0} if spec.discount == 1.0 else {}
    has = {f.name for f in fields(learner)}  # type: ignore[arg-type]
    return configure(learner, {name: v for name, v in wanted.items() if name in has})


def annealing(learner: T, updates: int) -> T:
    """The learner whose learning rate falls to 0 over so many updates, where it has that setting."""
    has = any(f.name == "anneal_over" for f in fields(learner))  # type: ignore[arg-type]
    return configure(learner, {"anneal_over": updates}) if has else learner


def ready(learner: T, spec: Spec, updates: int, settings: Mapping[str, Any]) -> T:
    """The learner as it is trained: with defaults that fit the problem, a rate that falls over so many updates, and settings."""
    return configure(annealing(suited(learner, spec), updates), settings)


KINDS: dict[str, Callable[[Any], Any]] = {"tuple[str, ...]": str, "tuple[float, ...]": float}  # of a list's items


def _as(example: Any, value: Any, name: str, item: Callable[[Any], Any]) -> Any:
    try:
        if isinstance(example, bool):
            return {"true": True, "false": False}[str(value).lower()]
        if isinstance(example, tuple):
            items = value.split(",") if isinstance(value, str) else value
            return tuple(item(x) for x in items)
        return type(example)(value)
    except (KeyError, TypeError, ValueError):
        lists = {int: "a list of whole numbers", float: "a list of numbers"}.get(item, "a list of words")  # type: ignore[call-overload]
        kind = lists if isinstance(example, tuple) else type(example).__name__
        raise ValueError(f"setting {name} is '{value}'; it must be {kind}, for example {example}") from None


def annealed(rate: float, updates: Any, over: int) -> Any:
    """A learning rate that falls linearly to 0 over so many updates; 0 leaves it constant."""
    import jax.numpy as jnp

    left = 1.0 - updates.astype(jnp.float32) / over if over else jnp.float32(1.0)
    return rate * jnp.maximum(left, 0.0)


def at_least(learner: Any, **lowest: float) -> None:
    """Raise a `ValueError` that names the first hyper-parameter below its lowest allowed value."""
    for name, low in lowest.items():
        if not getattr(learner, name) >= low:
            raise ValueError(f"{name} is {getattr(learner, name)}; it must be at least {low:g}")


def in_unit_interval(learner: Any, *names: str) -> None:
    """Raise a `ValueError` that names the first hyper-parameter outside [0, 1]."""
    for name in names:
        if not 0.0 <= getattr(learner, name) <= 1.0:
            raise ValueError(f"{name} is {getattr(learner, name)}; it must lie between 0 and 1")


def multiple(learner: Any, name: str, *parts: str) -> None:
    """Raise a `ValueError` when the hyper-parameter `name` cannot be cut evenly into one of the others."""
    for part in parts:
        if getattr(learner, name) % getattr(learner, part):
            raise ValueError(
                f"{name} is {getattr(learner, name)}; it must be a multiple of {part}, {getattr(learner, part)}"
            )


def among(learner: Any, name: str, allowed: tuple[str, ...]) -> None:
    """Raise a `ValueError` when a hyper-parameter is none of the words allowed."""
    if getattr(learner, name) not in allowed:
        raise ValueError(f"{name} is '{getattr(learner, name)}'; allowed: {', '.join(allowed)}")


def policy_of(learner: Any, parameters: Mapping[str, Any], spec: Spec, *, greedy: bool = True) -> Policy:
    """The policy of these parameters, for a learner whose form says all: stands in its class as `policy`."""
    made: Policy = learner.form(spec).policy(learner.id, parameters, greedy=greedy)
    return made
