"""What a clinician did with a card: accepted a suggestion, or overrode it and why.

    POST {base}/cds-services/{id}/feedback    https://cds-hooks.hl7.org/2.0/#feedback
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from posology.clinic.hooks.checked import Coding, Part, Uuid, Words, checked

REASONS_SYSTEM = "urn:posology:override-reason"
REASONS = {
    "patient-condition": "The patient's condition speaks against it",
    "patient-wish": "The patient does not want it",
    "other-information": "I know something that the record does not hold",
    "protocol": "A protocol or trial asks for another dose",
    "not-applicable": "The model does not fit this patient",
    "disagree": "I do not agree with the recommendation",
}


class Accepted(Part):
    """A suggestion that was accepted."""

    id: Uuid


class Override(Part):
    """Why a card was overridden: a reason of the card's list or of the client's own, words, or both."""

    reason: Coding | None = None
    userComment: Words | None = None

    @model_validator(mode="after")
    def _either(self) -> Override:
        if self.reason is None and self.userComment is None:
            raise ValueError("must hold a reason, a userComment or both")
        return self


class Entry(Part):
    """What became of one card."""

    card: Uuid
    outcome: Literal["accepted", "overridden"]
    acceptedSuggestions: list[Accepted] = []
    overrideReason: Override | None = None
    outcomeTimestamp: datetime

    @field_validator("outcomeTimestamp")
    @classmethod
    def _zoned(cls, when: datetime) -> datetime:
        if when.tzinfo is None:
            raise ValueError("must have a time zone")
        return when.astimezone(UTC)

    @model_validator(mode="after")
    def _whole(self) -> Entry:
        if self.outcome == "accepted" and not self.acceptedSuggestions:
            raise ValueError("acceptedSuggestions is missing; it is needed where the outcome is 'accepted'")
        return self


class Feedback(Part):
    """The body of a call of the feedback endpoint."""

    feedback: Annotated[list[Entry], Field(min_length=1)]


def feedback(raw: Any) -> tuple[Entry, ...]:
    """What became of each card.

    Raises:
        ValueError: with the path of what is wrong.
    """
    return tuple(checked(Feedback, raw, "feedback").feedback)


def reasons() -> list[dict[str, str]]:
    """The reasons that a card offers."""
    return [{"system": REASONS_SYSTEM, "code": code, "display": words} for code, words in REASONS.items()]


def override_rate(entries: tuple[Entry, ...]) -> float:
    """The share of cards that were overridden: a rule that is mostly overridden tires and should go.

    Raises:
        ValueError: without a card.
    """
    if not entries:
        raise ValueError("feedback: is empty; a share needs at least one card")
    return sum(e.outcome == "overridden" for e in entries) / len(entries)
