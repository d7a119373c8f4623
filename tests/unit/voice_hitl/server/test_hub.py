from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from handoff.approvals import ApprovalRecord, Show, digest
from handoff.brief import Brief
from handoff.commands import Reason, Ring, Urgency
from handoff.drift import Code, Warned
from handoff.events import Effect
from handoff.oversight import Mode, Proposal
from voice_hitl.call.ports import CallSnapshot, Point
from voice_hitl.call.transcript import Line
from voice_hitl.clock import Clock
from voice_hitl.server.auth import Identity
from voice_hitl.server.hub import Hub
from voice_hitl.server.metrics import Metrics
from voice_hitl.server.views import LATEST_LINES, LATEST_POINTS
from voice_hitl.server.windows import Connection
from voice_hitl.server.wire import server_message

REASON = Reason("explicit_request", "the caller asked for a person", 100.0)
BRIEF = Brief(
    call_id="CA1",
    why="The caller asked for a person.",
    reasons=(REASON,),
    urgency=Urgency.MEDIUM,
    who="+15550100",
    intent="balance",
    slots={"account": "checking"},
    tried=(),
    pending=None,
    exchanges=(),
    next_step="Take over from here.",
)


def snapshot(call_id: str = "CA1", turns: int = 1) -> CallSnapshot:
    return CallSnapshot(
        call_id=call_id,
        caller="+15550100",
        pack="banking",
        started_at=1.0,
        state="ai",
        safe_mode=False,
        operator_id=None,
        operator_name=None,
        intent="balance",
        turns=turns,
        points=tuple(Point(n, 1.0 + n, 0.9, 0.1, 0.2, 0.3) for n in range(1, turns + 1)),
        reasons=(REASON,),
        low_turns=2,
        armed=True,
    )


@pytest.fixture
async def hub() -> Hub:
    lines = [Line(0, "agent", "Hello.", 1.0)]
    intents = {"balance": "the balance"}
    return Hub(Clock.of_running_loop(), Metrics(), "1.0", "Be kind.", lambda _: lines, intents)


async def drain(connection: Connection) -> list[dict[str, Any]]:
    messages = []
    while connection._outbox.qsize():
        text = await connection.next_message()
        server_message.validate_json(text)
        messages.append(orjson.loads(text))
    return messages


ANA = Identity("op_ana", "Ana")
BEN = Identity("op_ben", "Ben")


async def test_a_console_is_greeted_with_the_whole_state(hub: Hub) -> None:
    hub.call_changed(snapshot())
    hub.open(BEN)
    hello, *_ = await drain(hub.open(ANA))
    assert hello["type"] == "hello"
    assert hello["me"]["name"] == "Ana"
    assert {operator["name"] for operator in hello["operators"]} == {"Ana", "Ben"}
    assert [call["call_id"] for call in hello["calls"]] == ["CA1"]
    assert hello["guidelines"] == "Be kind."


async def test_the_greeting_does_not_grow_with_the_length_of_calls(hub: Hub) -> None:
    hub.call_changed(snapshot(turns=LATEST_POINTS + 300))
    ana = hub.open(ANA)
    hello, *_ = await drain(ana)
    (call,) = hello["calls"]
    shown = [point["turn"] for point in call["points"]]
    assert shown == list(range(301, 301 + LATEST_POINTS)), "the latest"
    hub.watch(ana, "CA1")
    (whole,) = await drain(ana)
    assert [point["turn"] for point in whole["points"]] == list(range(1, 301 + LATEST_POINTS))


async def test_a_call_is_shown_in_the_greeting_as_it_stands(hub: Hub) -> None:
    hub.call_changed(snapshot(turns=1))
    hub.call_changed(replace(snapshot(turns=2), state="waiting"))
    hello, *_ = await drain(hub.open(ANA))
    (call,) = hello["calls"]
    assert (call["turns"], call["state"], len(call["points"])) == (2, "waiting", 2)


async def test_who_talks_to_the_caller_is_shown_the_brief_again_after_a_reload(hub: Hub) -> None:
    hub.call_changed(snapshot())
    ana = hub.open(ANA)
    await drain(ana)
    hub.bridged("CA1", "op_ana", 1, BRIEF)
    (bridged,) = await drain(ana)
    assert bridged["brief"]["next_step"] == "Take over from here."
    hub.close(ana)
    _, again, *_ = await drain(hub.open(ANA))
    assert again == bridged
    assert "bridged" not in [message["type"] for message in await drain(hub.open(BEN))]
    hub.unbridged("CA1", "op_ana", "handed_back")
    hub.bridged("CA1", "op_ben", 2, BRIEF)
    assert "bridged" not in [message["type"] for message in await drain(hub.open(ANA))]
    _, bens, *_ = await drain(hub.open(BEN))
    assert (bens["epoch"], bens["brief"]) == (2, bridged["brief"])


async def test_an_offer_rings_at_its_operator_alone_and_survives_a_reload(hub: Hub) -> None:
    ana, ben = hub.open(ANA), hub.open(BEN)
    await drain(ana), await drain(ben)
    hub.floor.ring(Ring("of1", "CA1", "op_ana", BRIEF, deadline=15.0), seconds=15.0)
    (offer,) = await drain(ana)
    assert offer["offer"]["brief"]["why"] == "The caller asked for a person."
    assert await drain(ben) == []
    hub.close(ana)
    again = hub.open(ANA)
    hello, *_ = await drain(again)
    assert [known["offer_id"] for known in hello["offers"]] == ["of1"]
    hub.floor.offer_over("op_ana", "of1", "CA1", "lapsed")
    (over,) = await drain(again)
    assert (over["reason"], "next operator" in over["message"]) == ("lapsed", True)


