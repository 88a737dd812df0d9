"""What is recommended to a patient of the clinic, and why: one question, computed once for pages, routes and hooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import Request

from posology.bedside.decide import record_hash
from posology.clinic import offers, store
from posology.clinic.offers import Offer
from posology.clinic.web.shared import clinic_of
from posology.data.record import Record

At = float | str | None


def offer_of(request: Request, treatment: str, policy: str = "") -> Offer:
    """What is offered under these names, policies of the database among them; an empty policy is the default.

    Raises:
        NotFound: naming what is offered.
    """
    clinic = clinic_of(request)
    return offers.offer(treatment, policy, store.list_policies(clinic.engine), clinic.settings.data)


def recommended(request: Request, offer: Offer, record: Record, at: At = None, to_horizon: bool = False) -> dict[str, Any]:
    """`bedside.recommend` for a record, under the name of the offer; plain data of its own for each caller.

    Raises:
        ValueError: as `bedside.recommend`; Unavailable when too many wait.
    """

    def ask() -> dict[str, Any]:
        from posology.bedside.recommend import recommend

        answer = recommend(offer.treatment, offer.source, record, at, to_horizon=to_horizon)
        return answer | {"policy": offer.name}

    asked = ("recommendation", record_hash(record), offer.treatment.id, offer.name, offer.source, at, to_horizon)
    return clinic_of(request).computing.answer(asked, ask)


def explained(request: Request, offer: Offer, record: Record, at: At = None) -> dict[str, Any]:
    """`bedside.explain` for a record; raises as `recommended`."""
    return clinic_of(request).explaining.answer(*_why(offer, record, at))


def explained_later(request: Request, offer: Offer, record: Record, at: At = None) -> dict[str, Any] | None:
    """The same when it is there, None while it is worked out."""
    return clinic_of(request).explaining.later(*_why(offer, record, at))


def _why(offer: Offer, record: Record, at: At) -> tuple[Any, Callable[[], dict[str, Any]]]:
    def ask() -> dict[str, Any]:
        from posology.bedside.explain import explain

        return explain(offer.treatment, offer.source, record, at) | {"policy": offer.name}

    return ("explanation", record_hash(record), offer.treatment.id, offer.name, offer.source, at), ask


def followed(request: Request, treatment: str, record: Record, regimens: list[dict[str, Any]], at: At = None) -> dict[str, Any]:
    """`bedside.courses` for a record; raises as `recommended`, and NotFound for a treatment that is not offered."""
    asked = offers.offer(treatment).treatment

    def ask() -> dict[str, Any]:
        from posology.bedside.courses import courses

        return courses(asked, record, regimens, at)

    key = ("courses", record_hash(record), asked.id, json.dumps(regimens, sort_keys=True), at)
    return clinic_of(request).computing.answer(key, ask)
