"""The brief: what an operator reads before they take a call. Deterministic, so it always arrives.

It is built from a call's `Memory`, which keeps a bounded amount however long the call lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from handoff.commands import Decision, Reason, Urgency
from handoff.events import (
    ActionFinished,
    ActionProposed,
    ActionRefused,
    AgentSpoke,
    CallerSilent,
    CallerSpoke,
    CallStarted,
    ComponentFailed,
    DigitPressed,
    HandedBack,
)

MAX_TEXT = 500  # characters of one exchange; a monologue must not swamp the screen
HIDDEN = "•"  # a key that nobody is shown


@dataclass(frozen=True, slots=True)
class Exchange:
    """One line of the conversation, as heard."""

    role: str  # caller | agent
    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that was tried, and its result."""

    what: str
    result: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Brief:
    """The summary an operator receives with an offer."""

    call_id: str
    why: str  # one sentence
    reasons: tuple[Reason, ...]  # three at most, largest first
    urgency: Urgency
    who: str
    intent: str | None
    slots: Mapping[str, str]
    tried: tuple[Attempt, ...]  # oldest first
    pending: str | None  # what the agent was waiting for or about to do
    exchanges: tuple[Exchange, ...]  # oldest first
    next_step: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "call_id": self.call_id,
            "why": self.why,
            "reasons": [
                {"code": r.code, "words": r.words, "weight": r.weight} for r in self.reasons
            ],
            "urgency": self.urgency.value,
            "who": self.who,
            "intent": self.intent,
            "slots": dict(self.slots),
            "tried": [{"what": a.what, "result": a.result, "ok": a.ok} for a in self.tried],
            "pending": self.pending,
            "exchanges": [{"role": e.role, "turn": e.turn, "text": e.text} for e in self.exchanges],
            "next_step": self.next_step,
        }


# What to do first, by the reason that weighs most.
NEXT_STEPS: Mapping[str, str] = {
    "emergency": "Ask at once whether anyone is in danger or money is leaving now; act on that first.",
    "regulated": "Decide this yourself: the AI may not.",
    "irreversible_failed": "Check what state the failed action left behind before you repeat it.",
    "over_limit": "Check the caller's identity and the amount, then do it yourself or refuse.",
    "component_failed": "Go on where the AI stopped; a part of it is broken for this call.",
    "explicit_request": "Take over from here; the caller asked for a person.",
    "digit_zero": "Take over from here; the caller asked for a person.",
    "takeover": "You took this call yourself.",
    "silences": "Ask whether the caller can hear you.",
    "no_matches": "Ask in one open question what the caller needs.",
    "frustration": "Apologise once, then solve the first thing they asked for.",
    "tool_errors": "Do by hand what the system could not.",
    "stuck_slot": "Get the missing detail in another way than the AI asked for it.",
    "low_speech_confidence": "The line is hard to understand: repeat back what you hear.",
}
DEFAULT_STEP = "Say who you are and confirm in one sentence what the caller needs."


