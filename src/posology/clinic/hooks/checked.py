"""A message of CDS Hooks checked against its model: one sentence with the path of the first fault."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

Message = TypeVar("Message", bound=BaseModel)


class Part(BaseModel):
    """A piece of a message. What we do not know is left alone: clients may extend."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


def _uuid(text: str) -> str:
    return str(UUID(text))


Words = Annotated[str, Field(min_length=1, strict=True)]
Uuid = Annotated[str, Field(strict=True), AfterValidator(_uuid)]


class Coding(Part):
    """A code with its system and what it means."""

    code: Words
    system: str | None = None
    display: str | None = None


def checked(model: type[Message], raw: Any, where: str) -> Message:
    """The message as `model`.

    Raises:
        ValueError: `where`, the path, what is allowed there and what was got.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in fault["loc"]).removeprefix(".")
        text = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"].lower()
        whole = fault["type"] in ("missing", "value_error") and isinstance(fault["input"], dict)
        got = "" if whole else f", got {shown(fault['input'])}"
        said = "is missing" if fault["type"] == "missing" else text
        raise ValueError(f"{where}, {path or 'the whole'}: {said}{got}") from None


def shown(value: Any) -> str:
    """A value in a sentence, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
