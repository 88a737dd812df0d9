"""What is wrong with a record, as one sentence that names file, row and field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

# Location of an entry in a record → its line in the file, or words for its place.
Lines = Mapping[tuple[str | int, ...], int | str]

Made = TypeVar("Made")

_SENTENCES = {
    "missing": "is missing",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "finite_number": "must be a finite number",
    "model_type": "must be an object of named fields",
    "tuple_type": "must be a list",
    "dict_type": "must be an object of names and values",
    "greater_than_equal": "must not be below {ge}",
    "less_than_equal": "must not be above {le}",
    "literal_error": "must be {expected}",
    "extra_forbidden": "is not a field of a record",
}


def made_of(makers: Iterable[Callable[[], Made]], refused: list[str] | None = None) -> list[Made]:
    """What each of them makes. With a list for it, what is refused goes there as a sentence, and the others are made."""
    found = []
    for make in makers:
        try:
            found.append(make())
        except ValueError as error:
            if refused is None:
                raise
            refused.append(str(error))
    return found


def describe(error: ValidationError, where: str, raw: Any = None, lines: Lines | None = None) -> str:
    """The first fault of a validation as one sentence with file, row and field."""
    fault = error.errors(include_url=False)[0]
    kind = fault["type"]
    cause = fault.get("ctx", {}).get("error")
    location = tuple(part for part in fault["loc"] if part != "[key]") + getattr(cause, "location", ())
    # A constant covariate was wrapped in a list: its index means nothing to whoever wrote the file.
    if len(location) > 2 and location[0] == "covariates" and isinstance(raw, dict):
        single = isinstance(raw.get("covariates", {}).get(location[1]), dict)
        location = location[:2] + location[3:] if single else location
    if kind == "value_error":
        said = str(cause)
    else:
        said = _SENTENCES.get(kind, fault["msg"].lower()).format(**fault.get("ctx", {}))
    got = "" if kind in ("missing", "extra_forbidden", "value_error") else f", got {_shown(fault['input'])}"
    return f"{where}{place(location, lines)}: {said}{got}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def place(location: tuple[str | int, ...], lines: Lines | None = None) -> str:
    """Where in a file, in words: `, line 4, field unit` or `, doses row 2, field unit`."""
    words: list[str] = []
    rest = list(location)
    for size in range(len(location), 0, -1):
        if lines and location[:size] in lines:
            spot = lines[location[:size]]
            words, rest = [spot if isinstance(spot, str) else f"line {spot}"], rest[size:]
            break
    fields: list[str] = []
    for part in rest:
        if isinstance(part, int):
            words.append(f"{' '.join(fields) or 'list'} row {part + 1}")
            fields = []
        else:
            fields.append(part)
    if fields:
        words.append("field " + ".".join(fields))
    return "".join(f", {word}" for word in words)
