"""The low-grade glioma of Ribba 2012: tissue that divides, that rests, and that rests damaged by treatment.

    dp/dt = lam·p·(1 − (p + q + d)/k) + kdp·d − kpq·p − kill_p·p
    dq/dt = kpq·p − kill_q·q
    dd/dt = kill_q·q − kdp·d − ddm·d

All in mm of mean tumour diameter. `kill_p` and `kill_q` are the rates at which treatment kills dividing and damages
resting tissue; damaged tissue dies (ddm) or repairs itself and divides again (kdp).
Ribba B et al. Clin Cancer Res 2012;18:5071.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Tissue(NamedTuple):
    """Derivatives of the three kinds of tissue."""

    p: Any
    q: Any
    d: Any


def tissue(x: Any, p: Any, kill_p: Any, kill_q: Any) -> Tissue:
    """Derivatives of `p, q, d` for rates of kill."""
    growth = p.lam * x.p * (1 - diameter(x) / p.k)
    resting, damaged, repaired = p.kpq * x.p, kill_q * x.q, p.kdp * x.d
    return Tissue(growth + repaired - resting - kill_p * x.p, resting - damaged, damaged - repaired - p.ddm * x.d)


def diameter(x: Any) -> Any:
    """Mean tumour diameter: what a scan shows."""
    return x.p + x.q + x.d
