"""The shield: any policy, held inside the limits, and the name of the limit that bound it.

`allowed` is the one function behind training masks, environment masks and recommendations.

    mask, bound_by = allowed(limits, spec, facts)          finite dose table
    interval(limits, spec, facts)                          continuous dose
    shield(policy, limits, spec, facts_of)                 the same policy, never beyond a limit
    decide(policy, limits, spec, facts_of)                 the same, and says what bound it

Everything is traced for one patient. A limit is spoken of by its index: -1 nothing bound,
len(limits) the treatment's own range of actions (or an answer that is no dose at all);
`bound_names` gives the names outside jit. An empty set is "no dose" and an abstention.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from posology.policies.policy import Policy
from posology.safety.limits import DELAY, DOSE, NO_DOSE, Facts, Limit
from posology.safety.units import comparable, in_unit


class Choice(NamedTuple):
    """A shielded decision: the action, the index of the limit that bound it, whether we abstain."""

    action: Any
    bound_by: Any
    abstained: Any


class Interval(NamedTuple):
    """Allowed continuous doses, in the treatment's unit, and the limit behind each end.

    `closed_by` is the limit that closes every dose (-1: none); then 0 is what is given.
    """

    lower: Any
    upper: Any
    lower_by: Any
    upper_by: Any
    closed_by: Any


def bound_names(limits: Sequence[Limit]) -> tuple[str, ...]:
    """Names by index; the last is the treatment's own range. Resolve -1 ("nothing bound") before."""
    return (*(limit.id for limit in limits), "action-range")


def bound_name(limits: Sequence[Limit], index: int) -> str | None:
    """The name of one index, None for -1."""
    return None if index < 0 else bound_names(limits)[index]


def allowed(limits: Sequence[Limit], spec: Any, facts: Facts) -> tuple[Any, Any]:
    """Which rows of `spec.actions` the limits allow, and which limit closes each other row.

    Returns `(mask, bound_by)`: bool[A], int32[A] with -1 for an allowed row, else the index of the
    first limit that closes it. The mask may be empty; `offered` then falls back to "no dose".
    """
    import jax.numpy as jnp

    bound_by = jnp.full(len(spec.actions), -1, jnp.int32)
    for index in reversed(range(len(limits))):
        bound_by = jnp.where(permits(limits[index], spec, facts), bound_by, jnp.int32(index))
    return bound_by < 0, bound_by


def offered(limits: Sequence[Limit], spec: Any, facts: Facts) -> tuple[Any, Any]:
    """The mask for learners and environments, never empty, and whether a clinician must take over.

    Returns `(mask, abstained)`. With no row left, the row without a dose is on. We abstain when
    neither a dose nor a delay is left.
    """
    return _with_no_dose(allowed(limits, spec, facts)[0], spec)


def interval(limits: Sequence[Limit], spec: Any, facts: Facts) -> Interval:
    """Allowed doses of a continuous treatment, in `spec.action_unit`."""
    import jax.numpy as jnp

    own = jnp.int32(len(limits))
    none = jnp.int32(-1)
    found = Interval(jnp.asarray(float(spec.low)), jnp.asarray(float(spec.high)), own, own, none)
    for index in reversed(range(len(limits))):
        found = _narrowed(found, limits[index], jnp.int32(index), spec, facts)
    nothing = (found.upper <= 0) | (found.lower > found.upper)
    closed_by = jnp.where((found.closed_by < 0) & nothing, found.upper_by, found.closed_by)
    return found._replace(closed_by=closed_by)


def decide(
    policy: Policy, limits: Sequence[Limit], spec: Any, facts_of: Callable[[Any], Facts] | Facts
) -> Callable[[Any, Any, Any, Any], tuple[Choice, Any]]:
    """`(key, observation, mask, memory) -> (Choice, memory)`: the policy inside the limits.

    `facts_of` reads the facts from an observation, or is the facts themselves. `mask` is the
    environment's (None: all rows).

    Raises:
        ValueError: when the table has no row without a dose, or units cannot be compared.
    """
    limits = tuple(limits)
    _check(limits, spec)
    choose = _choose_row if spec.actions else _choose_amount

    def decision(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Choice, Any]:
        facts = facts_of if isinstance(facts_of, Facts) else facts_of(observation)
        return choose(policy, limits, spec, facts, key, observation, mask, memory)

    return decision


