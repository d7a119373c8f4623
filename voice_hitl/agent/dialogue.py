"""The state of one dialogue: which flows run, what is being asked, and walking on from there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from handoff.events import Effect
from voice_hitl.agent.acting import Actor, reasoning
from voice_hitl.agent.frames import Ask, Confirm, End, Frame, Goto, Run, Say
from voice_hitl.agent.guard import mask_value
from voice_hitl.agent.parts import Parts
from voice_hitl.agent.protocol import AgentEvent
from voice_hitl.agent.reading import Context
from voice_hitl.agent.slots import SlotValue
from voice_hitl.agent.speaker import Speaker
from voice_hitl.agent.spec import StepSpec
from voice_hitl.agent.table import State
from voice_hitl.agent.text import find, plain
from voice_hitl.agent.wording import fill, names_in
from voice_hitl.errors import AgentError
from voice_hitl.language import Expectation

_MOST_STEPS = 50  # in one reply; more means that the pack's flows lead in a circle
_MOST_ASKED = 4  # times a slot is asked for before the flow is given up
_CHANGED_BY_TURNS = ("state", "confirming", "_candidates", "_offered", "_finished")
_SUSPENDED = 2  # flows that wait while the caller asks something else


class Dialogue:
    """One call's dialogue, without the reading of turns."""

    def __init__(self, parts: Parts, actor: Actor) -> None:
        self._parts = parts
        self._pack = parts.pack
        self._prompts = parts.pack.info.prompts
        self.actor = actor
        self.speaker = Speaker(self.forms)
        self.state = State.OPEN
        self.frames: list[Frame] = []  # the last one runs, the others wait
        self.confirming: Confirm | None = None
        self.safe_mode = False
        self._candidates: tuple[str, ...] = ()
        # Slots that came with an unsure request, and its words.
        self._offered: tuple[Mapping[str, SlotValue], str] = {}, ""
        self._finished: Frame | None = None

    # --- what holds now -----------------------------------------------------------------------

    @property
    def intent(self) -> str | None:
        """The intent of the flow under way."""
        return self.frames[-1].intent if self.frames else None

    @property
    def known(self) -> Mapping[str, SlotValue]:
        """The slots of the flow under way."""
        return self.frames[-1].values if self.frames else {}

    @property
    def pending_slot(self) -> str | None:
        """The slot that was asked for, if one was."""
        if self.state is not State.ASKING or not self.frames:
            return None
        plan = self._parts.walker.plan(self.frames[-1], self.actor.remembered)
        return plan.slot if isinstance(plan, Ask) else None

    @property
    def times_asked(self) -> int:
        """How often the pending slot has been asked for; 0 when none is."""
        slot = self.pending_slot
        return self.frames[-1].asked[slot] if slot else 0

    def context(self) -> Context:
        """What a turn is read against."""
        frame = self.frames[-1] if self.frames else None
        return Context(
            state=self.state,
            today=self._parts.today(),
            intent=frame.intent if frame else None,
            pending=self.pending_slot,
            wanted=self._parts.walker.wanted(frame.flow) if frame else (),
            known=frame.values if frame else {},
            candidates=self._candidates,
        )

    def forms(self, *, shown: bool = False) -> dict[str, str]:
        """Values for texts: spoken to callers, or `shown` to operators."""
        sensitive = self._pack.agent.sensitive
        forms = {**self._pack.info.parameters, **self.actor.remembered}
        if self.frames:
            forms |= self.frames[-1].results
            forms |= {
                name: mask_value(name, value.shown) if shown else value.spoken
                for name, value in self.known.items()
            }
        hidden = {
            name: mask_value(name, forms[name], sensitive=True) for name in sensitive & forms.keys()
        }
        return forms | hidden

    def pending_words(self) -> str | None:
        """What the agent waits for, in words for an operator."""
        if self.state is State.CONFIRMING and self.confirming is not None:
            coming = self._parts.walker.upcoming(
                self.frames[-1], self.confirming.index, self.actor.remembered
            )
            forms = self.forms(shown=True)
            action = fill(coming[1].summary, forms) if coming else ""
            known = action and not names_in(action)
            return f"a yes or no: {action if known else fill(self.confirming.text, forms)}"
        if self.state is State.CLARIFYING:
            labels = (self._pack.label(name) for name in self._candidates)
            return f"whether this is about {' or '.join(labels)}"
        slot = self.pending_slot
        if slot is not None:
            return self._pack.agent.slots[slot].title
        return "what to change" if self.state is State.CHANGING else None

    def expectation(self) -> Expectation:
        """Likely words of the next turn."""
        slot = self.pending_slot
        if slot is not None:
            return self._parts.expectations[slot]
        if self.state in (State.CONFIRMING, State.CLARIFYING):
            return self._parts.expectations[""]
        return Expectation()

    def was_read_back(self, heard: str) -> bool:
        """Whether all that matters of the confirmation was heard before the caller cut it off."""
        if self.confirming is None:
            return False
        forms = self.forms()
        needed = (plain(forms.get(name, "")) for name in names_in(self.confirming.text))
        return all(find(each, plain(heard)) >= 0 for each in needed)

    # --- going back to before a turn ---

    def moment(self) -> dict[str, Any]:
        """All that turns change, as it is now; for `go_back`."""
        now = {name: getattr(self, name) for name in _CHANGED_BY_TURNS}
        return now | {"frames": [frame.copy() for frame in self.frames]}

    def go_back(self, moment: Mapping[str, Any]) -> None:
        """Be as at a `moment` again."""
        for name, value in moment.items():
            setattr(self, name, value)
        self.frames = [frame.copy() for frame in self.frames]

    # --- what turns do ------------------------------------------------------------------------

    def start(self, intent: str, values: Mapping[str, SlotValue], words: str = "") -> None:
        """Begin the flow of an intent; a running one waits, unless this is an emergency.

        `words` are the caller's own.
        """
        spec = self._pack.agent.intents[intent]
        frame = Frame(spec.flow or "", intent, words=words)
        if values and self._finished is not None and self._finished.flow == frame.flow:
            # "and on sunday?": what was said a moment ago still holds, if it can do no harm.
            kept = self._finished.values if self._parts.walker.only_reads(frame.flow) else {}
            frame.values.update(kept)
        if spec.emergency:
            self.frames.clear()
        self.frames = [*self.frames[-_SUSPENDED:], frame]
        self._candidates, self._offered = (), ({}, "")
        self.take(values)

    def start_offered(self) -> None:
        """Begin the flow that the caller was asked about."""
        self.start(self._candidates[0], *self._offered)

    def offer(
        self, intents: tuple[str, ...], values: Mapping[str, SlotValue], words: str = ""
    ) -> None:
        """Ask whether one of these (one or two) is meant; `words` are the caller's own."""
        self._candidates = intents
        self._offered = values, words
        self.state = State.CLARIFYING
        self._clarify()

    def take(self, values: Mapping[str, SlotValue]) -> None:
        """Put values into the running flow; where two must differ, the newer one counts."""
        frame = self.frames[-1]
        frame.values.update(values)
        for name in values:
            other = self._pack.agent.slots[name].differs_from
            mine, theirs = frame.values.get(name), frame.values.get(other or "")
            if other and mine and theirs and mine.value == theirs.value:
                frame.forget([other])
                texts = self._prompts.same_value
                self.speaker.say("same_value", texts, "answer", value=mine.spoken)

    def confirmed(self) -> None:
        """The caller said yes to what was read back."""
        if self.confirming is None:
            raise AgentError("a yes without a question")
        self._parts.walker.done(self.frames[-1], self.confirming, self.actor.remembered)
        self.confirming = None

    def denied(self) -> bool:
        """The caller said no to what was read back; True when the flow goes on."""
        on_no = self.confirming.step.on_no if self.confirming else None
        self.confirming = None
        if on_no is None:
            self.state = State.CHANGING
            self.speaker.say("change_what", self._prompts.change_what, "question")
            return False
        if on_no.tell:
            self.speaker.say(f"no:{on_no.tell[0]}", on_no.tell, "answer")
        if on_no.goto:
            self._go_to(on_no.goto)
        elif on_no.forget:
            self.frames[-1].forget(on_no.forget)
        else:
            return self._finish()
        return True

    def abandon(self) -> None:
        """Nothing runs any more; ask what else there is."""
        self.frames.clear()
        self.confirming = None
        self.state = State.MORE
        self.speaker.say("anything_else", self._prompts.anything_else, "question")

    def invite(self) -> None:
        """Let the caller say what they want."""
        self._candidates = ()
        if self.frames:
            self.ask_pending()
        else:
            self.state = State.OPEN
            self.speaker.say("go_ahead", self._prompts.go_ahead, "question")

    def reopen(self) -> None:
        """Begin as if nothing had been said."""
        self.frames.clear()
        self.state = State.OPEN
        self.ask_pending()

    def distrust(self) -> None:
        """What was agreed with the agent may be outdated: confirm it again."""
        self.confirming = None
        for frame in self.frames:
            frame.confirmed.clear()

    def ask_pending(self) -> None:
        """Ask again what the dialogue waits for."""
        if self.state is State.CLARIFYING and self._candidates:
            self._clarify()
        elif self.state is State.CHANGING and self.frames:
            self.speaker.say("change_what", self._prompts.change_what, "question")
        elif self.frames:
            plan = self._parts.walker.plan(self.frames[-1], self.actor.remembered)
            if isinstance(plan, Ask):
                self._ask(plan.slot)
            elif isinstance(plan, Confirm):
                self._confirm(plan)
            else:
                self.abandon()  # an action was stopped half way: only a new request goes on
        elif self.state is State.OPEN:
            self.speaker.say("how_can_i_help", self._prompts.how_can_i_help, "question")
        elif self.state is not State.ENDED:
            self.speaker.say("anything_else", self._prompts.anything_else, "question")

    # --- walking ------------------------------------------------------------------------------

    async def walk(self) -> AsyncIterator[AgentEvent]:
        """Do what the flow says until the caller is needed. Raises `AgentError` on a circle."""
        for _ in range(_MOST_STEPS):
            frame = self.frames[-1]
            plan = self._parts.walker.plan(frame, self.actor.remembered)
            match plan:
                case Ask(slot):
                    self._ask(slot)
                    return
                case Confirm():
                    self._confirm(plan)
                    return
                case Say(step=step):
                    self._tell(plan, frame)
                    if step.stop and not self._finish():
                        return
                case Goto(flow):
                    self._go_to(flow)
                case End():
                    if not self._finish():
                        return
                case Run():
                    for sentence in self.speaker.flush():
                        yield sentence
                    if self._forbidden(plan.name):
                        return
                    shown = self.forms(shown=True)
                    why = reasoning(frame, self._pack.agent.flows[frame.flow], plan.index, shown)
                    async for event in self.actor.act(plan, shown, why):
                        yield event
                    if not self._settle(plan, frame):
                        return
        raise AgentError(f"flow {self.frames[-1].flow} leads in a circle")

    def _ask(self, slot: str) -> None:
        frame = self.frames[-1]
        if frame.asked[slot] >= _MOST_ASKED:
            self.speaker.say("give_up", self._prompts.give_up, "apology")
            self.abandon()
            return
        texts = self._pack.agent.slots[slot].ask
        self.state = State.ASKING
        self.speaker.add(texts[frame.asked[slot] % len(texts)], "question")
        frame.asked[slot] += 1

    def _confirm(self, plan: Confirm) -> None:
        coming = self._parts.walker.upcoming(self.frames[-1], plan.index, self.actor.remembered)
        if coming is not None and self._forbidden(coming[0]):
            return
        self.state = State.CONFIRMING
        self.confirming = plan
        self.speaker.add(plan.text, "confirmation")

    def _tell(self, plan: Say, frame: Frame) -> None:
        self.speaker.say(f"{frame.flow}:{plan.index}", plan.texts, "answer")
        self._parts.walker.done(frame, plan, self.actor.remembered)
        frame.forget(plan.step.forget)

    def _settle(self, plan: Run, frame: Frame) -> bool:
        """Take in what an action brought; False when the flow ends here."""
        outcome = self.actor.outcome
        if outcome.result is not None:
            frame.results.update(outcome.result.values)
            self._take_edits(frame, plan, outcome.arguments)
            done = replace(plan, arguments=outcome.arguments)
            self._parts.walker.done(frame, done, self.actor.remembered)
            return True
        if outcome.advice:
            self.speaker.add(outcome.advice, "notice")
        elif outcome.refused:
            own = (plan.tool.refused,) if plan.tool.refused else self._prompts.refused
            self.speaker.say(f"refused:{plan.name}", own, "refusal")
        elif outcome.uncertain:
            self.speaker.say("uncertain", self._prompts.uncertain, "apology")
        else:
            step: StepSpec = plan.step
            own = (step.failed,) if step.failed else self._prompts.failed
            self.speaker.say(f"failed:{step.failed or ''}", own, "apology")
        self.abandon()
        return False

    def _take_edits(self, frame: Frame, plan: Run, arguments: Mapping[str, str]) -> None:
        """A person changed what an action ran with: what is said of it from now on is what was done."""
        for name, value in arguments.items():
            if value != plan.arguments.get(name) and name in frame.values:
                frame.values[name] = self._dressed(name, value)
        self._parts.walker.confirmed_again(frame, self.actor.remembered)

    def _dressed(self, slot: str, value: str) -> SlotValue:
        try:
            return self._parts.slots.make(slot, value)
        except (KeyError, ValueError, ArithmeticError):
            return SlotValue(slot, value, value, value)  # the tool took it; say it as it is

    def _forbidden(self, name: str) -> bool:
        """In safe mode, refuse what cannot be undone; True when it was refused."""
        tool = self._pack.agent.tools[name]
        known = self._parts.walker.known(self.frames[-1], self.actor.remembered)
        effect, _ = self.actor.effect(tool, known)
        if not self.safe_mode or effect is not Effect.IRREVERSIBLE or tool.safe_mode is None:
            return False
        self.speaker.add(tool.safe_mode, "refusal")
        self.abandon()
        return True

    def _finish(self) -> bool:
        """End the running flow; True when one that waited goes on."""
        self._finished = self.frames.pop()
        if not self.frames:
            self.abandon()
            return False
        label = self._pack.label(self.frames[-1].intent)
        self.speaker.say("back_to", self._prompts.back_to, "notice", label=label)
        return True

    def _go_to(self, flow: str) -> None:
        """Go on with another flow, which keeps what is known."""
        frame = self.frames[-1]
        intents = self._pack.agent.intents
        intent = next((name for name, spec in intents.items() if spec.flow == flow), frame.intent)
        values, results = dict(frame.values), dict(frame.results)
        self.frames[-1] = Frame(flow, intent, values, results, words=frame.words)

    def _clarify(self) -> None:
        labels = [self._pack.label(name) for name in self._candidates]
        if len(labels) == 1:
            texts = self._prompts.clarify_one
            self.speaker.say("clarify_one", texts, "question", option=labels[0])
        else:
            first, second = labels
            texts = self._prompts.clarify_two
            self.speaker.say("clarify_two", texts, "question", first=first, second=second)
