"""From what the call and the core know to what the console is shown."""

from __future__ import annotations

from collections.abc import Iterable

from handoff.approvals import Show
from handoff.brief import Brief
from handoff.commands import Reason, Ring
from handoff.oversight import REASONS
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.call.transcript import Line
from voice_hitl.server.wire import (
    ApprovalView,
    Attempt,
    BriefView,
    CallView,
    OfferView,
    Point,
    ReasonView,
    TranscriptEntry,
)


def reason_views(reasons: Iterable[Reason]) -> list[ReasonView]:
    """Reasons, largest first as given."""
    return [ReasonView(code=r.code, words=r.words, weight=r.weight) for r in reasons]


def call_view(call: CallSnapshot) -> CallView:
    """A live call."""
    return CallView(
        call_id=call.call_id,
        caller=call.caller,
        pack=call.pack,
        started_at=call.started_at,
        state=call.state,
        safe_mode=call.safe_mode,
        operator_id=call.operator_id,
        operator_name=call.operator_name,
        intent=call.intent,
        turns=call.turns,
        points=[
            Point(turn=p.turn, at=p.at, confidence=p.confidence, risk=p.risk) for p in call.points
        ],
        reasons=reason_views(call.reasons),
    )


def transcript_entry(line: Line) -> TranscriptEntry:
    """One line of a transcript."""
    return TranscriptEntry(
        seq=line.seq,
        role=line.role,
        text=line.text,
        heard=line.heard,
        final=line.final,
        at=line.at,
        asr_confidence=line.confidence,
    )


def brief_view(brief: Brief, at: float) -> BriefView:
    """A brief; `at` (Unix seconds) dates its exchanges."""
    return BriefView(
        why=brief.why,
        reasons=reason_views(brief.reasons),
        urgency=brief.urgency.value,
        who=brief.who,
        intent=brief.intent,
        slots=dict(brief.slots),
        tried=[Attempt(what=a.what, result=a.result, ok=a.ok) for a in brief.tried],
        pending=brief.pending,
        exchanges=[
            TranscriptEntry(
                seq=seq,
                role=exchange.role,
                text=exchange.text,
                heard=None,
                final=True,
                at=at,
            )
            for seq, exchange in enumerate(brief.exchanges)
        ],
        next_step=brief.next_step,
    )


def offer_view(offer: Ring, caller: str, seconds: float, now: float) -> OfferView:
    """A ringing offer; `now` in Unix seconds."""
    return OfferView(
        offer_id=offer.offer_id,
        call_id=offer.call_id,
        caller=caller,
        brief=brief_view(offer.brief, now),
        expires_at=now + seconds,
        seconds=seconds,
    )


def approval_view(ask: Show, caller: str, seconds: float, now: float) -> ApprovalView:
    """An approval as its operator sees it; `seconds` are left of it, `now` in Unix seconds."""
    record = ask.record
    proposal = record.proposal
    return ApprovalView(
        approval_id=record.approval_id,
        call_id=record.call_id,
        caller=caller,
        action=proposal.name,
        summary=proposal.summary,
        arguments=dict(record.arguments),
        digest=record.digest,
        effect=proposal.effect.value,
        amount=proposal.amount,
        risk=record.risk,
        reasons=[REASONS[code] for code in record.reasons],
        reasoning=proposal.reasoning,
        alternatives=list(proposal.alternatives),
        doubts=list(proposal.doubts),
        veto=record.silence_consents,
        second=ask.second,
        expires_at=now + seconds,
        seconds=record.deadline - record.asked_at,
    )