def shield(policy: Policy, limits: Sequence[Limit], spec: Any, facts_of: Callable[[Any], Facts] | Facts) -> Policy:
    """`policy` held inside `limits`, as a policy; `decide` also says what bound it.

    Arguments and errors as `decide`. A policy with probabilities keeps them, masked and normalised.
    """
    decision = decide(policy, limits, spec, facts_of)
    propose = policy.probabilities

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any]:
        choice, memory = decision(key, observation, mask, memory)
        return choice.action, memory

    def probabilities(observation: Any, mask: Any, memory: Any) -> Any:
        facts = facts_of if isinstance(facts_of, Facts) else facts_of(observation)
        mask = _final_mask(limits, spec, facts, mask)[0]
        assert propose is not None
        return _normalised(propose(observation, mask, memory), mask, spec)

    masked = probabilities if propose is not None and spec.actions else None
    return Policy(f"{policy.name} (shielded)", act, masked, policy.memory)


# Finite dose tables.


def _choose_row(
    policy: Policy, limits: Sequence[Limit], spec: Any, facts: Facts, key: Any, observation: Any, mask: Any, memory: Any
) -> tuple[Choice, Any]:
    import jax.numpy as jnp

    final, closer, abstained = _final_mask(limits, spec, facts, mask)
    # What the policy would choose without hard limits tells which limit bound it. The two calls
    # differ in the mask only, so the compiler shares everything before it.
    free = _with_no_dose(allowed([x for x in limits if x.offer], spec, facts)[0], spec)[0]
    wanted, wanted_valid = _row(policy.act(key, observation, free, memory)[0], spec)
    answer, memory = policy.act(key, observation, final, memory)
    row, valid = _row(answer, spec)
    kept = valid & final[row]
    action = jnp.where(kept, row, jnp.where(valid, _nearest_row(row, final, spec), _zero_row(final, spec)))
    abstained = abstained | ~valid

    bound = jnp.where(wanted_valid, closer[wanted], -1)
    bound = jnp.where((bound < 0) & valid & ~kept, closer[row], bound)
    bound = jnp.where((bound < 0) & abstained & valid, closer[_first_dose_row(spec)], bound)
    bound = jnp.where(~valid | ((bound < 0) & ~kept), len(limits), bound)
    return Choice(action.astype(jnp.int32), bound.astype(jnp.int32), abstained), memory


def _final_mask(limits: Sequence[Limit], spec: Any, facts: Facts, mask: Any) -> tuple[Any, Any, Any]:
    permitted, closer = allowed(limits, spec, facts)
    if mask is not None:
        permitted = permitted & mask
    final, abstained = _with_no_dose(permitted, spec)
    return final, closer, abstained


def _with_no_dose(mask: Any, spec: Any) -> tuple[Any, Any]:
    import jax.numpy as jnp

    kinds = _kinds(spec)
    counts = kinds != NO_DOSE if (kinds == DOSE).any() else np.ones(len(kinds), bool)
    only_no_dose = np.arange(len(kinds)) == _no_dose_row(spec)
    return jnp.where(mask.any(), mask, only_no_dose), ~(mask & counts).any()


def _row(answer: Any, spec: Any) -> tuple[Any, Any]:
    import jax.numpy as jnp

    answer = jnp.asarray(answer)
    valid = (answer >= 0) & (answer < len(spec.actions))
    return jnp.where(valid, answer, 0).astype(jnp.int32), valid


def _nearest_row(row: Any, mask: Any, spec: Any) -> Any:
    """The allowed row whose amount is nearest; of two as near, the smaller dose."""
    import jax.numpy as jnp

    amounts = np.array([a.amount for a in spec.actions], np.float32)
    order = np.argsort(amounts, kind="stable").astype(np.int32)
    distance = jnp.where(mask, jnp.abs(jnp.asarray(amounts) - jnp.asarray(amounts)[row]), jnp.inf)
    return jnp.asarray(order)[jnp.argmin(distance[order])]


def _zero_row(mask: Any, spec: Any) -> Any:
    """The allowed row without a dose, for an answer that is none; the no-dose row where none is allowed."""
    import jax.numpy as jnp

    zero = mask & np.array([a.amount == 0 for a in spec.actions])
    return jnp.where(zero.any(), jnp.argmax(zero), _no_dose_row(spec)).astype(jnp.int32)


def _normalised(proposed: Any, mask: Any, spec: Any) -> Any:
    import jax.numpy as jnp

    kept = jnp.where(mask & (proposed > 0), proposed, 0.0)
    total = kept.sum()
    amounts = np.array([a.amount for a in spec.actions], np.float32)
    smallest = jnp.arange(len(amounts)) == jnp.argmin(jnp.where(mask, jnp.asarray(amounts), jnp.inf))
    return jnp.where(total > 0, kept / jnp.where(total > 0, total, 1.0), smallest.astype(kept.dtype))


