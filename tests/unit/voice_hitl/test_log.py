from __future__ import annotations

import sys
from collections.abc import Iterator

import orjson
import pytest
import structlog

from voice_hitl.log import LogFormat, configure, get_logger

Screen = pytest.CaptureFixture[str]


@pytest.fixture
def screen(capsys: Screen) -> Iterator[Screen]:
    before = structlog.get_config()
    yield capsys
    structlog.configure(**before)


def lines(screen: Screen) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in screen.readouterr().err.splitlines()]


def test_a_line_is_one_event_with_its_module_time_and_values(screen: Screen) -> None:
    configure("info", "json")
    get_logger("voice_hitl.somewhere").info("call ended", call_id="CA1", seconds=1.5)
    (line,) = lines(screen)
    assert line["event"] == "call ended"
    assert (line["module"], line["level"]) == ("voice_hitl.somewhere", "info")
    assert (line["call_id"], line["seconds"]) == ("CA1", 1.5)
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_below_the_level_is_not_written(
    screen: Screen, level: str, shown: list[str]
) -> None:
    configure(level, "json")
    log = get_logger("test")
    for each in ("debug", "info", "warning", "error"):
        getattr(log, each)("something")
    assert [line["level"] for line in lines(screen)] == shown


@pytest.mark.parametrize(
    ("form", "terminal", "json"),
    [
        ("auto", False, True),
        ("auto", True, False),
        ("json", True, True),
        ("console", False, False),
    ],
)
def test_it_is_readable_on_a_terminal_and_json_elsewhere(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, form: LogFormat, terminal: bool, json: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    configure("info", form)
    get_logger("test").warning("call fell behind", call_id="CA1")
    text = screen.readouterr().err
    assert text.startswith("{") == json
    assert "call fell behind" in text
    assert "CA1" in text


def test_an_error_carries_where_it_came_from(screen: Screen) -> None:
    configure("info", "json")
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError:
        get_logger("test").exception("call broke")
    (line,) = lines(screen)
    assert "ZeroDivisionError: a bug" in str(line["exception"])
    assert "test_log.py" in str(line["exception"])


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(KeyError):
        configure("loud")
