"""`posology doctor`: is this installation sound, and how to mend it where it is not."""

from __future__ import annotations

import importlib
import importlib.metadata as metadata
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from posology.commands.errors import COULD_NOT
from posology.commands.output import print_json, print_table

OLDEST_PYTHON = (3, 11)
MODULES = {"pyyaml": "yaml", "scikit-learn": "sklearn", "vl-convert-python": "vl_convert"}
FOLDERS = ("runs", os.path.join(".cache", "jax"))
REINSTALL = "run `make install`, or `pip install -c constraints.txt -e .`"
# In a process of its own: a broken JAX may end the process rather than raise.
PROBE = """
import json, jax, jax.numpy as jnp
x = jax.jit(lambda v: (v * v).sum())(jnp.arange(4.0))
print(json.dumps({"sum": float(x), "dtype": str(x.dtype), "device": jax.devices()[0].platform}))
"""


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it is well, what was found, and what to do otherwise."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def python_version(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Whether this Python is new enough."""
    found = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Check("Python", True, found)
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", False, f"{found}, needs {wanted} or newer", f"install Python {wanted}, then `make install`")


def constraints() -> dict[str, str]:
    """Package → version this release was tested with; empty when the file did not come along."""
    here = Path(__file__).resolve()
    for path in (here.parents[1] / "constraints.txt", here.parents[3] / "constraints.txt"):
        if path.is_file():
            pins = (line.partition("==") for line in path.read_text(encoding="utf-8").splitlines() if "==" in line)
            return {key(name): version.strip() for name, _, version in pins}
    return {}


def key(package: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", package.strip()).lower()


def requirements() -> dict[str, str]:
    """Package → the extra that asks for it ("" for the core), from the installed metadata."""
    wanted: dict[str, str] = {}
    for line in metadata.requires("posology") or []:
        name = re.split(r"[\s\[<>=!~;]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        wanted.setdefault(key(name), extra.group(1) if extra else "")
    return wanted


def package(name: str, extra: str, pin: str) -> Check:
    """Whether a package is there, can be imported, and has the tested version."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        if extra:
            return Check(name, True, f"not installed (only needed for the extra '{extra}')")
        return Check(name, False, "not installed", REINSTALL)
    if not extra:
        try:
            importlib.import_module(MODULES.get(name, name.replace("-", "_")))
        except Exception as error:  # whatever a broken package raises is the finding
            mend = f"`pip install --force-reinstall {name}=={pin or version}`"
            return Check(name, False, f"{version} cannot be imported: {error}", mend)
    if pin and version != pin:
        return Check(name, False, f"{version}, tested with {pin}", f"`pip install {name}=={pin}`")
    return Check(name, True, version)


def packages() -> Iterator[Check]:
    """The check of every package that Posology asks for."""
    try:
        wanted = requirements()
    except metadata.PackageNotFoundError:
        yield Check("posology", False, "runs from its source, not installed", REINSTALL)
        return
    pins = constraints()
    if not pins:
        yield Check("constraints", False, "the file of tested versions is missing", REINSTALL)
    for name, extra in sorted(wanted.items(), key=lambda item: (item[1], item[0])):
        yield package(name, extra, pins.get(name, ""))


def jax_runs(program: str = PROBE) -> Check:
    """Whether JAX compiles and runs a tiny program, in float32."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return Check("JAX", False, f"a small program did not run: {last}", "`pip install --force-reinstall jax jaxlib`")
    if said["sum"] != 14.0:
        return Check("JAX", False, f"0+1+4+9 gave {said['sum']}", "`pip install --force-reinstall jax jaxlib`")
    if said["dtype"] != "float32":
        return Check("JAX", False, f"computes in {said['dtype']} by default", "unset JAX_ENABLE_X64")
    return Check("JAX", True, f"runs in float32 on {said['device']}")


def writable(folder: str) -> Check:
    """Whether files can be written in a folder, or in the place where it would be made."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    name, mend = f"folder {folder}", f"make {place} a folder that you may write to, or work in another folder"
    try:
        with tempfile.TemporaryFile(dir=place):
            return Check(name, True, "can be written")
    except OSError as error:
        return Check(name, False, f"cannot be written: {error.strerror}", mend)


def catalogues() -> Check:
    """Whether every list of members can be read."""
    from posology.commands.listing import Family, catalogue

    try:
        counts = [f"{len(catalogue(family))} {family.value}" for family in Family]
    except Exception as error:  # a damaged installation may raise anything
        return Check("catalogues", False, f"cannot be read: {error}", REINSTALL)
    return Check("catalogues", True, ", ".join(counts))


def checks() -> Iterator[Check]:
    """Every check, in the order in which they are best mended."""
    yield python_version()
    yield from packages()
    yield jax_runs()
    yield catalogues()
    cache = os.environ.get("JAX_COMPILATION_CACHE_DIR", FOLDERS[1])
    yield from (writable(folder) for folder in (FOLDERS[0], cache))


def doctor(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Check this installation and say how to mend what is wrong (exit 1 when something is)."""
    found = list(checks())
    wrong = [c for c in found if not c.ok]
    if as_json:
        print_json({"ok": not wrong, "checks": [asdict(c) for c in found]})
    else:
        print_table("", ["", "what", "found"], [["good" if c.ok else "WRONG", c.name, c.found] for c in found])
        for c in wrong:
            print(f"{c.name}: {c.found}. To mend: {c.mend}.")
        print("something is wrong" if wrong else "everything is well")
    if wrong:
        raise typer.Exit(COULD_NOT)
