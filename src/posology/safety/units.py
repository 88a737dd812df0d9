"""Units of dose, so that a limit in mg/m2 meets a dose in mg through the patient's own size."""

from __future__ import annotations

from typing import Any, NamedTuple

from posology.safety.limits import Facts, Limit

_MASSES = {"ug": 1e-3, "mg": 1.0, "g": 1e3}
_SIZES = {"": None, "m2": "bsa", "kg": "weight"}


class DoseUnit(NamedTuple):
    """A unit of dose: mg in one of its mass, what it is per (m2, kg or nothing), whether per day."""

    mass: float
    per: str
    daily: bool


def unit_of(text: str) -> DoseUnit:
    """The parts of a unit such as mg, mg/m2 or mg/kg/d.

    Raises:
        ValueError: naming the parts allowed.
    """
    mass, *rest = text.split("/")
    daily = bool(rest) and rest[-1] in ("d", "day")
    rest = rest[:-1] if daily else rest
    per = rest[0] if rest else ""
    if mass not in _MASSES or per not in _SIZES or len(rest) > 1:
        raise ValueError(f"dose unit is '{text}'; allowed: ug, mg or g, then /m2 or /kg, then /d")
    return DoseUnit(_MASSES[mass], per, daily)


def comparable(amount: float, unit: str, every: float, limit: Limit, continuous: bool = False) -> float:
    """`amount` (given every so many hours; 0: once) in the limit's mass and per dose or day as it bounds.

    Sizes (m2, kg) differ between patients and are left to `in_unit`.
    """
    given, bound = unit_of(unit), unit_of(limit.unit)
    if continuous and given.daily != bound.daily:
        raise ValueError(
            f"{limit.id} is in {limit.unit}, but the action is in {unit}; both must be per dose or both per day"
        )
    times = 1.0
    if every > 0 and given.daily != bound.daily:
        times = every / 24.0 if given.daily else max(24.0 / every, 1.0)  # a longer wait makes no day smaller
    return amount * (given.mass / bound.mass) * times


def in_unit(lower: Any, upper: Any, limit: Limit, unit: str, facts: Facts) -> tuple[Any, Any]:
    """Bounds per m2 or kg as the action is given; NaN, which allows nothing, where the size is unknown."""
    import jax.numpy as jnp

    of_limit, of_action = _SIZES[unit_of(limit.unit).per], _SIZES[unit_of(unit).per]
    if of_limit == of_action:
        return lower, upper
    for size, multiplies in ((of_limit, True), (of_action, False)):
        if size is not None:
            value = jnp.asarray(getattr(facts, size))
            value = jnp.where((value > 0) & jnp.isfinite(value), value, jnp.nan)
            lower, upper = (lower * value, upper * value) if multiplies else (lower / value, upper / value)
    return lower, upper
