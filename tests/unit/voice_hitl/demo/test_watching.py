from typing import cast

from voice_hitl.demo.console_client import ConsoleClient
from voice_hitl.demo.watching import Monitor, Watched, take_in
from voice_hitl.server import wire
from voice_hitl.simulate.script import Spoken


def entry(seq: int, text: str) -> wire.TranscriptEntry:
    return wire.TranscriptEntry(seq=seq, role="agent", text=text, heard=None, final=True, at=0.0)


def view(call_id: str, state: wire.CallState, points: int) -> wire.CallView:
    return wire.CallView(
        call_id=call_id,
        caller="+15550100",
        pack="banking",
        started_at=0.0,
        state=state,
        safe_mode=False,
        operator_id=None,
        operator_name=None,
        intent=None,
        turns=points,
        points=[
            wire.Point(turn=n, at=float(n), confidence=0.9, risk=0.1, low=0.2, high=0.35)
            for n in range(points)
        ],
        low_turns=2,
        armed=True,
        reasons=[],
    )


def test_lines_replace_each_other_by_their_number() -> None:
    watched = Watched("CA1")
    take_in(watched, wire.TranscriptChanged(call_id="CA1", entry=entry(0, "hel")))
    news = take_in(watched, wire.TranscriptChanged(call_id="CA1", entry=entry(0, "hello")))
    assert news == [entry(0, "hello")]
    assert watched.entries == {0: entry(0, "hello")}


def test_other_calls_are_none_of_its_business() -> None:
    watched = Watched("CA1")
    assert take_in(watched, wire.TranscriptChanged(call_id="CA2", entry=entry(0, "x"))) == []
    assert take_in(watched, wire.CallChanged(call=view("CA2", "operator", 3))) == []
    assert take_in(watched, wire.CallGone(call_id="CA2", outcome="failed")) == []
    assert (watched.state, watched.points, watched.entries) == ("ai", [], {})


async def test_a_caller_learns_what_was_heard_of_each_line() -> None:
    monitor = Monitor(cast(ConsoleClient, None), lambda watched, news: None)
    watched = monitor._calls["CA1"] = Watched("CA1")
    take_in(watched, wire.TranscriptChanged(call_id="CA1", entry=entry(1, "what else")))
    cut = entry(0, "one moment").model_copy(update={"heard": "one"})
    take_in(watched, wire.TranscriptChanged(call_id="CA1", entry=cut))
    assert list(await monitor.transcript("CA1")) == [
        Spoken("agent", "one moment", "one"),
        Spoken("agent", "what else", None),
    ]


def test_points_and_states_are_news_once() -> None:
    watched = Watched("CA1")
    first = take_in(watched, wire.CallChanged(call=view("CA1", "ai", 1)))
    assert [point.turn for point in first if isinstance(point, wire.Point)] == [0]
    again = take_in(watched, wire.CallChanged(call=view("CA1", "waiting", 2)))
    assert [item.turn if isinstance(item, wire.Point) else item for item in again] == [1, "waiting"]
    assert take_in(watched, wire.CallChanged(call=view("CA1", "waiting", 2))) == []


def test_the_end_and_its_outcome() -> None:
    watched = Watched("CA1")
    assert take_in(watched, wire.CallGone(call_id="CA1", outcome="abandoned")) == ["ended"]
    assert (watched.state, watched.outcome) == ("ended", "abandoned")


def test_watching_begins_with_the_lines_so_far() -> None:
    watched = Watched("CA1")
    lines = [entry(0, "a"), entry(1, "b")]
    message = wire.Transcript(call_id="CA1", entries=lines, more=False, points=[])
    assert take_in(watched, message) == [entry(0, "a"), entry(1, "b")]