@dataclass(slots=True)
class Memory:
    """What one call has told so far: bounded, O(1) an event."""

    call: CallStarted
    keep_exchanges: int
    keep_tried: int
    intent: str | None = None
    category: str = "general"
    slots: dict[str, str] = field(default_factory=dict)
    pending: str | None = None
    turns: int = 0
    answered: bool = False  # the agent has answered the last turn and waits for nothing
    exchanges: deque[Exchange] = field(init=False)
    tried: deque[Attempt] = field(init=False)
    _keys: str = ""  # of the last exchange, if it is of keys
    _unread: int = 0  # of these, those that no turn has told of yet

    def __post_init__(self) -> None:
        self.exchanges = deque(maxlen=self.keep_exchanges)
        self.tried = deque(maxlen=self.keep_tried)

    def note(self, event: object) -> None:
        """Remember what an operator would want to know of an event."""
        match event:
            case CallerSpoke():
                self._turn(event.turn, event.text)
                self.slots = dict(event.slots)
                self.category = event.intent.category
                if event.intent.name is not None:
                    self.intent = event.intent.name
            case CallerSilent():
                self._turn(event.turn, "(silence)")
            case DigitPressed():
                self._key(event.digit)
            case AgentSpoke():
                self._say(Exchange("agent", event.turn, event.text))
                self.pending = event.pending
                served = event.pending is None and event.kind not in ("apology", "refusal")
                self.answered = served and event.turn > 0  # a greeting answers nothing
            case ActionProposed():
                self.pending = f"{_plain(event.name)}{_arguments(event.arguments)}"
            case ActionRefused():
                self.pending = None
            case ActionFinished():
                self.tried.append(Attempt(_plain(event.name), event.result, event.ok))
                self.pending = None
            case ComponentFailed():
                self.tried.append(Attempt(f"the {event.component}", event.detail, False))
            case HandedBack():
                self.pending = event.note or None
                self.answered = True

    def brief(self, decision: Decision) -> Brief:
        """Sum the call up for the operator who is about to be asked."""
        return Brief(
            call_id=self.call.call_id,
            why=self._why(decision),
            reasons=decision.reasons[:3],
            urgency=decision.urgency,
            who=self.call.caller,
            intent=self.intent,
            slots=dict(self.slots),
            tried=tuple(self.tried),
            pending=self.pending,
            exchanges=tuple(self.exchanges),
            next_step=self._next_step(decision),
        )

    def _turn(self, turn: int, text: str) -> None:
        self.turns = max(self.turns, turn)
        self.answered = False
        so_far = (self._keys[: len(self._keys) - later] for later in range(self._unread))
        if any(_is_keyed(text, keys.rstrip("#*")) for keys in so_far):
            self._unread -= 1
        else:
            self._say(Exchange("caller", turn, text))

    def _key(self, digit: str) -> None:
        """Keys that follow each other make one exchange, so that a number displaces no words."""
        keys, unread = (self._keys + digit)[-MAX_TEXT:], self._unread + 1
        if self._keys:
            self.exchanges.pop()
        self._say(Exchange("caller", self.turns, f"(pressed {keys})"))
        self._keys, self._unread = keys, unread

    def _say(self, line: Exchange) -> None:
        self._keys, self._unread = "", 0
        if len(line.text) > MAX_TEXT:
            line = replace(line, text=line.text[: MAX_TEXT - 1] + "…")
        last = self.exchanges[-1] if self.exchanges else None
        if last and line.role == last.role == "agent" and last.turn == line.turn:
            self.exchanges[-1] = line  # the same reply, now as heard
        else:
            self.exchanges.append(line)

    def _why(self, decision: Decision) -> str:
        cause = decision.reasons[0].words if decision.reasons else "the conversation is going badly"
        about = f" about {_plain(self.intent)}" if self.intent else ""
        return f"Call{about}: {cause}."

    def _next_step(self, decision: Decision) -> str:
        for reason in decision.reasons:
            if reason.code in NEXT_STEPS:
                step = NEXT_STEPS[reason.code]
                break
        else:
            step = DEFAULT_STEP
        return f"{step} Still open: {self.pending}." if self.pending else step


def _is_keyed(text: str, keys: str) -> bool:
    """Whether a turn's text is nothing but the last of these keys; either may hide them."""
    last = keys[len(keys) - len(text) :] if len(text) <= len(keys) else ""
    return len(last) == len(text) and all(
        key == each or (HIDDEN in (key, each) and not each.isalpha())
        for key, each in zip(last, text, strict=True)
    )


def _plain(name: str) -> str:
    return name.replace("_", " ").strip()


def _arguments(arguments: Mapping[str, str]) -> str:
    if not arguments:
        return ""
    return " (" + ", ".join(f"{_plain(key)}: {value}" for key, value in arguments.items()) + ")"
