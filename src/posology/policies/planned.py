"""Policies that plan: each dose is the first of the best course found on learned dynamics.

    J(d_0 … d_{H−1}) = mean over members k and draws ε of Σ_t γᵗ·Π_{i<t}(1 − P_i(end))·E[r_t],   o_0 the observation
    d_t ~ N(μ_t, σ_t) or a row of the table by its share p_t;   μ, σ, p ← those of the best courses, and again

Cross-entropy method (Rubinstein 1999, doi:10.1023/A:1010091220143) with trajectory sampling: a course is followed
by every member to its end (Chua 2018, arXiv:1805.12114, TS∞). The random numbers are the same at every decision
and for every course that is compared, so that the policy is a function of the observation. A forbidden dose
is never the first of a course; one that the members expect to be forbidden later is the first allowed row instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.policies.course import allowed_row
from posology.policies.dynamics import Dynamics, follows, may_follow
from posology.policies.policy import Policy

KEPT = 0.1  # share of the old distribution in the new one
LEAST_SHARE = 1e-6  # of an allowed row of the table, so that there is one to draw


@dataclass(frozen=True)
class Planned:
    """Static description: the dynamics (`inputs`, `rows`, `members`, `hidden`, `low`, `high`, as there), decisions
    looked ahead (`horizon`), and how courses are searched: so many `rounds` of so many `candidates`, of which the best
    `elite` form the next round. `draws` is how often each member follows a course; `discount` is per decision."""

    kind: ClassVar[str] = "planned"

    inputs: int
    rows: int
    members: int
    hidden: tuple[int, ...]
    horizon: int
    rounds: int
    candidates: int
    elite: int
    draws: int = 1
    discount: float = 1.0
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        for name in ("members", "horizon", "rounds", "candidates", "elite", "draws"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; a plan needs at least 1")

    @property
    def outputs(self) -> int:
        """Number of doses, 1 for a continuous one."""
        return self.rows or 1

    def dynamics(self) -> Dynamics:
        """What is planned on."""
        return Dynamics(self.inputs, self.rows, self.members, self.hidden, self.low, self.high)

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything a policy's file holds: the dynamics."""
        return self.dynamics().arrays()

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy of these arrays; it draws nothing, greedy or not."""
        held = {k: jnp.asarray(v) for k, v in arrays.items()}

        def now(observation: Any, mask: Any) -> Any:
            return plan(self, held, jax.random.key(0), jnp.asarray(observation, jnp.float32), mask)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
            return now(observation, mask), memory

        def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
            return jax.nn.one_hot(now(observation, mask), self.rows)

        return Policy(name, act, probabilities if self.rows else None)


def plan(form: Planned, arrays: Mapping[str, Any], key: Any, observation: Any, mask: Any) -> Any:
    """The first dose of the best course found; `key` draws the courses and what befalls them."""
    search, fate = _numbers(form, key)
    worth = jax.vmap(lambda course: worth_of(form, arrays, fate, observation, course))

    def again(carry: Any, now: Any) -> tuple[Any, None]:
        belief, best, most = carry
        courses = _drawn(form, belief, mask, *now)
        values = jnp.where(jnp.isfinite(found := worth(courses)), found, -jnp.inf)
        order = jnp.argsort(-values)
        value, top = values[order[0]], courses[order[0]]
        best, belief = jnp.where(value > most, top, best), _refined(form, belief, courses[order[: form.elite]])
        return (belief, best, jnp.maximum(most, value)), None

    nothing = jnp.zeros((form.horizon, form.outputs), jnp.float32)
    first = (_widest(form), nothing, jnp.float32(-jnp.inf))
    (_, best, _), _ = jax.lax.scan(again, first, (search, jnp.arange(form.rounds) == 0))
    dose = form.dynamics().decode(best[0])
    return allowed_row(dose, mask) if form.rows else dose


def _numbers(form: Planned, key: Any) -> tuple[Any, Any]:
    """Standard normal numbers that draw the courses `[rounds, candidates, horizon]` and what befalls them
    `[draws, horizon, inputs + 1]`."""
    courses, fate = (form.rounds, form.candidates, form.horizon), (form.draws, form.horizon, form.inputs + 1)
    z = jax.random.normal(key, (math.prod(courses) + math.prod(fate),))
    return z[: math.prod(courses)].reshape(courses), z[math.prod(courses) :].reshape(fate)


def worth_of(form: Planned, arrays: Mapping[str, Any], noise: Any, observation: Any, course: Any) -> Any:
    """J of a course `[horizon, width]`; `noise[draws, horizon, inputs + 1]` is the same for every member."""
    made = form.dynamics()

    def one(weights: Any, noise: Any) -> Any:
        def decide(carry: Any, now: Any) -> tuple[Any, Any]:
            seen, weight, mask = carry
            dose, z = now
            if form.rows:
                dose = made.encode(allowed_row(made.decode(dose), mask))
            told = made.predict(weights, arrays, seen, dose)
            after, _ = follows(arrays, told, seen, z)
            reward = arrays["target.mean"][-1] + arrays["target.sd"][-1] * told.mean[-1]
            goes_on = form.discount * jax.nn.sigmoid(-told.end)
            return (after, weight * goes_on, may_follow(told) if form.rows else mask), weight * reward

        first = (observation, jnp.float32(1.0), jnp.ones(form.outputs, bool))
        return jnp.sum(jax.lax.scan(decide, first, (course, noise))[1])

    return jnp.mean(jax.vmap(jax.vmap(one, (None, 0)), (0, None))(made.layers(arrays), noise))


def _widest(form: Planned) -> Any:
    """Nothing known of the best course: each row as likely, or u of mean 0 and SD 1."""
    if form.rows:
        return jnp.full((form.horizon, form.rows), 1.0 / form.rows)
    return jnp.zeros((form.horizon, 1)), jnp.ones((form.horizon, 1))


def _drawn(form: Planned, belief: Any, mask: Any, z: Any, first: Any) -> Any:
    """Courses `[candidates, horizon, width]` of the normal numbers `z[candidates, horizon]`; those of the `first` round
    try every dose of a table at once."""
    if not form.rows:
        mean, sd = belief
        return jnp.clip(mean[None] + sd[None] * z[:, :, None], -1.0, 1.0)
    shares = belief.at[0].set(jnp.where(mask, belief[0] + LEAST_SHARE, 0.0))
    below = jnp.cumsum(shares, axis=1)
    points = jax.scipy.special.ndtr(z) * below[None, :, -1]
    rows = jnp.sum(points[:, :, None] >= below[None], axis=2)
    each = jnp.arange(form.candidates) % form.rows
    rows = rows.at[:, 0].set(jnp.where(first & mask[each], each, rows[:, 0]))
    return jax.nn.one_hot(jnp.minimum(rows, form.rows - 1), form.rows, dtype=jnp.float32)


def _refined(form: Planned, belief: Any, elite: Any) -> Any:
    """What the best courses say, and a little of what was thought before."""
    mix = lambda old, new: KEPT * old + (1.0 - KEPT) * new  # noqa: E731
    if form.rows:
        return mix(belief, jnp.mean(elite, axis=0))
    mean, sd = belief
    return mix(mean, jnp.mean(elite, axis=0)), mix(sd, jnp.std(elite, axis=0))
