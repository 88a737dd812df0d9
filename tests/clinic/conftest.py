"""One contract for three databases: each test gets an empty one of each kind. One recommendation, asked once."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent))

from clinic_records import RECORD
from databases import KINDS, emptied
from servers import url_of
from web_clients import CHROMIUM, FLAGS, Watched, client, logged_in, serving

from posology.clinic import database, store
from posology.clinic.migrations import upgrade
from posology.data.readers import read
from posology.data.record import from_dict

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.json"
NAMES = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[[str], str]]:
    """The URL of a running server of a kind; it is started when a test first asks for it."""
    running: dict[str, Any] = {}
    urls: dict[str, str] = {}

    def started(kind: str) -> str:
        if kind not in urls:
            context = url_of(kind)
            urls[kind] = context.__enter__()
            running[kind] = context
        return urls[kind]

    yield started
    for context in running.values():
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def new_url(server, tmp_path_factory) -> Callable[[str], str]:
    """The URL of a new, empty database of a kind."""

    def made(kind: str) -> str:
        name = f"posology_{next(NAMES)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / name}.db"
        url = database.address(server(kind))
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url.set(database=name).render_as_string(hide_password=False)

    return made


@pytest.fixture(scope="session")
def migrated(new_url) -> Iterator[Callable[[str], sa.Engine]]:
    """One database of a kind with its tables, the same for the whole session."""
    engines: dict[str, sa.Engine] = {}

    def made(kind: str) -> sa.Engine:
        if kind not in engines:
            engines[kind] = database.engine(new_url(kind))
            upgrade(engines[kind])
        return engines[kind]

    yield made
    for engine in engines.values():
        engine.dispose()


@pytest.fixture(params=KINDS)
def engine(request, migrated) -> sa.Engine:
    """An empty database of each kind."""
    return emptied(migrated(request.param))


@pytest.fixture
def sqlite(migrated) -> sa.Engine:
    """An empty SQLite database, for what no database does differently."""
    return emptied(migrated("sqlite"))


@pytest.fixture
def patient(engine) -> str:
    """The key of a patient in the database."""
    return store.create(engine, from_dict(RECORD), "dr.a")


@pytest.fixture(scope="session")
def _asked() -> Any:
    from posology.bedside.recommend import recommend
    from posology.environments.catalogue import treatment

    record = read(EXAMPLE)
    return json.dumps(recommend(treatment("paclitaxel-label-v1"), "standard", record)), record


@pytest.fixture
def answer(_asked: Any) -> dict[str, Any]:
    """What is recommended to the example patient; a copy that a test may change."""
    return json.loads(_asked[0])


@pytest.fixture
def record(_asked: Any) -> Any:
    """The example patient's record; a copy that a test may change."""
    return deepcopy(_asked[1])


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Any]:
    """The web application of a demo, on a database of its own; tests share it and leave its patients as they are."""
    from posology.clinic.app import create_app
    from posology.clinic.demo import seed
    from posology.clinic.settings import Settings

    often = {"requests_per_second": 10_000, "burst": 100_000, "logins_per_minute": 100_000}
    app = create_app(Settings(data=tmp_path_factory.mktemp("clinic"), demo=True, symptom_rows=4_000, **often))
    seed(app.state.clinic.engine)
    yield app
    app.state.study.wait(120)  # a thread that still fits must not outlive the tests
    app.state.clinic.engine.dispose()


@pytest.fixture(scope="session")
def as_role(site) -> Callable[[str], Any]:
    """A client that is logged in as the demo's user of a role."""
    return lru_cache(maxsize=None)(lambda role: logged_in(site, role))


@pytest.fixture
def visitor(site) -> Any:
    """A client without login."""
    return client(site)


@pytest.fixture(scope="session")
def served(site) -> Iterator[str]:
    """The address of the demo while it answers."""
    with serving(site) as base:
        yield base


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed; pages are not tried in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium, served) -> Iterator[Watched]:
    """A page in a browser of its own; the test fails when it does what a page must not do."""
    context = chromium.new_context(base_url=served, viewport={"width": 1280, "height": 900})
    found = Watched(context.new_page(), served)
    yield found
    context.close()
    assert found.faults == []


@pytest.fixture
def entered(watched) -> Callable[[str], Any]:
    """The page after logging in with a role."""

    def enter(role: str) -> Any:
        watched.page.goto("/login")
        watched.page.get_by_role("button", name=f"Enter as {role}").click()
        return watched.page

    return enter
