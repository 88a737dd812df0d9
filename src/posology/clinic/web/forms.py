"""What was sent by a form."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

MOST_FIELDS = 6000


async def _columns(request: Request) -> dict[str, list[str]]:
    form: FormData = await request.form(max_fields=MOST_FIELDS)
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


Columns = Annotated[dict[str, list[str]], Depends(_columns)]
"""The fields of a form, each with its values in order; files are not among them."""
