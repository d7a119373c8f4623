from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handoff.approvals import ApprovalRecord, Show, digest
from handoff.events import Effect
from handoff.oversight import Mode, Proposal
from voice_hitl.clock import Clock
from voice_hitl.server.screens.approvals import ApprovalScreens


class Consoles:
    """The screens, with what they send and who learns of which call."""

    def __init__(self, clock: Clock) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.informed: list[tuple[str, str]] = []
        self.screens = ApprovalScreens(
            clock,
            lambda *told: self.sent.append(told),
            lambda call_id: f"caller of {call_id}",
            lambda *whom: self.informed.append(whom),
        )


@pytest.fixture
async def consoles() -> Consoles:
    return Consoles(Clock.of_running_loop())


@pytest.fixture
def screens(consoles: Consoles) -> ApprovalScreens:
    return consoles.screens


CARD = "4111111111111111"


def an_approval(operator_id: str = "ana", **more: str) -> Show:
    arguments = {"amount": "50", **more}
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


async def test_a_card_number_is_on_no_screen(consoles: Consoles, screens: ApprovalScreens) -> None:
    ask = an_approval(card=CARD)
    asks = replace(ask.record.proposal, summary=f"pay {CARD}", reasoning=f"They said {CARD}.")
    screens.approval_asked(replace(ask, record=replace(ask.record, proposal=asks)), 40.0)
    (view,) = screens.of("ana")
    assert view.arguments == {"amount": "50", "card": "••••••••••••1111"}
    assert view.digest == digest("transfer", {"amount": "50", "card": CARD})
    assert CARD not in view.model_dump_json() + repr(consoles.sent)


async def test_an_approval_is_shown_until_it_is_answered_or_over(
    consoles: Consoles, screens: ApprovalScreens
) -> None:
    for end in ("approved", "expired"):
        screens.approval_asked(an_approval(), 40.0)
        (view,) = screens.of("ana")
        assert (view.approval_id, view.caller, view.action) == ("ap1", "caller of CA7", "transfer")
        assert screens.of("bob") == []
        if end == "approved":
            screens.answer_taken("ana", "ap1", end)
        else:
            screens.approval_over("ana", "ap1", end)
        assert screens.of("ana") == []
    kinds = [message.type for _, message in consoles.sent]
    assert kinds == ["approval", "answer", "approval", "approval_over"]
    assert {who for who, _ in consoles.sent} == {"ana"}
    assert consoles.informed == [("ana", "CA7")] * 2


async def test_a_refused_answer_says_why_and_leaves_the_approval(
    consoles: Consoles, screens: ApprovalScreens
) -> None:
    screens.approval_asked(an_approval(), 40.0)
    screens.answer_refused("ana", "ap1", "stale_digest")
    _, told = consoles.sent[-1]
    assert (told.counted, "not the arguments" in told.message) == (False, True)
    assert len(screens.of("ana")) == 1


@pytest.mark.parametrize(
    ("right", "kind", "words"),
    [(True, "answer", "agrees"), (False, "answer", "another"), (None, "approval_over", "undone")],
)
async def test_an_exercise_looks_like_an_approval_until_it_is_over(
    consoles: Consoles, screens: ApprovalScreens, right: bool | None, kind: str, words: str
) -> None:
    screens.approval_asked(an_approval(), 40.0)
    screens.exercise_asked(an_approval("bob"), 40.0, "caller of CA7")
    real, exercise = (message.approval for _, message in consoles.sent)
    assert exercise.model_copy(update={"expires_at": real.expires_at}) == real
    screens.exercise_over("bob", "ap1", right)
    _, told = consoles.sent[-1]
    assert told.type == kind
    assert words in told.message
    assert screens.of("bob") == []
    assert consoles.informed == [("ana", "CA7")]  # nobody learns anything of a live call
