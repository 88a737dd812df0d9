"""Pictures of the clinic's pages, light and dark, as Chromium draws them for the demo's users."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from posology.benchmarks import clinic_process

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENT = "DEMO-ANNA"
"""Of the demo, with two cycles and their counts."""
WIDTH, HEIGHT = 1280, 900
SECONDS = 180
"""Until a page must be there; the first recommendation is compiled, with no programs kept from before about ten (assumed)."""
PAGES: Mapping[str, tuple[str, ...]] = {
    "": ("/login",),
    "clinician": (
        "/patients", "/patients/new", "/patients/{key}", "/patients/{key}/edit", "/patients/{key}/dose", "/patients/{key}/why",
        "/symptoms", "/performance", "/drugs", "/account",
    ),
    "researcher": ("/lab", "/cohorts", "/jobs"),
    "auditor": ("/audit",),
    "admin": ("/users",),
}  # fmt: skip
"""What is walked, by the role that walks it."""


class Picture(NamedTuple):
    """A page as it was drawn; without a file where the clinic does not answer it, `status` says how."""

    path: str
    scheme: str
    status: int
    file: Path | None


def pictures(out: Path, pages: Mapping[str, tuple[str, ...]] = PAGES) -> Iterator[Picture]:
    """Start the demo, walk its pages and write a PNG of each, light and dark.

    Raises:
        ValueError: when Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise ValueError("screenshots need Playwright: install Posology with the extra `dev`") from None
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise ValueError("screenshots need Chromium: on Debian, apt-get install chromium")
    out.mkdir(parents=True, exist_ok=True)
    with clinic_process.running() as clinic, sync_playwright() as playwright:
        clinic.start()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        try:
            for role, paths in pages.items():
                page = browser.new_context(base_url=clinic.base, viewport={"width": WIDTH, "height": HEIGHT}).new_page()
                page.set_default_timeout(1000 * SECONDS)
                key = _enter(page, role)
                for path in paths:
                    yield from _drawn(page, out, path.format(key=key), path)
        finally:
            browser.close()


def _enter(page: Any, role: str) -> str:
    """Log in as the demo's user of a role; the key of the patient whose pages are walked, where the role may see patients."""
    page.goto("/login")
    if not role:
        return ""
    page.get_by_role("button", name=f"Enter as {role}").click()
    page.wait_for_url(lambda url: "/login" not in url)
    found = page.request.get("/api/patients?limit=500")
    rows = found.json() if found.ok else []
    return next((str(row["key"]) for row in rows if row["record_id"] == PATIENT), "")


def _drawn(page: Any, out: Path, path: str, name: str) -> Iterator[Picture]:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        answer = page.goto(path)
        status = int(answer.status)
        if status != 200:
            yield Picture(path, scheme, status, None)
            return
        _settled(page)
        plain = name.replace("{key}", "one").strip("/").replace("/", "-") or "first"
        file = out / f"{plain}-{scheme}.png"
        page.screenshot(path=file, full_page=True)
        yield Picture(path, scheme, status, file)


def _settled(page: Any) -> None:
    """Wait until every picture of the page is there, and for what it asks for itself."""
    page.wait_for_load_state("networkidle")
    page.evaluate("Promise.all([...document.images].map(image => image.decode().catch(() => null)))")
