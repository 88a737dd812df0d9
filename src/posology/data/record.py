"""One patient as recorded: covariates, doses and measured values, with units and calendar time.

Every reader builds a `Record` through `from_dict`, so that a wrong unit, text in place of a number or
a date without a zone is refused in the same words whatever the file. Times are hours since `start`
(any origin where `start` is None). Values keep the unit they were written in, in UCUM spelling;
`covariate_at` and `units.convert` bring them to a model's unit at the border.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from posology.data import times
from posology.data.faults import Lines, describe, place
from posology.data.names import canonical, check_possible, dose_unit, route_name
from posology.data.units import convert, ucum


def _text(value: str) -> str:
    text = value.strip()
    if not text or not text.isprintable():
        raise ValueError("must be text without control characters" if text else "must not be empty")
    return text


def _number(value: Any) -> Any:
    # An int is as good as a float here; a bool or text is not, and a huge int must not overflow.
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else math.inf
    return value


Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, AfterValidator(canonical)]
Unit = Annotated[str, AfterValidator(ucum)]
Real = Annotated[float, BeforeValidator(_number), Field(strict=True, allow_inf_nan=False)]
NotNegative = Annotated[Real, Field(ge=0, le=1e12)]
_FROZEN = ConfigDict(frozen=True, extra="forbid", validate_default=False)


class Measured(BaseModel):
    """A covariate's value in `unit`, known since `time` (None: constant)."""

    model_config = _FROZEN
    value: Real
    unit: Unit
    time: Real | None = None


class Dose(BaseModel):
    """A dose of `amount` `unit` that starts at `time` and runs over `duration` hours (0: at once).

    `ss`: the patient was at steady state of one dose every `ii` hours; `addl` more doses follow, `ii`
    hours apart. `drug` names the drug where a record holds several; `route` is empty for the usual one.
    """

    model_config = _FROZEN
    time: Real
    amount: NotNegative
    unit: Annotated[Unit, AfterValidator(dose_unit)]
    route: Annotated[str, AfterValidator(route_name)] = ""
    duration: Annotated[NotNegative, Field(le=10_000)] = 0.0
    ss: Annotated[bool, Field(strict=True)] = False
    ii: NotNegative = 0.0
    addl: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    status: Literal["given", "planned", "missed"] = "given"
    drug: Annotated[str, AfterValidator(lambda drug: _text(drug) if drug else "")] = ""

    @model_validator(mode="after")
    def _interval(self) -> Dose:
        if (self.ss or self.addl) and self.ii <= 0:
            raise ValueError("ii (hours between doses) must be above 0 when ss or addl is given")
        return self

    @property
    def last_time(self) -> float:
        """Start of the last of the additional doses."""
        return self.time + self.addl * self.ii


class Observation(BaseModel):
    """A measured `value`; `below` says that it lies somewhere below `value`, the limit of quantification."""

    model_config = _FROZEN
    time: Real
    name: Name
    value: Real
    unit: Unit
    below: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _possible(self) -> Observation:
        check_possible(self.name, self.value, self.unit)
        return self


