"""Hard triggers: facts that call for a person whatever the model thinks. They bypass the value rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handoff.commands import Reason, Urgency
from handoff.events import (
    ActionFinished,
    ActionProposed,
    CallerSilent,
    CallerSpoke,
    ComponentFailed,
    ContentFlagged,
    DigitPressed,
    Effect,
    SecondOpinion,
)
from handoff.policy import Policy, Trigger
from handoff.signals.dialogue import Dialogue

WEIGHT = (
    100.0  # above every soft reason, which are in cost units: triggers are not weighed, they decide
)

WORDS: Mapping[str, str] = {
    "explicit_request": "the caller asked for a person",
    "emergency": "there may be danger or fraud under way",
    "regulated": "this needs a decision that the AI may not make",
    "irreversible_failed": "an action that cannot be undone has failed",
    "over_limit": "the request is above what the AI may do alone",
    "no_matches": "the AI did not understand several times in a row",
    "silences": "the caller has gone silent",
    "component_failed": "a part of the AI broke during this call",
    "digit_zero": "the caller pressed 0",
    "second_opinion": "a reviewer would have answered differently",
    "harmful_content": "something was said that must not pass",
    "takeover": "an operator took the call",
}
URGENCY: Mapping[str, Urgency] = {
    "emergency": Urgency.CRITICAL,
    "irreversible_failed": Urgency.HIGH,
    "component_failed": Urgency.HIGH,
    "regulated": Urgency.HIGH,
    "harmful_content": Urgency.HIGH,
    "silences": Urgency.LOW,
}


BetweenTurns = (
    DigitPressed
    | ActionProposed
    | ActionFinished
    | ComponentFailed
    | SecondOpinion
    | ContentFlagged
)


class Triggers:
    """The hard triggers of one call; each method returns the codes that fire, the weightiest first."""

    __slots__ = (
        "_asked",
        "_details",
        "_flagged",
        "_irreversible_failures",
        "_opinions",
        "_policy",
        "failures",
    )

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._asked = 0  # turns in a row in which a person was asked for
        self._irreversible_failures = 0
        self.failures = 0  # broken parts
        self._opinions = 0  # reviewers who disagreed
        self._flagged = 0  # times that moderation stopped something
        self._details: dict[str, str] = {}  # what else there is to say of a trigger, by code

    def of_turn(self, event: CallerSpoke | CallerSilent, dialogue: Dialogue) -> list[str]:
        """After a caller's turn, which `dialogue` has counted already."""
        triggers = self._policy.triggers
        if isinstance(event, CallerSilent):
            return ["silences"] if _fires(triggers.silences, dialogue.silences) else []
        wants_person = event.dialogue.wants_person >= self._policy.thresholds.wants_person
        self._asked = self._asked + 1 if wants_person else 0
        found = []
        if event.dialogue.emergency and triggers.emergency.enabled:
            found.append("emergency")
        if event.intent.category in self._policy.regulated and triggers.regulated.enabled:
            self._details["regulated"] = self._policy.regulated[event.intent.category]
            found.append("regulated")
        if _fires(triggers.explicit_request, self._asked):
            found.append("explicit_request")
        if _fires(triggers.no_matches, dialogue.no_matches):
            found.append("no_matches")
        return found

    def between_turns(self, event: BetweenTurns) -> list[str]:
        """After something that happened between two turns."""
        triggers = self._policy.triggers
        match event:
            case DigitPressed(digit="0") if triggers.digit_zero.enabled:
                return ["digit_zero"]
            case ActionProposed():
                return self._of_proposal(event)
            case ActionFinished(effect=Effect.IRREVERSIBLE, ok=False):
                self._irreversible_failures += 1
                if _fires(triggers.irreversible_failed, self._irreversible_failures):
                    return ["irreversible_failed"]
            case ComponentFailed() if (
                event.component != "tool"
            ):  # a tool's failure is a soft signal
                self.failures += 1
                if _fires(triggers.component_failed, self.failures):
                    return ["component_failed"]
            case SecondOpinion():
                self._opinions += 1
                return self._with("second_opinion", triggers.second_opinion, self._opinions, event)
            case ContentFlagged():
                self._flagged += 1
                return self._with("harmful_content", triggers.harmful_content, self._flagged, event)
        return []

    def _with(
        self, code: str, trigger: Trigger, count: int, event: SecondOpinion | ContentFlagged
    ) -> list[str]:
        self._details[code] = event.words
        return [code] if _fires(trigger, count) else []

    def reset(self) -> None:
        """A person has looked at the call: counting starts anew."""
        self._asked = self._irreversible_failures = self.failures = 0
        self._opinions = self._flagged = 0

    def reasons(self, codes: list[str]) -> list[Reason]:
        """The reasons of a decision that these triggers made."""
        reasons = []
        for place, code in enumerate(codes):
            words = WORDS[code]
            if self._details.get(code):
                words = f"{words}: {self._details[code]}"
            reasons.append(Reason(code, words, WEIGHT - place))
        return reasons

    def _of_proposal(self, event: ActionProposed) -> list[str]:
        triggers = self._policy.triggers
        found = []
        if event.regulated and triggers.regulated.enabled:
            # A category that the table lacks is a mistake in the pack; the safe reading is that it counts.
            self._details["regulated"] = self._policy.regulated.get(
                event.regulated, event.regulated.replace("_", " ")
            )
            found.append("regulated")
        if event.over_limit and triggers.over_limit.enabled:
            found.append("over_limit")
        return found


def by_urgency(codes: Iterable[str]) -> list[str]:
    """The codes, each once: the most urgent first, else as they come."""
    ranks = list(Urgency)
    return sorted(
        dict.fromkeys(codes),
        key=lambda code: -ranks.index(URGENCY.get(code, Urgency.MEDIUM)),
    )


def urgency_of(codes: list[str], reasons: tuple[Reason, ...]) -> Urgency:
    """How soon a person must come: the most urgent trigger; frustration that leads the reasons is high."""
    ranks = list(Urgency)
    urgencies = [URGENCY.get(code, Urgency.MEDIUM) for code in codes]
    if reasons and reasons[0].code == "frustration":
        urgencies.append(Urgency.HIGH)
    return max(urgencies, key=ranks.index, default=Urgency.MEDIUM)


def _fires(trigger: Trigger, count: int) -> bool:
    return trigger.enabled and count >= trigger.count
