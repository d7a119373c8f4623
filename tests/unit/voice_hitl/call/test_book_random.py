"""Whatever happens in a call, in any order, its book ends whole."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.testing import a_decision
from tests.support import virtual
from tests.support.booking import Desk
from tests.unit.voice_hitl.call.test_book import OUTCOMES, caller_turn, said

steps = st.sampled_from(
    [
        "partial",
        "noise",
        "turn",
        "silence",
        "says",
        "heard",
        "cut",
        "request",
        "offer",
        "accept",
        "bridge",
        "over",
        "decide",
    ]
)


def act(desk: Desk, step: str, number: int) -> None:
    book = desk.book
    spoken = [line.seq for line in book.lines if line.role == "agent"]
    match step:
        case "partial":
            book.caller_partial(f"well {number}")
        case "noise":
            book.utterance(said("", 0.0), 0.3)
        case "turn":
            caller_turn(desk, number, f"turn {number}")
        case "silence":
            book.turn_begins(number)
            book.caller_other("The caller said nothing.")
        case "says":
            book.agent_says(f"Sentence {number}.")
        case "heard" if spoken:
            book.heard_all(spoken[-1])
        case "cut" if spoken:
            book.heard(spoken[-1], "Sentence")
        case "request":
            book.requested(desk.request(number=number))
        case "offer":
            book.offered("ana")
        case "accept":
            book.accepted("ana", number)
        case "bridge":
            book.handoffs.bridged()
        case "over":
            book.bridge_over("handed_back")
        case "decide":
            book.decided(replace(a_decision("CA1"), turn=number))


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=25), st.sampled_from(OUTCOMES))
def test_whatever_happened_the_end_leaves_no_row_half_written(
    happened: list[str], outcome: str
) -> None:
    async def main() -> None:
        desk = Desk()
        for number, step in enumerate(happened, start=1):
            act(desk, step, number)
        desk.book.ending(outcome, "done")
        store = await desk.stored()
        call = await store.call("CA1")
        assert call is not None
        assert call.outcome == outcome
        handoffs = await store.handoffs("CA1")
        assert [handoff.seq for handoff in handoffs] == list(range(len(handoffs)))
        for handoff in handoffs:
            known = [
                handoff.requested_at,
                handoff.accepted_at,
                handoff.bridged_at,
                handoff.ended_at,
            ]
            times = [time for time in known if time is not None]
            assert handoff.ended_at is not None
            assert times == sorted(times)
        turns = await store.turns("CA1")
        assert all(turn.heard is not None for turn in turns if turn.role == "agent")
        stored = {turn.seq: turn.text for turn in turns}
        partial = {line.seq for line in desk.book.lines if not line.final}
        kept = {
            line.seq: line.text for line in desk.book.lines if line.text and line.seq not in partial
        }
        assert stored == kept
        decisions = await store.decisions("CA1")
        assert [decision.seq for decision in decisions] == list(range(happened.count("decide")))

    virtual.run(main())
