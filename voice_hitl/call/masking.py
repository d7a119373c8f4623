"""What the decision core is told, and so what is kept of a call, without card and account numbers and PINs.

The numbers are hidden before the core hears of them, not when its facts are kept: it decides again, from what
is kept, exactly as it decided live.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from handoff import events as facts
from handoff.approvals import ApprovalRecord
from handoff.ports import FactRecord
from handoff.replay import RecordedEngine
from voice_hitl.agent.guard import MASK, hide, mask, mask_value

LONG_ENTRY = 8  # keys: as long as account numbers are, and no PIN
LAST_SHOWN = 4
FOR_A_PERSON = "0"  # alone, it asks for one


class MaskingEngine(RecordedEngine):
    """A `RecordedEngine` that neither hears nor hands out card and account numbers."""

    __slots__ = ()

    def handle(self, event: facts.CallEvent, now: float) -> None:
        """Take in one event (see `CallEngine.handle`), masked."""
        super().handle(masked(event), now)

    def take_facts(self) -> list[FactRecord]:
        """Hand out what is new since the last time, in order; to be stored.

        The note of a hand-back decides nothing; it is spoken, and moderation must see it as it is.
        """
        return [_masked_note(fact) for fact in super().take_facts()]


def _masked_note(fact: FactRecord) -> FactRecord:
    if fact.kind != facts.HandedBack.__name__:
        return fact
    return replace(fact, values={**fact.values, "note": mask(str(fact.values["note"]))})


def masked(event: facts.CallEvent) -> facts.CallEvent:
    """The event with numbers hidden in what people and agents said and wrote; ids and amounts stay."""
    match event:
        case facts.CallerSpoke():
            return replace(event, text=mask(event.text), slots=masked_values(event.slots))
        case facts.DigitPressed():
            return facts.DigitPressed(masked_keys(event.digit))
        case facts.AgentSpoke():
            pending = None if event.pending is None else mask(event.pending)
            return replace(event, text=mask(event.text), pending=pending)
        case facts.ActionProposed():
            return replace(event, arguments=masked_values(event.arguments))
        case facts.ActionFinished():
            return replace(event, result=mask(event.result))
        case facts.ComponentFailed():
            return replace(event, detail=mask(event.detail))
        case facts.SecondOpinion():
            return replace(event, words=mask(event.words))
        case _:
            return event


def masked_values(values: Mapping[str, str], sensitive: Collection[str] = ()) -> dict[str, str]:
    """Slots or arguments with secrets and numbers hidden, by name and value (`guard.mask_value`).

    `sensitive` ones, by name, are hidden whole.
    """
    return {
        name: mask_value(name, value, sensitive=name in sensitive) for name, value in values.items()
    }


def masked_words(text: str, values: Mapping[str, str], sensitive: Collection[str] = ()) -> str:
    """Words about slots or arguments with what `masked_values` hides of these hidden in them too."""
    text = hide(text, [value for name, value in values.items() if name in sensitive])
    for name, value in values.items():
        hidden = value if name in sensitive else mask_value(name, value)
        if hidden != value:
            text = text.replace(value, hidden)
    return mask(text)


def unmasked_values(
    edited: Mapping[str, str], known: Mapping[str, str], sensitive: Collection[str] = ()
) -> dict[str, str]:
    """Arguments as an operator means them who was shown `known` masked: what they left hidden is as it was.

    A hidden number that was changed in part means none: its argument is left out, which makes the edit bad.
    """
    hidden = masked_values(known, sensitive)
    meant = {
        name: known[name] if hidden.get(name) == value else value for name, value in edited.items()
    }
    return {
        name: value
        for name, value in meant.items()
        if MASK not in value or value == known.get(name)
    }


def masked_approval(record: ApprovalRecord) -> ApprovalRecord:
    """An approval as it is kept and shown; the digest stays that of the exact arguments.

    Those live only in the process that may carry them out: what is read back after a stop never is.
    """
    proposal = record.proposal
    known, sensitive = proposal.arguments, proposal.sensitive
    return replace(
        record,
        proposal=replace(
            proposal,
            arguments=masked_values(known, sensitive),
            summary=masked_words(proposal.summary, known, sensitive),
            reasoning=masked_words(proposal.reasoning, known, sensitive),
            alternatives=tuple(
                masked_words(text, known, sensitive) for text in proposal.alternatives
            ),
        ),
        arguments=masked_values(record.arguments, sensitive),
        words=mask(record.words),
    )


def hidden_keys(keys: str) -> str:
    """Keys of an entry that may go on: shown key by key, even its last four would give all of it away."""
    return keys if keys == FOR_A_PERSON else re.sub(r"\d", MASK, keys)


def masked_keys(keys: str, *, sensitive: bool = False) -> str:
    """Keys of a whole entry as they are shown and kept: they may be a PIN, so every digit is hidden.

    Unless they answer a `sensitive` question, a single 0 stays, which asks for a person, and the last four
    digits of eight or more, as of an account.
    """
    if sensitive:
        return re.sub(r"\d", MASK, keys)
    digits = sum(each.isdigit() for each in keys)
    if keys == FOR_A_PERSON:
        return keys
    hidden = digits - LAST_SHOWN if digits >= LONG_ENTRY else digits
    return re.sub(r"\d", MASK, keys, count=hidden) if hidden else keys
