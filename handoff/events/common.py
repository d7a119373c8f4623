"""Events that every machine is told by whoever drives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """`next_deadline()` has come; sent by whoever drives the machine."""


@dataclass(frozen=True, slots=True)
class ServerDraining:
    """The server stops taking calls and wants this one to end well."""
