"""What may be said in a call: the caller's words before the agent answers, its own before they are spoken.

Judging is pure and quick, so it happens where the words are: a caller's in the owner task, an agent's in the
side task that speaks. What follows from a judgement happens in the owner task alone. What the pack always
says in the same words is trusted and not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handoff.audit import AuditItem
from handoff.engine import CallEngine
from handoff.events import ContentFlagged
from handoff.moderation import Judgement, KnownTexts, Line, Moderator, Route, Speaker
from handoff.policy import Policy
from voice_hitl.agent.guard import mask
from voice_hitl.agent.pack import Pack
from voice_hitl.agent.pack_moderation import train_scorer
from voice_hitl.call.book import CallBook
from voice_hitl.call.second_opinions import SUMMARY, AuditPort

ACTIONS = {
    Route.BLOCK: "moderation.blocked",
    Route.HOLD: "moderation.held",
    Route.FLAG: "moderation.flagged",
    Route.PASS: "moderation.sampled",  # only what the audit's draw has chosen
}
"""What the audit log calls each route."""
_DONE = {
    (Speaker.AGENT, Route.BLOCK): "stopped what the AI was about to say",
    (Speaker.AGENT, Route.HOLD): "held back what the AI was about to say",
    (Speaker.AGENT, Route.FLAG): "noted what the AI says",
    (Speaker.CALLER, Route.BLOCK): "calls a person because of what the caller said",
    (Speaker.CALLER, Route.HOLD): "doubts what the caller said",
    (Speaker.CALLER, Route.FLAG): "noted what the caller said",
}


@dataclass(frozen=True, slots=True)
class Moderation:
    """What all calls of a server share."""

    moderator: Moderator
    trusted: frozenset[str] = frozenset()  # texts of the agent that nobody need judge
    names: Mapping[str, str] = field(default_factory=dict)  # of known texts, by fingerprint


def make_moderation(pack: Pack, policy: Policy, key: bytes) -> Moderation:
    """What a pack says of moderation, ready for use; trains its classifier, so off the event loop.

    `key`: secret bytes that the audit's draw hangs on. Raises `PackError`.
    """
    data = pack.moderation
    trained = train_scorer(data, policy.moderation.share)
    moderator = Moderator(
        policy,
        key=key,
        known=KnownTexts(data.known),
        scorer=None if trained is None else trained.scorer,
    )
    return Moderation(moderator, frozenset(pack.fixed_prompts()), data.known)


class CallModeration:
    """The moderation of one call."""

    def __init__(
        self, rules: Moderation, engine: CallEngine, book: CallBook, audits: AuditPort
    ) -> None:
        self._rules = rules
        self._audits = audits
        self._engine = engine
        self._book = book
        self._lines = 0  # judged so far

    def caller_said(self, text: str, now: float, shown: str | None = None) -> None:
        """Judge a caller's turn; what must not pass brings a person, who may see it as `shown`."""
        self.note(self._judge(Speaker.CALLER, text, ""), text if shown is None else shown, now)

    def agent_says(self, text: str, before: str) -> Judgement | None:
        """Judge a sentence that is about to be spoken; None: it is trusted. Touches nothing of the call.

        `before` is what the agent said in the same reply.
        """
        if text in self._rules.trusted:
            return None
        return self._judge(Speaker.AGENT, text, before)

    def note(self, judgement: Judgement, text: str, now: float) -> None:
        """Write down what a person should know of a judgement, and tell the core what must not pass."""
        route, speaker = judgement.route, judgement.speaker
        if route is Route.PASS and not judgement.review:
            return
        why = self._why(judgement)
        if route is not Route.PASS:
            self._book.system(f"Moderation {_DONE[speaker, route]}: {why}.")
        self._book.log_event(
            ACTIONS[route],
            line_id=judgement.line_id,
            turn=judgement.turn,
            speaker=speaker.value,
            layer=judgement.layer,
            score=round(judgement.score, 4),
            reason=why,
            text=_shown(judgement, text),
            review=judgement.review,
            propensity=judgement.propensity,
        )
        self._refer(judgement, text)
        stopped = route is Route.HOLD and speaker is Speaker.AGENT
        if route is Route.BLOCK or stopped:
            self._engine.handle(ContentFlagged(speaker.value, why), now)

    def _judge(self, speaker: Speaker, text: str, before: str) -> Judgement:
        self._lines += 1
        call_id = self._book.call_id
        line_id = f"{call_id}:line:{self._lines}"
        line = Line(line_id, call_id, self._book.turn, speaker, text, before)
        return self._rules.moderator.judge(line)

    def _refer(self, judgement: Judgement, text: str) -> None:
        """Put a line before people; their "wrong" means that moderation judged it wrongly."""
        shown = _shown(judgement, text)
        if shown is None:
            return  # lists and patterns leave nothing to judge
        whose = "AI" if judgement.speaker is Speaker.AGENT else "caller"
        words = f'Moderation: {judgement.route.value} (the {whose}\'s words): "{shown}"'
        self._audits.referred(
            AuditItem(
                audit_id=judgement.line_id,
                kind="line",
                call_id=judgement.call_id,
                turn=judgement.turn,
                path="automatic",
                category=f"moderation_{judgement.route.value}",
                risk=judgement.score,
                summary=words if len(words) <= SUMMARY else words[: SUMMARY - 1] + "…",
            ),
            judgement.propensity,
        )

    def _why(self, judgement: Judgement) -> str:
        if judgement.layer == "known":
            return self._rules.names.get(judgement.reason, "a known text")
        if judgement.layer == "pattern":
            return judgement.reason.replace("_", " ")
        return f"a violation with {judgement.score:.0%} probability"


def _shown(judgement: Judgement, text: str) -> str | None:
    """What people are shown of a line; None for what nobody may see written again."""
    return None if judgement.layer in ("known", "pattern") else mask(text)