async def test_lines_go_to_who_watches(hub: Hub) -> None:
    ana, ben = hub.open(ANA), hub.open(BEN)
    hub.watch(ana, "CA1")
    await drain(ben)
    *_, transcript = await drain(ana)
    assert transcript["type"] == "transcript_all"
    assert transcript["entries"][0]["text"] == "Hello."
    hub.line("CA1", Line(1, "caller", "hi", 2.0, confidence=0.9))
    hub.line("CA2", Line(0, "caller", "other", 2.0))
    (line,) = await drain(ana)
    assert line["entry"]["text"] == "hi"
    assert await drain(ben) == []
    hub.watch(ana, None)
    hub.line("CA1", Line(2, "caller", "more", 3.0))
    assert await drain(ana) == []


async def test_a_long_transcript_is_sent_from_its_end_and_the_rest_when_asked_for() -> None:
    count = 2 * LATEST_LINES + 5
    lines = [Line(seq, "caller", f"line {seq}", 1.0) for seq in range(count)]
    clock = Clock.of_running_loop()
    hub = Hub(clock, Metrics(), "1.0", "Be kind.", lambda call: lines if call == "CA1" else [], {})
    ana = hub.open(ANA)
    await drain(ana)
    hub.watch(ana, "CA1")
    got: list[int] = []
    more = True
    while more:
        (told,) = await drain(ana)
        assert len(told["entries"]) <= LATEST_LINES
        got = [entry["seq"] for entry in told["entries"]] + got
        more = told["more"]
        hub.earlier(ana, "CA1", got[0])
    assert got == list(range(count))
    (nothing,) = await drain(ana)
    assert (nothing["entries"], nothing["more"]) == ([], False)


async def test_earlier_lines_are_for_who_watches_the_call(hub: Hub) -> None:
    ana = hub.open(ANA)
    hub.watch(ana, "CA2")
    await drain(ana)
    hub.earlier(ana, "CA1", 5)
    assert await drain(ana) == []


async def test_everybody_sees_calls_come_and_go(hub: Hub) -> None:
    ana = hub.open(ANA)
    await drain(ana)
    hub.call_changed(snapshot())
    hub.call_ended("CA1", "automated")
    hub.call_ended("CA1", "automated")
    assert [message["type"] for message in await drain(ana)] == ["call", "call_ended"]
    hello, *_ = await drain(hub.open(BEN))
    assert hello["calls"] == []


async def test_presence_is_published_and_leavers_are_forgotten(hub: Hub) -> None:
    ana, ben = hub.open(ANA), hub.open(BEN)
    await drain(ana)
    hub.floor.presence("op_ben", "in_call", "CA1", 2)
    hub.close(ben)
    hub.floor.presence("op_ben", "gone", None, 0)
    hub.floor.presence("op_unknown", "away", None, 0)
    changed, gone = await drain(ana)
    shown = changed["operator"]
    assert (shown["presence"], shown["call_id"], shown["load"]) == ("in_call", "CA1", 2)
    assert gone == {"type": "operator_gone", "operator_id": "op_ben"}


async def test_warnings_are_for_supervisors_and_stay_for_those_who_come_later(hub: Hub) -> None:
    ana = hub.open(ANA)
    boss = hub.open(Identity("op_boss", "Boss", "supervisor"))
    for connection in (ana, boss):
        await drain(connection)
    warning = Warned(Code.QUEUE, 5.0, "The queue grows.", (("waiting", 4.0),), "Ask people in.")
    hub.warnings.warning_raised(warning, 1000.0)
    assert await drain(ana) == []
    (told,) = await drain(boss)
    assert (told["type"], told["warning"]["todo"]) == ("warning", "Ask people in.")
    later = hub.open(Identity("op_chef", "Chef", "supervisor"))
    assert "warning" in [message["type"] for message in await drain(later)]
    assert "warning" not in [message["type"] for message in await drain(hub.open(ANA))]
    await drain(boss)
    hub.warnings.warning_over("queue")
    assert [message["type"] for message in await drain(boss)] == ["warning_over"]


def an_approval(operator_id: str) -> Show:
    arguments = {"amount": "50"}
    record = ApprovalRecord(
        approval_id="ap1",
        proposal=Proposal("a1", "CA7", "transfer", arguments, Effect.IRREVERSIBLE, "move it"),
        mode=Mode.IN,
        risk=50,
        reasons=(),
        arguments=arguments,
        digest=digest("transfer", arguments),
        asked_at=0.0,
        escalate_at=20.0,
        deadline=40.0,
        due_at=20.0,
        silence_consents=False,
    )
    return Show("ap1", operator_id, record, second=False)


async def test_an_approval_is_forgotten_with_the_answer_that_counts(hub: Hub) -> None:
    ana = hub.open(ANA)
    hub.approvals.approval_asked(an_approval("op_ana"), 40.0)
    hub.approvals.answer_refused("op_ana", "ap1", "stale_digest")
    hello, *_ = await drain(hub.open(ANA))
    assert [approval["approval_id"] for approval in hello["approvals"]] == ["ap1"]
    hub.approvals.answer_taken("op_ana", "ap1", "approved")
    assert (await drain(ana))[-1]["counted"]
    hello, *_ = await drain(hub.open(ANA))
    assert hello["approvals"] == []
