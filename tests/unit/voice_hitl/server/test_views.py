from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.brief import Attempt, Brief, Exchange
from handoff.commands import Reason, Ring, Urgency
from handoff.session import State
from voice_hitl.call.ports import CallSnapshot, Point
from voice_hitl.call.transcript import Line, Role
from voice_hitl.server import wire
from voice_hitl.server.views import (
    brief_view,
    call_view,
    offer_view,
    reason_views,
    transcript_entry,
)

REASONS = (
    Reason("explicit_request", "the caller asked for a person", 100.0),
    Reason("long_call", "the call is long", 0.5),
)
BRIEF = Brief(
    call_id="CA1",
    why="Call about balance: the caller asked for a person.",
    reasons=REASONS,
    urgency=Urgency.HIGH,
    who="+15550100",
    intent="balance",
    slots={"account": "checking"},
    tried=(Attempt("transfer (amount: 50)", "the bank refused", False),),
    pending="which account",
    exchanges=(Exchange("caller", 1, "my balance"), Exchange("agent", 1, "Which account?")),
    next_step="Take over from here.",
)


@pytest.mark.parametrize("state", list(State))
def test_a_call_is_shown_in_every_state(state: State) -> None:
    view = call_view(
        CallSnapshot(
            call_id="CA1",
            caller="+15550100",
            pack="banking",
            started_at=1.0,
            state=state.value,
            safe_mode=True,
            operator_id="op_ana",
            operator_name="Ana",
            intent=None,
            turns=2,
            points=(Point(1, 2.0, 0.9, 0.1, 0.2, 0.3), Point(2, 3.0, 0.8, 0.2, None, None)),
            reasons=REASONS,
            low_turns=2,
            armed=False,
        )
    )
    assert view.state == state.value
    assert (view.operator_id, view.operator_name, view.safe_mode) == ("op_ana", "Ana", True)
    assert [(p.turn, p.at, p.confidence, p.risk, p.low, p.high) for p in view.points] == [
        (1, 2.0, 0.9, 0.1, 0.2, 0.3),
        (2, 3.0, 0.8, 0.2, None, None),
    ]
    assert (view.low_turns, view.armed) == (2, False)
    assert [reason.code for reason in view.reasons] == ["explicit_request", "long_call"]
    assert wire.CallView.model_validate_json(view.model_dump_json()) == view


def test_reasons_keep_their_order_and_words() -> None:
    first, second = reason_views(REASONS)
    assert (first.code, first.words, first.weight) == (
        "explicit_request",
        "the caller asked for a person",
        100.0,
    )
    assert second.code == "long_call"
    assert reason_views(()) == []


roles: st.SearchStrategy[Role] = st.sampled_from(["caller", "agent", "operator", "system"])


@given(
    st.builds(
        Line,
        seq=st.integers(0, 10**6),
        role=roles,
        text=st.text(st.characters(exclude_categories=["Cs"])),
        at=st.floats(0, 4e9),
        final=st.booleans(),
        heard=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        confidence=st.none() | st.floats(0, 1),
    )
)
def test_a_line_reaches_the_console_as_it_is(line: Line) -> None:
    sent = transcript_entry(line).model_dump_json()
    seen = wire.TranscriptEntry.model_validate_json(sent)
    assert (seen.seq, seen.role, seen.text, seen.heard) == (
        line.seq,
        line.role,
        line.text,
        line.heard,
    )
    assert (seen.final, seen.at, seen.asr_confidence) == (line.final, line.at, line.confidence)


def test_a_brief_shows_everything_the_core_knows() -> None:
    view = brief_view(BRIEF, at=7.0)
    assert view.why == BRIEF.why
    assert (view.urgency, view.who, view.intent) == ("high", "+15550100", "balance")
    assert view.slots == {"account": "checking"}
    assert view.tried == [
        wire.Attempt(what="transfer (amount: 50)", result="the bank refused", ok=False)
    ]
    assert (view.pending, view.next_step) == ("which account", "Take over from here.")
    assert [(e.seq, e.role, e.text, e.at, e.final) for e in view.exchanges] == [
        (0, "caller", "my balance", 7.0, True),
        (1, "agent", "Which account?", 7.0, True),
    ]


def test_an_offer_says_until_when_it_rings() -> None:
    offer = offer_view(
        Ring("CA1.1", "CA1", "op_ana", BRIEF, deadline=115.0), "+15550100", 15.0, now=1_000.0
    )
    assert (offer.offer_id, offer.call_id, offer.caller) == ("CA1.1", "CA1", "+15550100")
    assert (offer.expires_at, offer.seconds) == (1_015.0, 15.0)
    assert offer.brief == brief_view(BRIEF, at=1_000.0)
