from pathlib import Path
from typing import Any

import pytest

from voice_hitl.call.latency import Stage
from voice_hitl.demo.judging import failures
from voice_hitl.demo.report import Played, report_all, report_call
from voice_hitl.demo.wer import WordErrors
from voice_hitl.simulate.record import CallRecord, Utterance
from voice_hitl.simulate.scenario import Expectation, Scenario

UNIX = 1_000_000.0  # Unix seconds at 0 of the loop's clock
SHIPPED = Path(__file__).parents[4] / "voice_hitl" / "packs" / "banking" / "scenarios"


def scenario(**expect: Any) -> Scenario:
    return Scenario(
        source=SHIPPED / "balance.yaml",
        name="balance",
        steps=[],
        expect=Expectation(**({"outcome": "automated"} | expect)),
    )


def turn(seq: int, role: str, text: str, at: float, **values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "turn": 1,
        "heard": None,
        "asr_confidence": None,
        "intent": None,
        "confidence": None,
        "risk": None,
        "signals": {},
        "latency_ms": {},
    }
    return (
        {"call_id": "CA1", "seq": seq, "role": role, "text": text, "at": UNIX + at} | empty | values
    )


def stored(
    outcome: str = "automated",
    turns: list[dict[str, Any]] | None = None,
    decisions: list[dict[str, Any]] | None = None,
    handoffs: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "call": {"call_id": "CA1", "started_at": UNIX + 10.0, "outcome": outcome},
        "turns": turns or [],
        "decisions": decisions or [],
        "handoffs": handoffs or [],
    }


def decision(code: str, *, hand_off: bool = True) -> dict[str, Any]:
    return {"hand_off": hand_off, "reasons": [{"code": code, "words": code, "weight": 1.0}]}


def handoff(**values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "requested_at": UNIX + 20.0,
        "offered_at": None,
        "accepted_at": None,
        "bridged_at": None,
        "ended_at": None,
        "ended_why": None,
        "brief": {"why": "asked"},
    }
    return empty | values


def record() -> CallRecord:
    made = CallRecord("balance", "CA1", started=10.0, ended=40.0, origin=10.0)
    made.utterances = [
        Utterance("balance_1.wav", "how much is in savings", 15.0, [(15.2, 17.0)], answered_at=17.6)
    ]
    return made


def test_a_routine_call() -> None:
    lines = [
        turn(0, "agent", "How can I help you?", 11, heard="How can I help you?"),
        turn(
            1,
            "caller",
            "how much is in saving",
            16,
            asr_confidence=0.8,
            confidence=0.9,
            risk=0.1,
            latency_ms={"endpoint": 340.0, "response": 560.0},
        ),
    ]
    report = report_call(Played(scenario(), record(), stored(turns=lines), UNIX))
    assert report.ok
    assert report.responses == [pytest.approx(600.0)]
    assert (Stage.ENDPOINT, 340.0) in report.server
    found = report.to_dict()
    assert found["turns"][1]["reference"] == "how much is in savings"
    assert found["turns"][1]["word_errors"] == 1
    assert found["turns"][0]["reference"] is None
    assert found["wer"] == 0.2
    assert found["handoff"] is None


def test_what_was_never_recognized_is_a_turn_of_its_own() -> None:
    lines = [turn(0, "agent", "Hello.", 11), turn(1, "agent", "Are you there?", 25)]
    report = report_call(Played(scenario(), record(), stored(turns=lines), UNIX))
    roles = [(each["role"], each["reference"]) for each in report.turns]
    assert roles == [("agent", None), ("caller", "how much is in savings"), ("agent", None)]
    assert report.words.rate == 1.0


def test_words_out_of_nothing_count_where_the_caller_can_be_understood() -> None:
    lines = [
        turn(0, "caller", "how much is in savings", 16),
        turn(1, "caller", "people talking behind", 35),
    ]
    clear = Played(scenario(), record(), stored(turns=lines), UNIX)
    unclear = Played(scenario(), record(), stored(turns=lines), UNIX)
    unclear.record.utterances[0].text = ""
    assert report_call(clear).words == WordErrors(3, 5)
    assert report_call(unclear).words == WordErrors(0, 0)


def test_a_call_the_server_knows_nothing_of_fails() -> None:
    report = report_call(Played(scenario(), record(), None, UNIX))
    assert [check.what for check in failures(report.checks)] == ["outcome"]
    assert report.outcome is None


def test_the_handoff_tells_when_what_happened() -> None:
    answered = handoff(
        offered_at=UNIX + 20.02,
        accepted_at=UNIX + 21.0,
        bridged_at=UNIX + 21.05,
        ended_at=UNIX + 30.0,
        ended_why="operator_ended",
    )
    lapsed = handoff(ended_why="nobody", ended_at=UNIX + 20.5)
    report = report_call(
        Played(
            scenario(outcome="handed_off", reasons_any=["emergency"]),
            record(),
            stored(
                "handed_off",
                decisions=[decision("novel_request", hand_off=False), decision("emergency")],
                handoffs=[lapsed, answered],
            ),
            UNIX,
        )
    )
    assert report.reasons == ("emergency",)
    assert report.handoff is not None
    assert report.handoff["decided_ms"] == 10_000.0
    assert report.handoff["offered_ms"] == 10_020.0
    assert report.handoff["bridged_ms"] == 11_050.0
    assert report.handoff["requests"] == 2
    assert dict(report.server)[Stage.BRIDGE] - 50.0 < 0.01
    # Nobody's voice was found anywhere, so the call is not as it should be.
    assert {check.what for check in failures(report.checks)} == {"caller hears", "operator hears"}


def test_a_call_that_a_person_may_do_as_they_like_with_is_not_judged() -> None:
    odd = stored("failed")
    report = report_call(Played(scenario(), record(), odd, UNIX, judged=False))
    assert report.ok
    assert report.expected == "failed"


def test_totals_add_up() -> None:
    good = report_call(
        Played(
            scenario(),
            record(),
            stored(turns=[turn(0, "caller", "how much is in savings", 16)]),
            UNIX,
        )
    )
    bad = report_call(Played(scenario(outcome="handed_off"), record(), stored(), UNIX))
    totals = report_all([good, bad])["totals"]
    assert totals["calls"] == 2
    assert totals["as_expected"] == 1
    assert totals["outcomes"] == {"automated": 2}
    assert totals["wer"] == 0.5
    assert totals["latency_ms"]["caller"]["response"]["n"] == 2
    assert totals["latency_ms"]["caller"]["response"]["budget_p50"] == 550
