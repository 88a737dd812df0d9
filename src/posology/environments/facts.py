"""What limits look at, read from a history: never from hidden state."""

from __future__ import annotations

from typing import Any

from posology.data.history import DAY, History, latest
from posology.environments.treatment import Treatment
from posology.safety.limits import Facts
from posology.safety.personal import fluoropyrimidine_share

COVARIATES = ("bilirubin", "hep12", "bsa", "weight", "age", "crcl")


def facts_of(history: History, now: Any, treatment: Treatment) -> Facts:
    """The facts at time `now` (hours) for one patient.

    Before anything is measured in the course, the count before treatment stands for the latest count,
    as old as the course. Delays in a row follow from the calendar: whole waits of a delay beyond the
    standard interval since the last dose. A reading later than the first dose is a response to it; where the share of the
    clearance that DPYD leaves is known, so is what the gene leaves of a first dose.
    """
    import jax.numpy as jnp

    names = [c.name for c in treatment.channels]
    values = {k: latest(history, names.index(k), now)[0] for k in COVARIATES if k in names}
    count, age = latest(history, names.index("anc"), now) if "anc" in names else (jnp.nan, jnp.nan)
    if "baseline_anc" in names:
        before, old = latest(history, names.index("baseline_anc"), now)
        count, age = jnp.where(jnp.isnan(count), before, count), jnp.where(jnp.isnan(age), old, age)
    dose = names.index("dose")
    last, since = latest(history, dose, now)
    given = history.present & (history.what == dose) & (history.time <= now)
    per = values.get("bsa", jnp.nan)  # the facts are per m2: without a body surface nothing is known of them
    total = jnp.sum(jnp.where(given, history.value, 0.0))
    waits = [a.wait for a in treatment.actions if a.delay]
    days = since / DAY
    late = jnp.round((days - treatment.standard.wait) / waits[0]) if waits else 0.0
    reading = jnp.asarray([c.kind == "reading" for c in treatment.channels])[history.what]
    first = jnp.min(jnp.where(given & (history.value > 0), history.time, jnp.inf))
    after = history.present & reading & (history.time > first) & (history.time <= now)
    genes = {}
    if "dpyd" in names:
        genes["gene_share"] = fluoropyrimidine_share(2 * latest(history, names.index("dpyd"), now)[0])
    return Facts(
        anc=count,
        anc_age=age / DAY,
        cumulative_dose=jnp.where(total == 0, 0.0, total / per),
        last_dose=last / per,
        delays_in_row=jnp.where(jnp.isnan(days), 0.0, jnp.maximum(late, 0.0)),
        days_since_dose=days,
        responded=jnp.any(after).astype(float),
        **genes,
        **values,
    )
