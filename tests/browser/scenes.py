"""Calls as they look in the middle of a working day, for tests and for looking at the console."""

from __future__ import annotations

import time

from tests.browser.fake_floor import FakeFloor
from voice_hitl.server import wire

GUIDELINES = """# Harbor Bank: when you take a call

**First words.** Say your name, then what you already know.

1. Check the last four digits of the card before money moves.
2. Read amounts back & wait for a clear *yes*.

| situation | do | never |
|---|---|---|
| lost card | block it | ask for the PIN |
| upset caller | let them finish | repeat questions |

See [the handbook](https://example.com/handbook) for the rest.
"""

REASONS = [
    wire.ReasonView(code="no_matches", words="Twice in a row nothing was understood", weight=0.9),
    wire.ReasonView(code="frustration", words="The caller sounds frustrated", weight=0.55),
    wire.ReasonView(code="stuck_slot", words="The amount was asked for three times", weight=0.3),
]


def points(start: float, *values: tuple[float, float]) -> list[wire.Point]:
    """Points ten seconds apart from (confidence, risk)."""
    return [
        wire.Point(
            turn=n + 1,
            at=start + 8 + 11 * n,
            confidence=confidence,
            risk=risk,
            low=0.19,
            high=0.33,
        )
        for n, (confidence, risk) in enumerate(values)
    ]


def call(call_id: str, caller: str, age: float, **change: object) -> wire.CallView:
    """A call that began `age` seconds ago."""
    plain = wire.CallView(
        call_id=call_id,
        caller=caller,
        pack="banking",
        started_at=time.time() - age,
        state="ai",
        safe_mode=False,
        operator_id=None,
        operator_name=None,
        intent=None,
        turns=0,
        points=[],
        low_turns=2,
        armed=True,
        reasons=[],
    )
    return plain.model_copy(update=change)


def line(seq: int, role: str, text: str, at: float, **change: object) -> wire.TranscriptEntry:
    """A transcript line; agent lines count as heard unless told otherwise."""
    return wire.TranscriptEntry.model_validate(
        {
            "seq": seq,
            "role": role,
            "text": text,
            "heard": text if role == "agent" else None,
            "final": True,
            "at": at,
            "asr_confidence": 0.9 if role == "caller" else None,
            **change,
        }
    )


def conversation(start: float) -> list[wire.TranscriptEntry]:
    """A disputed charge that goes wrong."""
    return [
        line(1, "agent", "Harbor Bank, you are talking to an assistant. How can I help?", start),
        line(2, "caller", "there is a charge on my card i did not make", start + 6),
        line(
            3,
            "agent",
            "I am sorry to hear that. I can look it up for you. Which shop was it, and do you "
            "remember the day?",
            start + 8,
            heard="I am sorry to hear that. I can look",
        ),
        line(4, "caller", "no no listen it is four hundred dollars", start + 11),
        line(5, "agent", "Four hundred dollars. Which shop was it?", start + 14),
        line(6, "caller", "some electronics thing in denver", start + 19, asr_confidence=0.41),
        line(7, "agent", "I could not find a charge at that shop.", start + 23),
        line(
            8,
            "system",
            "The call needs a person: twice in a row nothing was understood",
            start + 29,
        ),
        line(9, "caller", "i have never even been to", start + 31, final=False),
    ]


def brief(start: float) -> wire.BriefView:
    """The brief of that conversation."""
    return wire.BriefView(
        why="The caller disputes a charge of $400 and was not understood twice.",
        reasons=REASONS,
        urgency="high",
        who="Amelia Hart, customer since 2016",
        intent="disputed_charge",
        slots={"amount": "$400.00", "shop": "electronics, Denver", "card": "ending 4821"},
        tried=[
            wire.Attempt(what="Looked up recent charges", result="12 found in 30 days", ok=True),
            wire.Attempt(
                what="Matched the shop", result="no charge with “electronics” in Denver", ok=False
            ),
        ],
        pending="Waiting for the day of the charge",
        exchanges=[entry for entry in conversation(start) if entry.role != "system"][-4:],
        next_step="Block card 4821, then go through the charges of the last week together.",
    )


def offer(call_id: str, caller: str, start: float, seconds: float = 15.0) -> wire.OfferView:
    """That call, ringing."""
    return wire.OfferView(
        offer_id=f"{call_id}.1",
        call_id=call_id,
        caller=caller,
        brief=brief(start),
        expires_at=time.time() + seconds,
        seconds=seconds,
    )


def approval(
    call_id: str, caller: str, seconds: float = 45.0, **change: object
) -> wire.ApprovalView:
    """A transfer that the AI may not make alone."""
    plain = wire.ApprovalView(
        approval_id=f"{call_id}.a",
        call_id=call_id,
        caller=caller,
        action="transfer",
        summary="Transfer $400.00 from checking to Electronics Depot",
        arguments={"amount": "400.00", "source": "Checking 4821", "payee": "Electronics Depot"},
        digest="5e" * 32,
        effect="irreversible",
        amount=400.0,
        risk=62,
        reasons=["the amount is large", "the conversation is too uncertain for this"],
        reasoning="The caller said: pay the four hundred to the electronics shop in Denver.",
        doubts=["The amount was heard with little certainty", "The shop was understood only once"],
        alternatives=["Ask the caller to say the amount again", "Block the card instead"],
        veto=False,
        second=False,
        expires_at=time.time() + seconds,
        seconds=seconds,
    )
    return plain.model_copy(update=change)


async def working_day(floor: FakeFloor) -> wire.CallView:
    """Fill the floor with colleagues and calls; return the call that goes wrong."""
    await floor.join("Ravi Menon", "available")
    lena = await floor.join("Lena Fischer", "in_call")
    await floor.join("Tomás Okonkwo-Reyes", "away")
    now = time.time()
    trouble = call(
        "c-trouble",
        "+1 555 0142",
        74,
        state="waiting",
        intent="disputed_charge",
        turns=5,
        points=points(
            now - 74, (0.92, 0.08), (0.84, 0.17), (0.71, 0.33), (0.55, 0.52), (0.38, 0.74)
        ),
        reasons=REASONS,
    )
    await floor.set_call(trouble)
    floor.lines[trouble.call_id] = conversation(trouble.started_at)
    await floor.set_call(
        call(
            "c-transfer",
            "+1 555 0107",
            231,
            state="operator",
            operator_id=lena,
            operator_name="Lena Fischer",
            intent="transfer_between_accounts",
            turns=9,
            points=points(now - 231, *[(0.9 - 0.05 * n, 0.1 + 0.06 * n) for n in range(9)]),
            reasons=REASONS[1:],
        )
    )
    await floor.set_presence(lena, "in_call", "c-transfer")
    await floor.set_call(
        call(
            "c-card",
            "+44 20 7946 0958",
            48,
            safe_mode=True,
            intent="lost_or_stolen_card",
            turns=3,
            points=points(now - 48, (0.8, 0.2), (0.7, 0.35), (0.68, 0.41)),
            reasons=REASONS[:1],
        )
    )
    await floor.set_call(
        call(
            "c-balance",
            "+1 555 0188",
            19,
            intent="balance",
            turns=2,
            points=points(now - 19, (0.97, 0.04), (0.98, 0.03)),
        )
    )
    await floor.set_call(call("c-new", "+1 555 0123", 2))
    return trouble
