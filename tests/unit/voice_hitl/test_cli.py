"""The command as a shell sees it: arguments in; exit status, standard output and standard error out."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from handoff.policy import Policy
from handoff.ports import CallRecord
from handoff.storage import SqlStore
from voice_hitl import cli
from voice_hitl.config import Config
from voice_hitl.data_folder import held_folder
from voice_hitl.errors import AgentError, ConfigError, PackError, ScenarioError


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's configuration nor its terminal has a say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    for name in [name for name in os.environ if name.startswith("VOICE_HITL_")]:
        monkeypatch.delenv(name)


@dataclass
class Result:
    status: int
    out: str
    err: str


class Shell:
    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._patch = patch

    def run(self, line: str) -> Result:
        """Run `voice-hitl ...` in this process."""
        self._patch.setattr(sys, "argv", ["voice-hitl", *shlex.split(line)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        code = caught.value.code
        seen = self._capsys.readouterr()
        return Result(code if isinstance(code, int) else int(code is not None), seen.out, seen.err)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


def all_commands() -> dict[str, TyperCommand]:
    """Every command by what one types for it."""
    found: dict[str, TyperCommand] = {}
    groups = [("", typer.main.get_command(cli.app))]
    for prefix, group in groups:
        assert isinstance(group, TyperGroup)
        for name, command in group.commands.items():
            path = f"{prefix} {name}".strip()
            if isinstance(command, TyperGroup):
                groups.append((path, command))
            else:
                assert isinstance(command, TyperCommand)
                found[path] = command
    return found


COMMANDS = all_commands()


# --- help ---


def test_the_commands_of_the_design_are_there() -> None:
    assert {"serve", "check", "demo", "simulate", "users add", "users list"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_works(shell: Shell, name: str) -> None:
    result = shell.run(f"{name} --help")
    assert (result.status, result.err) == (0, "")
    example = re.search(r"Example: (voice-hitl .*?)\s*$", result.out, re.MULTILINE)
    assert example is not None, "no example in the help"
    words = shlex.split(example[1])[1:]
    assert " ".join(words[: len(name.split())]) == name
    rest = words[len(name.split()) :]
    with COMMANDS[name].make_context(name, rest):
        pass


@pytest.mark.parametrize("line", ["", "users", "models"])
def test_without_a_command_the_help_is_shown(shell: Shell, line: str) -> None:
    result = shell.run(line)
    assert result.status == 2
    assert re.search(r"Usage: .* COMMAND", result.out)
    assert result.err == ""


# --- misuse ---


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("serve --nonsense", "No such option"),
        ("serve --port many", "'--port'"),
        ("demo --together 0", "'--together'"),
        ("demo --together 21", "'--together'"),
        ("simulate", "Missing argument"),
        ("simulate x.yaml --times 0", "'--times'"),
    ],
)
def test_a_wrong_command_line_is_misuse(shell: Shell, line: str, words: str) -> None:
    result = shell.run(line)
    assert result.status == 2
    assert words in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def one_line(result: Result) -> str:
    """What our own errors look like: one line on standard error."""
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1
    assert result.err.startswith("voice-hitl: ")
    assert result.out == ""
    return result.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("serve --config absent.toml", "absent.toml: cannot be read"),
        ("serve --pack nowhere", "no pack 'nowhere'"),
        ("check --config absent.toml", "absent.toml: cannot be read"),
        ("users list --config absent.toml", "absent.toml: cannot be read"),
        ("simulate absent.yaml", "absent.yaml: cannot be read"),
        ("demo --scenario nowhere --headless", "no scenario 'nowhere'"),
        ("serve --port 99999", "port"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(shell: Shell, line: str, words: str) -> None:
    result = shell.run(line)
    assert result.status == 2
    assert words in one_line(result)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nprot = 1\n", "server.prot"),
        ("[server]\nport = 99999\n", "server.port"),
        ("[server]\nport = 'x y'\n", "server.port"),
        ("[speech]\nrecognizer = 'best'\n", "speech.recognizer"),
        ("[agent]\nagent = 'nowhere:Agent'\npack = 'absent'\n", "no pack 'absent'"),
    ],
)
def test_a_wrong_file_is_said_with_its_key(
    shell: Shell, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "voice-hitl.toml").write_text(text)
    result = shell.run("serve")
    assert result.status == 2
    assert words in one_line(result)


@pytest.mark.parametrize("error", [ConfigError, PackError, ScenarioError])
def test_misuse_is_2(shell: Shell, monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("what is [wrong] and how to mend it")

    monkeypatch.setattr("voice_hitl.app.run_server", fail)
    result = shell.run("serve")
    assert result.status == 2
    assert one_line(result) == "voice-hitl: what is [wrong] and how to mend it\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [(AgentError("it broke"), 1), (OSError("no more files"), 1), (KeyboardInterrupt(), 130)],
)
def test_failure_is_1_and_an_interruption_130(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("voice_hitl.app.run_server", fail)
    result = shell.run("serve")
    assert result.status == status
    if status == 1:
        assert str(error) in one_line(result)


def cells(table: str) -> list[list[str]]:
    """The titles and rows of a table as it is shown."""
    lines = [line for line in table.splitlines() if line.startswith(("┃", "│"))]
    return [[cell.strip() for cell in re.split("[┃│]", line)[1:-1]] for line in lines]


# --- what reaches the commands ---


def test_the_command_line_wins_over_the_file(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.toml").write_text(
        "[server]\nport = 9000\nmax_calls = 5\n[agent]\npack = 'other'\n"
    )
    seen = []
    monkeypatch.setattr(
        "voice_hitl.app.run_server", lambda config, loopback: seen.append((config, loopback))
    )
    assert shell.run("serve --config my.toml --port 0 --data d --pack mine --loopback").status == 0
    assert shell.run("serve --config my.toml").status == 0
    (first, loopback), (second, plain) = seen
    assert (first.server.port, first.server.max_calls) == (0, 5)
    assert (first.data_dir, first.agent.pack, loopback) == (Path("d"), "mine", True)
    assert (second.server.port, second.agent.pack, plain) == (9000, "other", False)


def test_check_prints_what_is_in_force(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[server]\nport = 8123\n")
    result = shell.run("check --config my.toml")
    assert result.status in (0, 1)  # 1 on a machine where the console is not built
    assert re.search(r"server\.port\s*│\s*8123", result.out)
    assert "ok   pack: banking" in result.out
    assert ("FAIL" in result.out) == (result.status == 1)
    assert result.err == ""


def test_check_fails_on_what_is_wrong(shell: Shell) -> None:
    result = shell.run("check --pack nowhere")
    assert result.status == 1
    assert "FAIL pack: no pack 'nowhere'" in result.out


def test_check_prints_every_field_of_the_policy_when_asked(shell: Shell) -> None:
    assert "hysteresis.high = " not in shell.run("check").out
    said = shell.run("check --policy").out
    for field in ("hysteresis.high = 2.0", 'rule = "value"', "triggers.emergency.enabled = true"):
        assert f"\n  {field}\n" in said
    for section in Policy.model_fields:
        assert f"\n  {section}" in said


def test_accounts_are_made_and_listed(shell: Shell) -> None:
    added = shell.run("users add ana --data d --password 'correct horse'")
    assert (added.status, added.out) == (0, "ana may now sign in.\n")
    listed = shell.run("users list --data d")
    assert listed.status == 0
    titles, row = cells(listed.out)
    assert titles == ["name", "role", "seniority", "skills", "languages", "id"]
    assert row[:2] == ["ana", "operator"]
    again = shell.run("users add ana --data d --password 'battery staple'")
    assert again.status == 2
    assert "already an operator named 'ana'" in one_line(again)


def test_accounts_are_changed_and_taken_away(shell: Shell) -> None:
    assert shell.run("users add ana --data d --password 'correct horse'").status == 0
    assert shell.run("users role ana supervisor --data d").out == "ana must sign in anew.\n"
    assert cells(shell.run("users list --data d").out)[1][:2] == ["ana", "supervisor"]
    changed = shell.run("users password ana --data d --password 'battery staple'")
    assert changed.out == "ana must sign in anew.\n"
    short = shell.run("users password ana --data d --password 123456789")
    assert "too short: give 10 characters or more" in one_line(short)
    assert shell.run("users remove ana --force --data d").out == "ana may no longer sign in.\n"
    empty = shell.run("users list --data d")
    assert (empty.status, empty.out) == (0, "no accounts yet: voice-hitl users add NAME\n")
    for line in ("remove ana", "role ana operator", "password ana --password 'battery staple'"):
        refused = shell.run(f"users {line} --data d")
        assert refused.status == 2
        assert "there is no operator named 'ana'" in one_line(refused)
    assert shell.run("users role ana king --data d").status == 2


def test_the_last_supervisor_stays_one_unless_forced(shell: Shell) -> None:
    for name, role in (("ana", "supervisor"), ("bob", "operator")):
        account = f"{name} --role {role} --password 'correct horse'"
        assert shell.run(f"users add {account} --data d").status == 0
    for line in ("remove ana", "role ana operator"):
        refused = shell.run(f"users {line} --data d")
        assert refused.status == 2
        said = one_line(refused)
        assert "ana is the only supervisor: make another one first" in said
        assert "or give --force" in said
    assert shell.run("users remove bob --data d").status == 0  # whoever is none may go
    assert shell.run("users role ana supervisor --data d").status == 0
    assert shell.run("users add eve --role supervisor --data d --password 'a long one'").status == 0
    assert shell.run("users role ana operator --data d").status == 0
    assert shell.run("users role eve operator --force --data d").status == 0
    assert shell.run("users remove eve --data d").status == 0  # there was no supervisor before


def test_calls_are_erased_by_their_caller_or_id(shell: Shell) -> None:
    async def fill() -> None:
        store = await SqlStore.open("sqlite:///d/voice-hitl.db")
        calls = [
            CallRecord(f"CA{number}", f"+1555010{number % 2}", "banking", "en", 1.0, ended_at=2.0)
            for number in range(4)
        ]
        await store.save(calls)
        await store.aclose()

    assert "there is no database in d" in one_line(shell.run("db purge --call CA1 --data d"))
    assert not Path("d").exists()
    Path("d").mkdir()
    asyncio.run(fill())
    erased = shell.run("db purge --caller +15550100 --data d")
    assert (erased.status, erased.out) == (0, "CA0 is deleted.\nCA2 is deleted.\n")
    with held_folder(Config(data_dir=Path("d"))):
        erased = shell.run("db purge --call CA1 --data d")
    assert erased.out.startswith("CA1 is deleted.\nA server is running: ")
    following = erased.out.splitlines()[-1]
    assert following == "voice-hitl db purge --call CA1 --data d"
    again = shell.run(following.removeprefix("voice-hitl "))
    assert (again.status, again.out, again.err) == (0, "Nothing is kept of CA1.\n", "")
    again = shell.run("db purge --caller '+1 555-0100' --caller +15550101 --data d")
    assert (again.status, again.out) == (0, "CA3 is deleted.\nNothing is kept of +15550100.\n")
    for wrong in ("--caller 15550100", "--caller ''", "--caller +1555x", "--call ' '"):
        assert shell.run(f"db purge {wrong} --data d").status == 2
    assert "give --caller or --call" in one_line(shell.run("db purge --data d"))


def test_a_short_password_makes_no_account(shell: Shell) -> None:
    refused = shell.run("users add ana --data d --password 123456789")
    assert refused.status == 2
    assert "too short: give 10 characters or more" in one_line(refused)
    assert not Path("d").exists()
    assert "asked for, unseen, when left out" in shell.run("users add --help").out


@pytest.mark.parametrize("command", ["add", "password"])
def test_a_password_can_be_piped_in(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    seen: list[str] = []
    called = {"add": "add_operator", "password": "change_password"}[command]
    monkeypatch.setattr(
        f"voice_hitl.admin.{called}", lambda _config, name, password, **_: seen.append(password)
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse \r\nanother line\n"))
    assert shell.run(f"users {command} ana --data d --password-stdin").status == 0
    assert seen == ["correct horse "]
    both = shell.run(f"users {command} ana --data d --password-stdin --password battery-staple")
    assert both.status == 2
    assert "give one of them" in one_line(both)


def test_a_password_that_is_asked_for_is_not_required(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = shell.run("users add --help").out
    (line,) = [each for each in said.splitlines() if re.search(r"--password\s", each)]
    assert "required" not in line
    monkeypatch.setattr("getpass.getpass", lambda *_: "correct horse")
    assert shell.run("users add ana --data d").status == 0


def test_an_account_says_what_its_operator_knows(shell: Shell) -> None:
    account = "--role supervisor --skill banking --skill cards --language en --seniority on_call"
    assert shell.run(f"users add sam --data d --password 'correct horse' {account}").status == 0
    row = cells(shell.run("users list --data d").out)[1]
    assert row[:5] == ["sam", "supervisor", "on_call", "banking, cards", "en"]
    for wrong in ("--seniority chief", "--role king"):
        assert shell.run(f"users add eve --data d --password 'correct horse' {wrong}").status == 2


@pytest.mark.parametrize("passed", [True, False])
def test_a_demo_that_did_not_end_as_expected_is_a_failure(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    asked = {}

    def play(**how: object) -> bool:
        asked.update(how)
        return passed

    monkeypatch.setattr("voice_hitl.demo.run_demo", play)
    line = "demo --scenario balance --scenario person --headless --report out.json --together 5"
    assert shell.run(line).status == (0 if passed else 1)
    assert asked["names"] == ["balance", "person"]
    assert (asked["headless"], asked["together"]) == (True, 5)
    assert asked["report"] == Path("out.json")


def test_it_is_installed_as_a_command_and_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "voice_hitl.cli", "serve", "--config", "absent.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "voice-hitl: absent.toml: cannot be read (No such file or directory)\n"
