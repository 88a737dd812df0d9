"""What each option led to in the virtual patients most like this one."""

from __future__ import annotations

from typing import Any

import numpy as np

from posology.bedside.believed import Believed, engine, measured_of, what_happened
from posology.bedside.consult import Consultation
from posology.bedside.forecast import outlook, summary
from posology.bedside.options import Option
from posology.explanation.nearest import nearest
from posology.patients.particles import moments


def neighbours(c: Consultation, laid: tuple[Option, ...], at: int) -> dict[str, Any]:
    """Virtual patients of the same covariates who had the same doses: what each option led to in those most like this one."""
    draws, patient = len(c.patient.belief.log_weight), c.patient
    e = engine(c.treatment, draws, measured_of(c.treatment, c.found))
    past, frame = what_happened(c.treatment, c.found)
    unmeasured = past._replace(present=np.zeros_like(past.present))
    cohort = Believed(e.believer, patient.covariates, *e.replay(patient.covariates, unmeasured, frame))
    belief = cohort.belief
    ahead = outlook(c.treatment, cohort, [o.action for o in laid], [o.amount for o in laid])
    prior = e.believer.prior
    mean = np.asarray(moments(patient.belief)[0])
    near = nearest(np.asarray(belief.effects), ahead.weight, mean, np.sqrt(np.diag(prior.factor @ prior.factor.T)))
    weight, spec = np.full(len(near.rows), 1 / len(near.rows)), c.treatment.spec
    options = [
        {
            "label": o.action.label,
            "dose": o.action.amount,
            "unit": o.action.unit,
            "harm": {name: float((ahead.costs[i, near.rows, k] > 0).mean()) for k, name in enumerate(spec.costs)},
            "reward": summary(ahead.reward[i, near.rows], weight),
            "lowest": summary(ahead.lowest[i, near.rows], weight),
            "at_next_visit": summary(ahead.end[i, near.rows], weight),
        }
        for i, o in enumerate(laid)
    ]
    effects = np.asarray(belief.effects)[near.rows]
    return {
        "number": len(near.rows),
        "of_cohort": draws,
        "of": laid[at].action.label,
        "reading": c.treatment.key,
        "unit": c.treatment.model.reading_units[c.treatment.key],
        "options": options,
        "distance": {"nearest": float(near.distance[0]), "farthest": float(near.distance[-1]), "usual": near.usual},
        "parameters": {n: [float(f"{v:.4g}") for v in np.exp(effects[:, r])] for r, n in enumerate(prior.names)},
    }
