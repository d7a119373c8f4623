from __future__ import annotations

from handoff.events import DialogueFacts
from handoff.signals import caller


def test_interruptions_are_capped() -> None:
    assert caller.interrupting(DialogueFacts(interruptions=0)) == 0
    assert caller.interrupting(DialogueFacts(interruptions=30)) == 1


def test_what_the_caller_shows_is_logged_raw() -> None:
    facts = DialogueFacts(wants_person=0.3, frustration=0.6, emergency=True, interruptions=2)
    assert caller.read(facts) == {
        "caller.wants_person": 0.3,
        "caller.frustration": 0.6,
        "caller.emergency": 1.0,
        "caller.interruptions": 2.0,
    }
