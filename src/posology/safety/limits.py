"""Limits: which doses a patient's facts allow, each with its source and a plain sentence.

A `Limit` maps the `Facts` of one patient to `Bounds`: the smallest and largest dose in the limit's
unit, and which kinds of action stay open. Facts are what a record holds, never a hidden state.
Limits are data: equal numbers make equal, hashable limits, so that a treatment can be fingerprinted.
`posology.safety.shield` turns limits into masks over a dose table and holds policies inside them.

A missing fact (NaN) is answered as the limit's `when_missing` says. An impossible one (infinite or
negative) is an error in the record and closes the limit whatever `when_missing` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

NO_DOSE, DOSE, DELAY = 0, 1, 2  # kinds of action: a visit without a dose, a dose, a wait
MISSING = float("nan")
WHEN_MISSING = ("block", "ignore", "lowest")
BILIRUBIN_ULN = 21.0  # umol/L, adult default where the laboratory gives no upper limit of normal

Kinds = tuple[bool, bool, bool]
NOT_A_DOSE: Kinds = (True, False, True)
ONLY_DELAY: Kinds = (False, False, True)
NOT_A_DELAY: Kinds = (True, True, False)


class Facts(NamedTuple):
    """What is known of one patient at a decision: scalars, NaN = missing; vmap for many patients.

    `bilirubin_ratio` is bilirubin over the laboratory's own upper limit of normal (ULN) and goes
    before `bilirubin`, which is compared with the default ULN of 21 umol/L. `days_since_dose` may
    be missing before the first dose, when `cumulative_dose` is 0.
    """

    anc: Any = MISSING  # 10^9/L, latest
    anc_age: Any = MISSING  # days since it was measured
    bilirubin: Any = MISSING  # umol/L, latest
    bilirubin_ratio: Any = MISSING  # latest, over the laboratory's ULN
    hep12: Any = MISSING  # 1: AST or ALT > 1.5 x ULN together with ALP > 2.5 x ULN, else 0
    cumulative_dose: Any = MISSING  # mg/m2 given so far
    last_dose: Any = MISSING  # mg/m2
    last_nadir_grade: Any = MISSING  # CTCAE grade of the last nadir, 0 to 4
    delays_in_row: Any = MISSING  # delays since the last dose
    bsa: Any = MISSING  # m2
    weight: Any = MISSING  # kg
    age: Any = MISSING  # years
    days_since_dose: Any = MISSING  # days since the last dose
    gene_share: Any = MISSING  # share of the usual first dose that pharmacogenes leave; 0: to be avoided
    responded: Any = MISSING  # 1 when a level or a count was measured after a dose, else 0
    crcl: Any = MISSING  # creatinine clearance, latest; mL/min, of a child per 1.73 m2
    liver_share: Any = MISSING  # share of the usual dose at this bilirubin; 0: contraindicated


class Bounds(NamedTuple):
    """What one limit allows: doses in [`lower`, `upper`], in its unit, and open kinds of action.

    `mask` is bool[3]: no dose, a dose, a delay.
    """

    lower: Any
    upper: Any
    mask: Any


@dataclass(frozen=True)
class Limit:
    """One limit. `rule(facts, **numbers)` gives `(lower, upper, open)`; calling the limit, `Bounds`.

    `needs` lists the facts it reads, alternatives together in a tuple; `closed` says which kinds
    remain when it is not open. A `gate` is a limit that waiting can open; an `offer` decides which
    delays exist at all. `lowest` is the strictest dose of the rule, for `when_missing="lowest"`.
    """

    id: str
    sentence: str
    source: str
    status: str
    rule: Callable[..., tuple[Any, Any, Any]]
    numbers: tuple[tuple[str, Any], ...] = ()
    unit: str = ""
    needs: tuple[tuple[str, ...], ...] = ()
    when_missing: str = "block"
    closed: Kinds = NOT_A_DOSE
    lowest: float | None = None
    gate: bool = False
    offer: bool = False

    def __post_init__(self) -> None:
        if self.when_missing not in WHEN_MISSING:
            raise ValueError(f"{self.id}: when_missing is '{self.when_missing}'; allowed: {', '.join(WHEN_MISSING)}")
        if self.when_missing == "lowest" and self.lowest is None:
            raise ValueError(
                f"{self.id}: when_missing is 'lowest', but the limit has no lowest dose; allowed: block, ignore"
            )

    def __call__(self, facts: Facts) -> Bounds:
        """Bounds for one patient."""
        import jax.numpy as jnp

        facts = _arrays(facts)
        missing, impossible = _unknown(facts, self.needs)
        lower, upper, is_open = self.rule(facts, **dict(self.numbers))
        if self.when_missing == "block":
            is_open = is_open & ~missing
        else:
            instead = self.lowest if self.when_missing == "lowest" and self.lowest is not None else jnp.inf
            lower, upper = jnp.where(missing, 0.0, lower), jnp.where(missing, instead, upper)
            is_open = is_open | missing
        is_open = is_open & ~impossible
        return Bounds(jnp.asarray(lower), jnp.asarray(upper), jnp.asarray(is_open) | jnp.asarray(self.closed))


def _arrays(facts: Facts) -> Facts:
    """Facts as arrays; before the first dose there is no time since one, and nothing to wait for."""
    import jax.numpy as jnp

    facts = Facts(*(_plain(jnp.asarray(fact)) for fact in facts))
    never = jnp.isnan(facts.days_since_dose) & (facts.cumulative_dose == 0)
    return facts._replace(days_since_dose=jnp.where(never, jnp.finfo(jnp.float32).max, facts.days_since_dose))


def _plain(fact: Any) -> Any:
    """A float; 0 for numbers too small to be normal, which some processors read as 0 and others do not."""
    import jax.numpy as jnp

    if not jnp.issubdtype(fact.dtype, jnp.floating):
        fact = fact.astype(jnp.float32)
    return jnp.where(jnp.abs(fact) < jnp.finfo(jnp.float32).tiny, jnp.zeros_like(fact), fact)


def _unknown(facts: Facts, needs: tuple[tuple[str, ...], ...]) -> tuple[Any, Any]:
    import jax.numpy as jnp

    missing, impossible = jnp.asarray(False), jnp.asarray(False)
    for alternatives in needs:
        values = [jnp.asarray(getattr(facts, name)) for name in alternatives]
        absent = jnp.asarray(True)
        for value in values:
            absent = absent & jnp.isnan(value)
            impossible = impossible | jnp.isinf(value) | (value < 0)
        missing = missing | absent
    return missing, impossible


# Rules. Written without division, so that compiled and plain results agree at every threshold.


def _at_most(facts: Facts, maximum: float) -> tuple[Any, Any, Any]:
    return 0.0, maximum, True


def _count_recovered(facts: Facts, lowest_anc: float, oldest: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    return 0.0, jnp.inf, (facts.anc >= lowest_anc) & (facts.anc_age <= oldest)


def _bilirubin_steps(facts: Facts, steps: tuple[tuple[float, float], ...], uln: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    upper: Any = 0.0
    for multiple, dose in reversed(steps):
        upper = jnp.where(_bilirubin_within(facts, multiple, uln), dose, upper)
    return 0.0, upper, upper > 0


def _bilirubin_within(facts: Facts, multiple: float, uln: float) -> Any:
    import jax.numpy as jnp

    no_ratio = jnp.isnan(facts.bilirubin_ratio)
    return jnp.where(no_ratio, facts.bilirubin <= multiple * uln, facts.bilirubin_ratio <= multiple)


def _share_by_clearance(facts: Facts, steps: tuple[tuple[float, float], ...], full: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    upper: Any = 0.0
    for least, share in reversed(steps):
        upper = jnp.where(facts.crcl >= least, share * full if share < 1 else jnp.inf, upper)
    return 0.0, upper, upper > 0


def _liver_normal(facts: Facts, uln: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    return 0.0, jnp.inf, _bilirubin_within(facts, 1.0, uln) & (facts.hep12 == 0)


def _left_of(facts: Facts, lifetime: float) -> tuple[Any, Any, Any]:
    left = lifetime - facts.cumulative_dose
    return 0.0, left, left > 0


def _elapsed(facts: Facts, days: float) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    return 0.0, jnp.inf, facts.days_since_dose >= days


def _delays_left(facts: Facts, most: int) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    return 0.0, jnp.inf, facts.delays_in_row < most


def _some_gate_closed(facts: Facts, gates: tuple[Limit, ...]) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp

    closed = jnp.asarray(False)
    for gate in gates:
        closed = closed | ~gate(facts).mask[DOSE]
    return 0.0, jnp.inf, closed


# Constructors.


def single_dose(id: str, maximum: float, unit: str, *, source: str, status: str) -> Limit:
    """No dose above `maximum`. A daily unit (mg/kg/d) bounds what the schedule gives in 24 hours."""
    return Limit(id, f"no dose above {maximum:g} {unit}", source, status, _at_most, (("maximum", maximum),), unit)


def anc_gate(lowest: float = 1.5, oldest: float = 7.0, *, source: str, status: str) -> Limit:
    """A dose only with ANC >= `lowest` (10^9/L), measured at most `oldest` days ago; else wait."""
    return Limit(
        "anc-gate",
        f"a dose only with neutrophils of at least {lowest:g} x10^9/L measured within {oldest:g} days; otherwise wait",
        source,
        status,
        _count_recovered,
        (("lowest_anc", lowest), ("oldest", oldest)),
        needs=(("anc",), ("anc_age",)),
        closed=ONLY_DELAY,
        gate=True,
    )


def minimum_interval(days: float, *, source: str, status: str) -> Limit:
    """No dose earlier than `days` after the last one; until then, wait."""
    return Limit(
        "minimum-interval",
        f"no dose earlier than {days:g} days after the last one",
        source,
        status,
        _elapsed,
        (("days", days),),
        needs=(("days_since_dose",),),
        closed=ONLY_DELAY,
        gate=True,
    )


def most_delays(most: int = 2, *, source: str = "design choice", status: str = "assumed") -> Limit:
    """At most `most` delays in a row: after them a closed gate leaves nothing, and we abstain."""
    return Limit(
        "most-delays",
        f"at most {most} delays in a row",
        source,
        status,
        _delays_left,
        (("most", most),),
        needs=(("delays_in_row",),),
        closed=NOT_A_DELAY,
        offer=True,
    )


def delay_when_closed(*gates: Limit, source: str = "design choice", status: str = "assumed") -> Limit:
    """A delay exists only while one of `gates` is closed, so that waiting is never a free choice."""
    return Limit(
        "delay-when-closed",
        "a delay only while a dose has to wait",
        source,
        status,
        _some_gate_closed,
        (("gates", gates),),
        closed=NOT_A_DELAY,
        offer=True,
    )


def bilirubin_steps(
    id: str,
    steps: tuple[tuple[float, float], ...],
    *,
    source: str,
    status: str,
    uln: float = BILIRUBIN_ULN,
    when_missing: str = "block",
) -> Limit:
    """Largest dose (mg/m2) by bilirubin: `steps` are (multiple of ULN, dose), rising; above: none.

    Raises:
        ValueError: when the multiples do not rise or the doses do not fall.
    """
    rising = all(a < b and x >= y > 0 for (a, x), (b, y) in zip(steps, steps[1:], strict=False))
    if not steps or not rising:
        raise ValueError(f"{id}: steps are {steps}; allowed: rising multiples of ULN with falling positive doses")
    listed = ", ".join(f"{dose:g} up to {multiple:g} x ULN" for multiple, dose in steps)
    return Limit(
        id,
        f"largest dose by bilirubin in mg/m2: {listed}, none above "
        f"(ULN {uln:g} umol/L unless the laboratory's is given)",
        source,
        status,
        _bilirubin_steps,
        (("steps", steps), ("uln", uln)),
        unit="mg/m2",
        needs=(("bilirubin_ratio", "bilirubin"),),
        when_missing=when_missing,
        lowest=steps[-1][1],
    )


def clearance_steps(
    id: str,
    steps: tuple[tuple[float, float], ...],
    full: float,
    unit: str,
    *,
    source: str,
    status: str,
    when_missing: str = "block",
) -> Limit:
    """Largest dose by creatinine clearance: `steps` are (at least so many mL/min, share of `full`), falling; below: none.

    A whole share bounds nothing.

    Raises:
        ValueError: when the clearances or the shares do not fall.
    """
    falling = all(a > b and x > y > 0 for (a, x), (b, y) in zip(steps, steps[1:], strict=False))
    if not steps or not falling:
        raise ValueError(f"{id}: steps are {steps}; allowed: falling clearances with falling positive shares")
    listed = ", ".join(f"{share * full:g} {unit} from {least:g}" for least, share in steps if share < 1)
    return Limit(
        id,
        f"largest dose by creatinine clearance in mL/min: {listed}, unbounded from {steps[0][0]:g}, none below {steps[-1][0]:g}",
        source,
        status,
        _share_by_clearance,
        (("steps", steps), ("full", full)),
        unit=unit,
        needs=(("crcl",),),
        when_missing=when_missing,
        lowest=steps[-1][1] * full,
    )


def normal_liver(id: str, *, source: str, status: str, uln: float = BILIRUBIN_ULN) -> Limit:
    """No dose with bilirubin above ULN, or with raised AST or ALT together with ALP (HEP12)."""
    return Limit(
        id,
        "no dose with bilirubin above the upper limit of normal "
        f"({uln:g} umol/L unless the laboratory's is given), "
        "or with AST or ALT above 1.5 x ULN together with ALP above 2.5 x ULN",
        source,
        status,
        _liver_normal,
        (("uln", uln),),
        needs=(("bilirubin_ratio", "bilirubin"), ("hep12",)),
    )


def cumulative(id: str, lifetime: float, *, source: str, status: str) -> Limit:
    """The sum of all doses stays within `lifetime` (mg/m2): a dose may use up what is left."""
    return Limit(
        id,
        f"all doses together at most {lifetime:g} mg/m2",
        source,
        status,
        _left_of,
        (("lifetime", lifetime),),
        unit="mg/m2",
        needs=(("cumulative_dose",),),
    )
