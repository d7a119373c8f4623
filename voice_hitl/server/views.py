"""From what the call and the core know to what the console is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from handoff.approvals import ApprovalRecord, Show
from handoff.audit import AuditItem
from handoff.board import Card
from handoff.board import ColumnView as BoardColumn
from handoff.brief import Brief
from handoff.callbacks import CallbackRecord
from handoff.commands import Reason, Ring
from handoff.oversight import REASONS
from handoff.queue import Waiting
from voice_hitl.call.masking import masked_approval
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.call.ports import Point as CallPoint
from voice_hitl.call.transcript import Line
from voice_hitl.server.wire import (
    ApprovalView,
    Attempt,
    AuditView,
    BriefView,
    CallbackView,
    CallView,
    CardView,
    ColumnView,
    FollowUpView,
    MoveView,
    OfferView,
    Point,
    ReasonView,
    TranscriptEntry,
    WaitingView,
)

LATEST_POINTS = 24  # of a call in the list: what its row draws
LATEST_LINES = 300  # of a transcript that are sent at once: a quarter of an hour of talk


def reason_views(reasons: Iterable[Reason]) -> list[ReasonView]:
    """Reasons, largest first as given."""
    return [ReasonView(code=r.code, words=r.words, weight=r.weight) for r in reasons]


def point_views(points: Iterable[CallPoint]) -> list[Point]:
    """Points of the curve of confidence and risk."""
    return [
        Point(turn=p.turn, at=p.at, confidence=p.confidence, risk=p.risk, low=p.low, high=p.high)
        for p in points
    ]


def call_view(call: CallSnapshot) -> CallView:
    """A live call, with the latest points of its curve."""
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
        points=point_views(call.points[-LATEST_POINTS:]),
        low_turns=call.low_turns,
        armed=call.armed,
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


def latest_lines(
    lines: Iterable[Line], before: int | None = None
) -> tuple[list[TranscriptEntry], bool]:
    """The last `LATEST_LINES` lines (of those before number `before`), and whether there are earlier ones."""
    known = [line for line in lines if before is None or line.seq < before]
    shown = known[-LATEST_LINES:]
    return [transcript_entry(line) for line in shown], len(known) > len(shown)


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
    """An approval as its operator sees it, masked; `seconds` are left of it, `now` in Unix seconds."""
    record = masked_approval(ask.record)
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


def audit_view(item: AuditItem, seconds: float, now: float) -> AuditView:
    """Something to judge; `seconds` are left of it, `now` in Unix seconds."""
    return AuditView.model_validate(
        {
            "audit_id": item.audit_id,
            "kind": item.kind,
            "call_id": item.call_id,
            "turn": item.turn,
            "path": item.path,
            "category": item.category,
            "risk": item.risk,
            "summary": item.summary,
            "expires_at": now + seconds,
            "seconds": seconds,
        }
    )


def card_view(card: Card, names: Mapping[str, str]) -> CardView:
    """A task of the work board, its times in Unix seconds; `names` of operators by id."""
    moves = [
        MoveView(
            column=move.column.value, by=names.get(move.by, move.by), at=move.at, note=move.note
        )
        for move in card.moves
    ]
    return CardView(task_id=card.task_id, call_id=card.call_id, title=card.title, moves=moves)


def column_view(column: BoardColumn, cards: list[CardView]) -> ColumnView:
    """A column of the work board, with those of its cards that are shown."""
    return ColumnView(
        column=column.column.value,
        count=column.count,
        oldest=column.oldest,
        mean=column.mean,
        cards=cards,
    )


def follow_up_view(record: ApprovalRecord, caller: str) -> FollowUpView:
    """Something to see to, masked, its times in Unix seconds."""
    record = masked_approval(record)
    return FollowUpView(
        approval_id=record.approval_id,
        call_id=record.call_id,
        caller=caller,
        action=record.proposal.name,
        summary=record.proposal.summary,
        arguments=dict(record.arguments),
        status=record.status,
        words=record.words,
        asked_at=record.asked_at,
        closed_at=record.asked_at if record.closed_at is None else record.closed_at,
    )


def callback_view(record: CallbackRecord) -> CallbackView:
    """A promise to call back; its times are Unix seconds."""
    return CallbackView(
        callback_id=record.callback_id,
        call_id=record.call_id,
        number=record.number,
        reason=record.reason,
        urgency=record.urgency.value,
        brief=kept_brief_view(record.brief, record.promised_at),
        promised_at=record.promised_at,
        not_before=record.not_before,
        by=record.by,
        state=record.state.value,
        tries=record.tries,
        operator_id=record.operator_id,
        epoch=record.epoch,
        claim_until=record.claim_until,
        note=record.note,
    )


def kept_brief_view(values: Mapping[str, Any], at: float) -> BriefView | None:
    """A brief as it was kept (`Brief.as_dict()`); None for none, or for one that cannot be read."""
    told = [
        {"seq": seq, "role": said.get("role"), "text": said.get("text"), "heard": None}
        | {"final": True, "at": at}
        for seq, said in enumerate(values.get("exchanges", ()))
    ]
    shown = {key: value for key, value in values.items() if key != "call_id"}
    try:
        return BriefView.model_validate(shown | {"exchanges": told})
    except ValidationError:
        return None


def waiting_view(waiting: Waiting, offered: Mapping[str, str], shift: float) -> WaitingView:
    """A waiting call; `offered`: operator by offer; `shift` moves its clock to Unix seconds."""
    return WaitingView(
        call_id=waiting.call_id,
        urgency=waiting.urgency.value,
        points=round(waiting.points, 1),
        band=waiting.band.value,
        since=round(waiting.since + shift, 3),
        overridden=waiting.overridden,
        rings_at=offered.get(waiting.offer_id or ""),
    )
