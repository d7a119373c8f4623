"""What the AI has to do and did, task by task, and what somebody must see to."""

from __future__ import annotations

from typing import Literal

from voice_hitl.server.wire.base import WireModel

Column = Literal[
    "queued", "processing", "review", "approved", "executed", "rejected", "expired", "failed"
]


class MoveView(WireModel):
    """A task came to a column."""

    column: Column
    by: str  # an operator's name, or agent | policy | caller | deadline | server; empty: nobody
    at: float
    note: str


class CardView(WireModel):
    """Something that the AI means to do, or did; the longest in its column comes first."""

    task_id: str
    call_id: str
    title: str
    moves: list[MoveView]  # oldest first


class ColumnView(WireModel):
    """A column of the work board."""

    column: Column
    count: int  # of its cards
    oldest: float  # seconds that its oldest card has been there; 0 where there is none
    mean: float  # seconds, over its cards
    cards: list[CardView]  # all, or of a column whose tasks are over the newest 100


class WorkBoard(WireModel):
    """`GET /api/v1/work`: every task of the AI by column, from left to right."""

    columns: list[ColumnView]
    refused: int  # moves that no task may make, lately; 0 in a healthy server


class FollowUpView(WireModel):
    """Something that was not done, or may have been, and that somebody must see to."""

    approval_id: str
    call_id: str
    caller: str
    action: str
    summary: str
    arguments: dict[str, str]
    status: str  # expired | lapsed | unknown | caller_gone | draining | interrupted | failed
    words: str  # how it went, where that is known
    asked_at: float
    closed_at: float


class FollowUps(WireModel):
    """`GET /api/v1/follow-ups`: what somebody must see to, oldest first."""

    follow_ups: list[FollowUpView]
