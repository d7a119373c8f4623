"""Recorded calls as dialogue acts, without words: what they teach about breakdowns.

A call is `{call_id, turns: [{speaker, acts: [{act, entities}]}], outcome}`, the speaker `agent` or
`caller`, the outcome `handed_off` or `completed`. Two readings of it: `troubles` sees the troubles that the
live signals would show and fits the head *h*, which works in any trade; `model` knows the acts of one
deployment, whatever their names, as `training` learned them. `live` makes such turns of a live call's events,
`foresight` makes its *h* of them.
"""

from handoff.acts.foresight import ActsForeseer, push, unseen
from handoff.acts.keeping import dump, load
from handoff.acts.live import LiveTurns
from handoff.acts.model import ActsModel, ActsReader
from handoff.acts.training import fit
from handoff.acts.troubles import SHORTEST, Prefix, fit_breakdown, prefixes

__all__ = [
    "SHORTEST",
    "ActsForeseer",
    "ActsModel",
    "ActsReader",
    "LiveTurns",
    "Prefix",
    "dump",
    "fit",
    "fit_breakdown",
    "load",
    "prefixes",
    "push",
    "unseen",
]
