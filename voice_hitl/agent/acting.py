"""Acting: proposes what changes something, runs it when allowed, tells what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from handoff.events import Effect
from voice_hitl.agent.frames import Frame, Run
from voice_hitl.agent.guard import hide, mask
from voice_hitl.agent.protocol import Acted, AgentEvent, Proposal, Verdict
from voice_hitl.agent.spec import StepSpec, ToolSpec
from voice_hitl.agent.tools import Toolbox, ToolCall, ToolResult, ToolUnclear, run_tool
from voice_hitl.agent.wording import fill
from voice_hitl.errors import ToolError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action; neither a result nor a flag: it failed."""

    result: ToolResult | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)  # what it ran with
    refused: bool = False
    advice: str = ""  # what a person wants said instead of a refusal
    uncertain: bool = False  # no answer, or none to rely on: it may have happened


class Actor:
    """Runs the tools of one call."""

    def __init__(
        self, toolbox: Toolbox, call_id: str, caller: str, sensitive: Collection[str] = ()
    ) -> None:
        """`sensitive`: arguments and results, by name, whose values nobody is shown."""
        self._toolbox = toolbox
        self._call_id = call_id
        self._caller = caller
        self._sensitive = frozenset(sensitive)
        self._count = 0
        self._verdicts: dict[str, Verdict] = {}
        self.remembered: dict[str, str] = {}  # results that hold for the whole call
        self.outcome = Outcome()  # of the last action

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        """Note the answer to a proposal."""
        self._verdicts[action_id] = verdict

    @staticmethod
    def effect(tool: ToolSpec, known: Mapping[str, str]) -> tuple[Effect, float | None]:
        """What a use of a tool does to the world, and its amount of money, if it has one."""
        if tool.amount is None or tool.limit is None:
            return tool.effect, None
        amount = float(known[tool.amount]) if tool.amount in known else 0.0
        over = amount > tool.limit and tool.above_limit is not None
        return (tool.above_limit or tool.effect) if over else tool.effect, amount

    @staticmethod
    def _objection(tool: ToolSpec, edited: Mapping[str, str], proposed: float) -> str:
        """Why not even a person's edit is run, or nothing.

        No limit is lifted from an approval's form; what was `proposed` above it was judged as that, and may
        be lowered.
        """
        if tool.amount is None or tool.limit is None or tool.amount not in edited:
            return ""
        try:
            amount = float(edited[tool.amount])
        except ValueError:
            amount = float("nan")
        if not isfinite(amount) or amount < 0:
            return f"Not done: the changed {tool.amount} is no amount."
        over = amount > max(tool.limit, proposed)
        return f"Not done: the changed {tool.amount} is over the limit." if over else ""

    async def act(
        self, plan: Run, shown: Mapping[str, str], reasoning: str = ""
    ) -> AsyncIterator[AgentEvent]:
        """Propose (unless it only reads), run, and report; `outcome` holds what came of it.

        `reasoning` says why, for whoever is asked to approve it.
        """
        self._count += 1
        action_id = f"{self._call_id}:{self._count}"
        tool = plan.tool
        arguments = dict(plan.arguments)
        effect, amount = self.effect(tool, arguments)
        summary = fill(tool.summary, shown)
        self.outcome = Outcome(refused=True)
        if tool.effect is not Effect.READ:
            yield Proposal(
                action_id=action_id,
                name=plan.name,
                arguments=arguments,
                effect=effect,
                summary=summary,
                amount=amount,
                limit=tool.limit,
                regulated=tool.regulated,
                over_limit=amount is not None and tool.limit is not None and amount > tool.limit,
                reasoning=reasoning,
                alternatives=tuple(fill(text, shown) for text in tool.alternatives),
                sensitive=tuple(sorted(self._sensitive & arguments.keys())),
            )
            verdict = self._verdicts.pop(action_id, Verdict(allowed=False))
            if not verdict.allowed:
                self.outcome = Outcome(refused=True, advice=verdict.advice)
                return
            if verdict.arguments is not None:
                arguments = dict(verdict.arguments)
                why_not = self._objection(tool, arguments, amount or 0.0)
                if why_not:
                    yield Acted(action_id, plan.name, effect, ok=False, result=why_not)
                    return
                effect, _ = self.effect(tool, arguments)
        call = ToolCall(self._call_id, self._caller, action_id)
        try:
            result = await run_tool(
                self._toolbox, plan.name, tool, call, arguments, self._sensitive
            )
        except ToolUnclear as error:
            self.outcome = Outcome(uncertain=True)
            why = self._shown(str(error), arguments)
            yield Acted(action_id, plan.name, effect, ok=False, result=why, certain=False)
        except ToolError as error:
            self.outcome = Outcome()
            why = self._shown(str(error), arguments)
            yield Acted(action_id, plan.name, effect, ok=False, result=why)
        else:
            self.outcome = Outcome(result, arguments)
            if tool.remember:
                self.remembered.update(result.values)
            report = self._shown(result.report, arguments, result.values)
            yield Acted(action_id, plan.name, effect, ok=True, result=report)

    def _shown(self, text: str, *values: Mapping[str, str]) -> str:
        """What a tool says, without what nobody is shown."""
        return hide(text, [each[name] for each in values for name in self._sensitive & each.keys()])


def reasoning(frame: Frame, steps: Sequence[StepSpec], index: int, shown: Mapping[str, str]) -> str:
    """Why step `index` of a flow is taken: what the caller asked for, and the last thing they said yes to."""
    why = [f"The caller said: “{mask(frame.words)}”."] if frame.words else []
    before = [at for at in frame.confirmed if at < index]
    if before:
        text = steps[max(before)].confirm or ""
        why.append(f"They said yes to: “{fill(text, shown)}”")
    return " ".join(why)
