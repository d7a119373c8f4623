"""What small REST requests and answers carry."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voice_hitl.server.wire.base import WireModel

MIN_PASSWORD = 10  # characters of a new one


class SignIn(WireModel):
    """`POST /api/v1/session`."""

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class SetUp(WireModel):
    """`POST /api/v1/setup`: the one-time link makes the first account."""

    token: str
    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=MIN_PASSWORD, max_length=256)


class DispositionBody(WireModel):
    """`POST /api/v1/calls/{call_id}/disposition`: whether the handoff was right, says who took it."""

    verdict: Literal["needed", "premature", "too_late", "not_needed"]
    note: str = Field(default="", max_length=2000)


class ExerciseBody(WireModel):
    """`POST /api/v1/exercises`: a past approval with the answer that was right, to practise on."""

    approval_id: str = Field(min_length=1, max_length=64)
    answer: Literal["approve", "reject"]  # reject: anything but what the AI proposed


class AuditExerciseBody(WireModel):
    """`POST /api/v1/exercises/audits`: a past audit with the verdict that was right, to practise on."""

    audit_id: str = Field(min_length=1, max_length=200)
    verdict: Literal["right", "wrong"]


class Session(WireModel):
    """Who is signed in (`GET /api/v1/session`, 401 when nobody is)."""

    operator_id: str
    name: str
    role: Literal["operator", "supervisor"] = "operator"


class ErrorBody(WireModel):
    """Every REST error: what is wrong and how to mend it."""

    error: str
