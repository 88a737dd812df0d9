"""What a stored policy computes, as data: a form, and the arrays that fill it in.

`policy.json` holds the form, `policy.safetensors` the arrays; together they give the policy back. To
add a form: a frozen dataclass that meets `Form`, and a line in `FORMS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, ClassVar, Protocol

from posology.policies.conditioned import Conditioned
from posology.policies.contextual import Contextual
from posology.policies.course import Course
from posology.policies.linear import Linear
from posology.policies.network import Network
from posology.policies.planned import Planned
from posology.policies.policy import Policy
from posology.policies.shielded import Shielded
from posology.policies.tabular import Table


class Form(Protocol):
    """A static, hashable description. `inputs` is the length of an observation, `outputs` the number of
    rows of a dose table (1 for a continuous dose)."""

    kind: ClassVar[str]

    @property
    def inputs(self) -> int:
        """Length of an observation."""
        ...

    @property
    def outputs(self) -> int:
        """Number of doses."""
        ...

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of everything the policy's file holds, all float32."""
        ...

    def policy(self, name: str, arrays: Mapping[str, Any], *, greedy: bool = True) -> Policy:
        """The policy; where not `greedy`, doses are drawn if the form says how."""
        ...


FORMS: dict[str, type[Any]] = {
    "network": Network,
    "table": Table,
    "linear": Linear,
    "conditioned": Conditioned,
    "course": Course,
    "contextual": Contextual,
    "shielded": Shielded,
    "planned": Planned,
}


def description(form: Any) -> dict[str, Any]:
    """The form as plain JSON values; `read` gives it back."""
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(form).items()}
    return {"kind": form.kind, **values}


def read(values: Mapping[str, Any]) -> Any:
    """The form that `description` wrote.

    Raises:
        ValueError: for an unknown kind, a missing or unknown field or a value that is not allowed. A field
            that the writer did not know stands at its default.
    """
    values = dict(values)
    kind = values.pop("kind", None)
    if kind not in FORMS:
        raise ValueError(f"its kind is {kind!r}; this version knows {', '.join(FORMS)}")
    known = {f.name: f for f in fields(FORMS[kind])}
    needed = {name for name, f in known.items() if f.default is MISSING}
    if not needed <= set(values) <= set(known):
        raise ValueError(f"the fields of a {kind} are {sorted(values)}; this version knows {sorted(known)}")
    return FORMS[kind](**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
