"""The clinic as a web application: pages for people, routes for programs, one line for each file of either.

    uvicorn --factory posology.clinic.app:from_environment

`posology serve` starts it. Every route names the permission it needs or says that it is open; one that does neither keeps the
application from starting.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.routing import BaseRoute, Mount

from posology.clinic import database, offers, oidc
from posology.clinic.migrations import upgrade
from posology.clinic.settings import Settings
from posology.clinic.study import Study
from posology.clinic.web import answers
from posology.clinic.web.guard import Guard
from posology.clinic.web.render import HERE
from posology.clinic.web.shared import Clinic

PAGES = (
    "home",
    "account",
    "oidc",
    "record",
    "patients",
    "dose",
    "why",
    "decisions",
    "cohorts",
    "jobs",
    "policies",
    "lab",
    "leaving",
    "symptoms",
    "performance",
    "drugs",
    "audit",
    "users",
    "smart",
)
"""Files of pages, in the order of the menu; each has a `router`, and `NAV`, a list of (label, path, permission)."""
API = (
    "health",
    "patients",
    "leaving",
    "findings",
    "recommendations",
    "what_if",
    "decisions",
    "symptoms",
    "drugs",
    "fhir",
    "hooks",
    "account",
    "users",
    "audit",
    "cohorts",
    "jobs",
    "policies",
    "lab",
)
"""Files of routes for programs; each has a `router`."""
RARELY = (20_000, 10, 10)
"""When Python looks for cycles (its own: 700, 10, 10): compiling makes millions of objects and hardly a cycle among them, and
each look also asks XLA."""
M_ARENA_MAX = -8  # of glibc's malloc.h
ABOUT = (
    "Who should get which dose, when: records, recommendations, explanations and decisions. Research use only, not a medical "
    "device. Log in with an API token: `Authorization: Bearer …`."
)


def create_app(settings: Settings) -> FastAPI:
    """The application on the database of the settings, whose tables are made or brought to this version.

    Raises:
        Unavailable: when the database does not answer.
        RuntimeError: when a route names no permission.
    """
    engine = database.engine(settings.url)
    upgrade(engine)
    clinic = Clinic(settings, engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warmed(clinic)
        yield
        clinic.computing.close()
        clinic.explaining.close()
        engine.dispose()

    app = FastAPI(title="Posology", version=version(), description=ABOUT, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.clinic = clinic
    app.state.study = Study(settings.data / "symptoms", settings.symptom_rows)
    app.state.provider = oidc.provider(settings)
    pages = [import_module(f"posology.clinic.pages.{name}") for name in PAGES]
    app.state.nav = [entry for module in pages for entry in module.NAV]
    for name in API:
        app.include_router(import_module(f"posology.clinic.api.{name}").router, responses=answers.PROBLEMS)
    for module in pages:
        app.include_router(module.router, include_in_schema=False)
    app.mount("/static", Static(directory=HERE / "static"), name="static")
    answers.install(app)
    app.add_middleware(Guard, settings=settings, cookie=clinic.cookie)
    unguarded = [f"{method} {path}" for method, path, permission in guarded(app) if permission is None]
    if unguarded:
        raise RuntimeError(f"routes without a permission: {', '.join(unguarded)}")
    return app


def few_heaps() -> None:
    """Let glibc keep two heaps, not eight for each core: threads that answer in turn each leave holes in another one, and in ten
    minutes of load the process grew by them."""
    with suppress(OSError, AttributeError):  # elsewhere than under glibc nothing is to be done
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def warmed(clinic: Clinic) -> None:
    """Begin to compile what was asked for in the settings; whoever asks for a dose meanwhile waits for it, all others do not.

    Raises:
        NotFound: for a treatment or policy that is not offered.
    """
    for asked in clinic.settings.warm:
        treatment, _, policy = asked.partition(":")
        offered = offers.offer(treatment, policy)
        clinic.computing.thread.submit(_compiled, offered)


def _compiled(offered: offers.Offer) -> None:
    from posology.bedside.warm import warm

    seconds = warm(offered.treatment, offered.source)
    gc.collect()
    gc.freeze()  # what is compiled stays; looking for cycles goes past it
    answers.log.warning("%s:%s is compiled, in %.1f s", offered.treatment.id, offered.name, seconds)


def from_environment() -> FastAPI:
    """The application of the settings in the environment, in a process of its own, whose memory is set up for it."""
    app = create_app(Settings())
    few_heaps()
    gc.freeze()
    gc.set_threshold(*RARELY)
    return app


def version() -> str:
    """The installed version."""
    from importlib import metadata

    return metadata.version("posology")


def guarded(app: FastAPI) -> Iterator[tuple[str, str, str | None]]:
    """Method, path and permission of every route; None where none is named."""
    for route in _routes(app.routes):
        if isinstance(route, APIRoute):
            named = [p for d in _all(route.dependant) if (p := getattr(d.call, "permission", None)) is not None]
            for method in sorted(route.methods or ()):
                yield method, route.path, named[0] if named else None
        elif not _open(route):
            yield "ANY", getattr(route, "path", str(route)), None


def _routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of included routers too (FastAPI keeps a router that was included as it is)."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        yield from _routes(inside.routes) if inside is not None else (route,)


def _all(dependant: Any) -> Iterator[Any]:
    for d in dependant.dependencies:
        yield d
        yield from _all(d)


def _open(route: BaseRoute) -> bool:
    """What is open by its nature: the files of pages, and the description of the interface."""
    return isinstance(route, Mount) and route.path == "/static" or getattr(route, "path", "") == "/openapi.json"


class Static(StaticFiles):
    """Our own style sheets and scripts; a browser may keep them for an hour."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        """A file, with how long it may be kept."""
        found = super().file_response(*args, **more)
        found.headers["Cache-Control"] = "max-age=3600"
        return found