def _kinds(spec: Any) -> np.ndarray:
    return np.array([DELAY if a.delay else DOSE if a.amount > 0 else NO_DOSE for a in spec.actions], np.int32)


def _no_dose_row(spec: Any) -> int:
    """The row given when nothing is allowed: without a dose, a visit rather than a delay."""
    without = [i for i, a in enumerate(spec.actions) if a.amount == 0]
    if not without:
        raise ValueError(f"{spec.id}: actions have no row with amount 0; limits need one, for when no dose is allowed")
    return min(without, key=lambda i: spec.actions[i].delay)


def _first_dose_row(spec: Any) -> int:
    """The smallest dose of the table: what closes it closes every dose above."""
    return min(range(len(spec.actions)), key=lambda i: spec.actions[i].amount or np.inf)


def permits(limit: Limit, spec: Any, facts: Facts, amounts: Any = None) -> Any:
    """Which rows of `spec.actions` one limit allows, `[A]`; `amounts[A]` stand in for those of the rows that are doses, as
    `amounts_for` the limit."""
    import jax.numpy as jnp

    bounds, kinds = limit(facts), _kinds(spec)
    permitted = bounds.mask[kinds]
    if not limit.unit:
        return permitted
    units = sorted({a.unit for a in spec.actions})  # one, as a rule
    ends = [in_unit(bounds.lower, bounds.upper, limit, unit, facts) for unit in units]
    row = np.array([units.index(a.unit) for a in spec.actions])
    lower, upper = (jnp.stack(end)[row] for end in zip(*ends, strict=True))
    amounts = jnp.array(amounts_for(limit, spec.actions)) if amounts is None else amounts
    inside = (amounts >= lower) & (amounts <= upper)
    return permitted & (inside | (kinds != DOSE))


def amounts_for(limit: Limit, actions: Sequence[Any]) -> list[float]:
    """Amounts of actions as a limit bounds them; 0 for one that bounds none."""
    return [comparable(a.amount, a.unit, a.interval, limit) if limit.unit else 0.0 for a in actions]


# Continuous doses.


def _choose_amount(
    policy: Policy, limits: Sequence[Limit], spec: Any, facts: Facts, key: Any, observation: Any, mask: Any, memory: Any
) -> tuple[Choice, Any]:
    import jax.numpy as jnp

    found = interval(limits, spec, facts)
    answer, memory = policy.act(key, observation, mask, memory)
    answer = jnp.asarray(answer)
    valid, closed = jnp.isfinite(answer), found.closed_by >= 0
    bound = jnp.where(answer < found.lower, found.lower_by, -1)
    bound = jnp.where(answer > found.upper, found.upper_by, bound)
    bound = jnp.where(valid, bound, len(limits))
    bound = jnp.where(closed, found.closed_by, bound)
    given = jnp.where(closed | ~valid, 0.0, jnp.clip(answer, found.lower, found.upper))
    return Choice(given, bound.astype(jnp.int32), closed | ~valid), memory


def _narrowed(found: Interval, limit: Limit, index: Any, spec: Any, facts: Facts) -> Interval:
    import jax.numpy as jnp

    bounds = limit(facts)
    closed = ~bounds.mask[DOSE]
    if limit.unit:
        scale = comparable(1.0, spec.action_unit, 0.0, limit, continuous=True)
        low, high = in_unit(bounds.lower, bounds.upper, limit, spec.action_unit, facts)
        low, high = low / scale, high / scale
        closed = closed | jnp.isnan(high)  # the size of the patient is unknown
        found = found._replace(
            lower=jnp.where(low > found.lower, low, found.lower),
            lower_by=jnp.where(low > found.lower, index, found.lower_by),
            upper=jnp.where(high <= found.upper, high, found.upper),
            upper_by=jnp.where(high <= found.upper, index, found.upper_by),
        )
    return found._replace(closed_by=jnp.where(closed, index, found.closed_by))


def _check(limits: Sequence[Limit], spec: Any) -> None:
    for action in spec.actions:
        if not action.amount >= 0 or (action.delay and action.amount != 0):
            raise ValueError(
                f"{spec.id}: action '{action.label}' has amount {action.amount:g}; allowed: 0 or more, delays 0"
            )
        for limit in limits:
            if limit.unit:
                comparable(action.amount, action.unit, action.interval, limit)
    if spec.actions:
        _no_dose_row(spec)
    else:
        for limit in limits:
            if limit.unit:
                comparable(1.0, spec.action_unit, 0.0, limit, continuous=True)