def _covariates(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return raw
    named: dict[str, Any] = {}
    for name, values in raw.items():
        key = canonical(name)
        if key in named:
            raise ValueError(f"covariate '{key}' is given twice (names are compared without case)")
        named[key] = values if isinstance(values, (list, tuple)) else [values]
    return named


class Record(BaseModel):
    """One patient. `start` is the calendar time of hour 0, `notes` what a reader left out or assumed.

    Covariates are tuples of `Measured` in order of time; a constant one is a single value without time.
    """

    model_config = _FROZEN
    id: Text
    start: datetime | None = None
    covariates: Annotated[dict[str, tuple[Measured, ...]], BeforeValidator(_covariates)] = {}
    doses: tuple[Dose, ...] = ()
    observations: tuple[Observation, ...] = ()
    genotypes: dict[Text, Text] = {}
    conditions: tuple[Text, ...] = ()
    medications: tuple[Text, ...] = ()
    allergies: tuple[Text, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Record:
        for name, values in self.covariates.items():
            _check_covariate(name, values)
        if self.start is not None and self.start.tzinfo is None:
            raise ValueError("start must have a time zone")
        by_time = {n: tuple(sorted(v, key=lambda m: m.time or 0.0)) for n, v in self.covariates.items()}
        # Frozen for users; here the entries only get their order.
        object.__setattr__(self, "covariates", dict(sorted(by_time.items())))
        object.__setattr__(self, "doses", tuple(sorted(self.doses, key=lambda d: d.time)))
        object.__setattr__(self, "observations", tuple(sorted(self.observations, key=lambda o: (o.time, o.name))))
        return self

    def noted(self, *notes: str) -> Record:
        """The same record with more notes."""
        return self.model_copy(update={"notes": self.notes + notes})


def _check_covariate(name: str, values: tuple[Measured, ...]) -> None:
    if not values:
        raise ValueError(f"covariate '{name}' has no value")
    stamps = [m.time for m in values]
    if len(values) > 1 and None in stamps:
        raise ValueError(f"covariate '{name}' has several values, so each needs a time")
    if len(set(stamps)) < len(stamps):
        raise ValueError(f"covariate '{name}' has two values at one time")
    for i, measured in enumerate(values):
        try:
            check_possible(name, measured.value, measured.unit)
        except ValueError as error:
            raise times.EntryError(str(error), ("covariates", name, i)) from None


def from_dict(raw: Any, where: str = "record", lines: Lines | None = None) -> Record:
    """A record from plain data (design 3.5); times may be hours or ISO 8601 with a zone.

    `lines` gives the line in the file of an entry such as `("doses", 0)`, for the message.

    Raises:
        ValueError: one sentence with file, row and field.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{where}: a record must be an object with id, covariates, doses and observations")
    raw = {name: value for name, value in raw.items() if value is not None}
    try:
        return Record.model_validate(times.to_hours(raw, _times_of(raw)))
    except ValidationError as error:
        raise ValueError(describe(error, where, raw, lines)) from None
    except UnicodeError:
        raise ValueError(f"{where}: holds half of a surrogate pair, which is not a character") from None
    except times.EntryError as error:
        raise ValueError(f"{where}{place(error.location, lines)}: {error}") from None


def _times_of(raw: dict[str, Any]) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every entry of raw data that may carry a time, with its location."""
    found: list[tuple[tuple[str | int, ...], dict[str, Any]]] = []
    covariates = raw.get("covariates")
    groups: list[tuple[times.Location, Any]] = [((kind,), raw.get(kind)) for kind in ("doses", "observations")]
    if isinstance(covariates, dict):
        groups += [(("covariates", name), values) for name, values in covariates.items()]
    for location, values in groups:
        if isinstance(values, dict):
            found.append((location, values))
        elif isinstance(values, (list, tuple)):
            found += [((*location, i), entry) for i, entry in enumerate(values) if isinstance(entry, dict)]
    return found


def at_hours(record: Record, at: float | str | datetime) -> float:
    """A time given as hours or ISO 8601 with a zone, as hours of this record.

    Raises:
        ValueError: when it is neither, or a calendar time meets a record kept in hours.
    """
    try:
        stamp = times.parse(float(at) if isinstance(at, str) and _is_number(at) else at)
    except times.EntryError as error:
        raise ValueError(f"time {error}") from None
    if isinstance(stamp, float):
        return stamp
    if record.start is None:
        raise ValueError(f"time {at}: record '{record.id}' counts hours without a date; give hours")
    return times.hours_between(record.start, stamp)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_not_after(record: Record, at: float | str | datetime) -> None:
    """Refuse what cannot be known at `at`: later measurements, doses given or missed later.

    Planned doses may lie ahead.

    Raises:
        ValueError: naming the first entry that lies after `at`.
    """
    now = at_hours(record, at)
    late = [(d.last_time, f"a dose with status {d.status}") for d in record.doses if d.status != "planned"]
    late += [(o.time, f"the observation {o.name}") for o in record.observations]
    late += [(m.time, f"the covariate {n}") for n, ms in record.covariates.items() for m in ms if m.time is not None]
    late = [(time, what) for time, what in late if time > now]
    if late:
        time, what = min(late)
        dated, asked = (calendar(record, t).isoformat() if record.start else f"{t:g} h" for t in (time, now))
        raise ValueError(f"record '{record.id}': {what} is dated {dated}, after the time asked, {asked}")


def covariate_at(record: Record, name: str, time: float) -> tuple[float, str, float]:
    """The last value of a covariate known at `time`, its unit, and its age in hours (0 if constant).

    Raises:
        ValueError: when the covariate is not in the record or not known yet.
    """
    values = record.covariates.get(canonical(name))
    if values is None:
        known = ", ".join(record.covariates) or "none"
        raise ValueError(f"record '{record.id}': covariate '{name}' is missing; it has: {known}")
    past = [m for m in values if m.time is None or m.time <= time]
    if not past:
        first = values[0].time
        raise ValueError(f"record '{record.id}': covariate '{name}' is first known at {first:g} h, asked at {time:g} h")
    last = past[-1]
    return last.value, last.unit, 0.0 if last.time is None else time - last.time


def bsa(height_cm: float, weight_kg: float) -> float:
    """Body surface area in m2: √(height·weight/3600). Mosteller, N Engl J Med 1987;317:1098."""
    if not (height_cm > 0 and weight_kg > 0):
        raise ValueError(f"body surface area needs height and weight above 0, got {height_cm} cm and {weight_kg} kg")
    return math.sqrt(height_cm * weight_kg / 3600)


def bsa_at(record: Record, time: float) -> tuple[float, float, str]:
    """Body surface area in m2 at `time`, age of its oldest input in hours, and how it was found."""
    if "bsa" in record.covariates:
        value, unit, age = covariate_at(record, "bsa", time)
        return convert(value, unit, "m2", "bsa"), age, "body surface area as recorded"
    height, height_unit, height_age = covariate_at(record, "height", time)
    weight, weight_unit, weight_age = covariate_at(record, "weight", time)
    area = bsa(convert(height, height_unit, "cm", "height"), convert(weight, weight_unit, "kg", "weight"))
    return area, max(height_age, weight_age), "body surface area by Mosteller from height and weight"


def calendar(record: Record, hours: float) -> datetime:
    """The calendar time of an hour of the record, in UTC; hour 0 without a `start` is 2000-01-01.

    Raises:
        ValueError: when the hour lies outside the years that a calendar has.
    """
    start = record.start or datetime(2000, 1, 1, tzinfo=UTC)
    try:
        return start + timedelta(hours=hours)
    except OverflowError:
        raise ValueError(f"record '{record.id}': {hours:g} h after {start:%Y-%m-%d} is no calendar date") from None
