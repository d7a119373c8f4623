"""The work beside the calls as it looks in the middle of a working day."""

from __future__ import annotations

import time

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from voice_hitl.server import wire

MINUTE = 60.0


def review(review_id: str = "r-1", seconds: float = 120.0) -> wire.ReviewView:
    """A caller's turn that could mean several things."""
    return wire.ReviewView(
        review_id=review_id,
        call_id="c-other",
        turn=3,
        question="Caller: there is something wrong with my card\nKnown: card ending 4821",
        choices=[
            wire.IntentView(intent="disputed_charge", label="Dispute a charge"),
            wire.IntentView(intent="lost_card", label="Lost or stolen card"),
            wire.IntentView(intent="balance", label="Ask for the balance"),
        ],
        expires_at=time.time() + seconds,
        seconds=seconds,
    )


def audit(audit_id: str = "au-1") -> wire.AuditView:
    """A transfer that the AI made alone."""
    return wire.AuditView(
        audit_id=audit_id,
        kind="action",
        call_id="c-old",
        turn=4,
        path="automatic",
        category="transfer",
        risk=0.12,
        summary="Moved $50.00 from checking to savings",
        expires_at=time.time() + 600.0,
        seconds=600.0,
    )


def follow_up(approval_id: str = "f-1", **change: object) -> wire.FollowUpView:
    """Something that was promised and not done."""
    now = time.time()
    plain = wire.FollowUpView(
        approval_id=approval_id,
        call_id="c-old",
        caller="+1 555 0171",
        action="transfer",
        summary="Transfer $400.00 from checking to Electronics Depot",
        arguments={"amount": "400.00", "payee": "Electronics Depot"},
        status="expired",
        words="",
        asked_at=now - 20 * MINUTE,
        closed_at=now - 19 * MINUTE,
    )
    return plain.model_copy(update=change)


def board() -> wire.WorkBoard:
    """Tasks in most of the columns."""
    now = time.time()

    def card(
        task_id: str, title: str, column: wire.Column, by: str, note: str = ""
    ) -> wire.CardView:
        queued = wire.MoveView(column="queued", by="agent", at=now - 300, note="")
        moved = wire.MoveView(column=column, by=by, at=now - 130, note=note)
        return wire.CardView(task_id=task_id, call_id="c-1", title=title, moves=[queued, moved])

    cards: dict[wire.Column, list[wire.CardView]] = {
        "queued": [],
        "processing": [card("t1", "Look up charges of the last week", "processing", "agent")],
        "review": [
            card(
                "t2",
                "Transfer $400.00 to Electronics Depot",
                "review",
                "policy",
                "the amount is large",
            ),
            card("t3", "Block the card ending 0921", "review", "policy"),
        ],
        "approved": [],
        "executed": [card("t4", "Send the statement of May", "executed", "agent", "sent")],
        "rejected": [card("t5", "Raise the limit", "rejected", "Ravi Menon", "no proof of income")],
        "expired": [card("t6", "Close the savings account", "expired", "deadline")],
        "failed": [],
    }
    return wire.WorkBoard(
        columns=[
            wire.ColumnView(
                column=column,
                count=len(shown),
                oldest=130.0 if shown else 0.0,
                mean=130.0 if shown else 0.0,
                cards=shown,
            )
            for column, shown in cards.items()
        ],
        refused=0,
    )


def figure(name: str, label: str, value: float, n: int = 400) -> wire.FigureView:
    """A share with an interval."""
    return wire.FigureView(
        name=name,
        label=label,
        unit="share",
        n=n,
        value=value,
        low=value * 0.8,
        high=min(1.0, value * 1.2),
        note="",
    )


def figures() -> wire.FiguresView:
    """Figures of a day, one of them without enough data."""
    unknown = wire.FigureView(
        name="recall",
        label="Breakdowns that were handed off",
        unit="share",
        n=6,
        value=None,
        low=None,
        high=None,
        note="not enough data",
    )
    return wire.FiguresView(
        at=time.time(),
        window_hours=24.0,
        figures=[
            figure("automated", "Calls done by the AI alone", 0.81),
            figure("overrides", "Approvals changed or refused", 0.12, 75),
            unknown,
        ],
        overrides=wire.ChartView(value=0.14, low=0.05, high=0.19),
        shift=wire.ShiftView(
            bins=[
                wire.ShiftBinView(start=0, end=120, people=6, accuracy=figure("b0", "", 0.95, 120)),
                wire.ShiftBinView(
                    start=120, end=None, people=5, accuracy=figure("b1", "", 0.91, 90)
                ),
            ],
            drop=0.04,
            p=0.031,
            note="",
        ),
        warnings=[],
        budget=wire.BudgetView(
            state="within",
            words="The share of calls that go to people is where it should be.",
            price=0.2,
            low=0.1,
            high=0.15,
            share=figure("share", "", 0.12),
            hard_share=figure("hard", "", 0.04),
        ),
    )


def warning() -> wire.WarningView:
    """The reviewers refuse more than they did."""
    return wire.WarningView(
        code="overrides",
        since=time.time() - 600,
        words="Approvals are changed or refused more often than usual",
        evidence={"value": 0.24, "high": 0.19},
        todo="Look at the last refused approvals: a rule or a tool may have changed.",
    )


def callback(**change: object) -> wire.CallbackView:
    """A promise of the last half hour."""
    now = time.time()
    plain = wire.CallbackView(
        callback_id="cb-1",
        call_id="c-old",
        number="+1 555 0199",
        reason="The caller could not wait for a person: a transfer is missing.",
        urgency="high",
        brief=None,
        promised_at=now - 20 * MINUTE,
        not_before=now - 10 * MINUTE,
        by=now + 25 * MINUTE,
        state="waiting",
        tries=0,
        operator_id=None,
        epoch=None,
        claim_until=None,
        note="",
    )
    return plain.model_copy(update=change)


def waiting(call_id: str) -> wire.WaitingView:
    """A call's place in the queue."""
    return wire.WaitingView(
        call_id=call_id,
        urgency="high",
        points=71.0,
        band="senior",
        since=time.time() - 42,
        overridden=False,
        rings_at=None,
    )


def alert(call_id: str, caller: str) -> wire.AlertView:
    """A critical call that nobody has."""
    now = time.time()
    brief = scenes.brief(now - 60).model_copy(
        update={"urgency": "critical", "why": "The caller says that somebody is in danger."}
    )
    return wire.AlertView(call_id=call_id, caller=caller, brief=brief, since=now)


async def working_day(floor: FakeFloor, me: str) -> None:
    """Something in every part of the work."""
    floor.work.audits = [audit()]
    floor.work.follow_ups = [follow_up(), follow_up("f-2", status="unknown", words="no reply")]
    floor.work.board = board()
    floor.work.figures = figures()
    await floor.work.review(me, review())
    await floor.tell(wire.WarningRaised(warning=warning()), me)
    await floor.tell(wire.CallbackChanged(callback=callback()))
    await floor.tell(wire.QueueChanged(queue=[waiting("c-trouble")]))
