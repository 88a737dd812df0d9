"""The patient record as JSON (design 3.5), the form that `recommend` reads.

    {"id": "P1", "covariates": {"weight": {"value": 70, "unit": "kg"},
                                "bilirubin": [{"time": 0, "value": 8, "unit": "umol/L"}]},
     "doses": [{"time": 0, "amount": 300, "unit": "mg", "duration": 3}],
     "observations": [{"time": 240, "name": "anc", "value": 1.2, "unit": "10*9/L"}]}

A file may hold one record or a list of them.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NoReturn

from posology.data.faults import made_of
from posology.data.record import Record, from_dict


def load_json(text: str, where: str) -> Any:
    """Parsed JSON.

    Raises:
        ValueError: with the line of a fault; for NaN, infinity and a name given twice, too.
    """

    def constant(name: str) -> NoReturn:
        raise ValueError(f"{where}: {name} is not a number that JSON or a patient can have")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in items:
            if name in found:
                raise ValueError(f"{where}: field {name} is there twice in one object")
            found[name] = value
        return found

    try:
        raw = json.loads(text, parse_constant=constant, object_pairs_hook=pairs)
        if "\\ud" in text.lower():  # half of a surrogate pair is no character: nothing could write it again
            json.dumps(raw, ensure_ascii=False).encode()
        return raw
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}, line {error.lineno}: is not valid JSON ({error.msg.lower()})") from None
    except UnicodeEncodeError:
        raise ValueError(f"{where}: holds an escape such as \\ud800 that is not a character") from None
    except RecursionError:
        raise ValueError(f"{where}: is nested too deeply") from None
    except ValueError as error:
        if str(error).startswith(where):
            raise
        raise ValueError(f"{where}: holds a number with too many digits") from None


def records(raw: Any, where: str, refused: list[str] | None = None) -> list[Record]:
    """The records of parsed JSON: one object, or a list of objects; `refused` as in `made_of`."""
    if not isinstance(raw, list):
        return made_of([partial(from_dict, raw, where)], refused)
    if not raw:
        raise ValueError(f"{where}: holds no records")
    return made_of((partial(from_dict, one, f"{where}, record {i}") for i, one in enumerate(raw, 1)), refused)


def to_dict(record: Record) -> dict[str, Any]:
    """The record as plain data in the form of design 3.5, defaults left out."""
    raw = record.model_dump(mode="json", exclude_defaults=True)
    covariates = {name: [m.model_dump(exclude_none=True) for m in values] for name, values in record.covariates.items()}
    for name, values in covariates.items():
        raw["covariates"][name] = values if "time" in values[0] else values[0]
    raw["doses"] = [
        {**dose.model_dump(exclude_defaults=True), "duration": dose.duration, "status": dose.status}
        for dose in record.doses
    ]
    return raw


def to_json(record: Record) -> str:
    """The record as a JSON text that `read` gives back unchanged."""
    return json.dumps(to_dict(record), indent=2, ensure_ascii=False) + "\n"
