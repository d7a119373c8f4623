"""What every wire type is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """Base of every wire type: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


CallState = Literal["ai", "waiting", "bridging", "operator", "ended"]
PresenceState = Literal["available", "away", "break", "offered", "in_call", "wrap_up"]
SeniorityName = Literal["standard", "senior", "on_call"]
UrgencyName = Literal["low", "medium", "high", "critical"]
