"""One caller's dialogue: reads a turn, moves by the state table, walks the flow, speaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from handoff.events import DialogueFacts, Effect, IntentFacts
from voice_hitl.agent.acting import Actor
from voice_hitl.agent.completeness import Completeness
from voice_hitl.agent.frames import Ask, Confirm, End, Frame, Goto, Run, Say, Walker
from voice_hitl.agent.guard import mask
from voice_hitl.agent.memory import TurnMemory, negates
from voice_hitl.agent.pack import Pack
from voice_hitl.agent.protocol import (
    AgentEvent,
    Done,
    Heard,
    Sentence,
    Understanding,
)
from voice_hitl.agent.reading import SURE, Context, Reader, Reading
from voice_hitl.agent.slots import EXACT, SlotReader, SlotValue
from voice_hitl.agent.table import TABLE, Act, Move, State
from voice_hitl.agent.text import plain
from voice_hitl.agent.tools import Toolbox
from voice_hitl.agent.wording import Wording, fill, names_in, sentences
from voice_hitl.errors import AgentError
from voice_hitl.language import Expectation

_MOST_STEPS = 50  # in one reply; more means that the pack's flows lead in a circle
_MOST_ASKED = 4  # times a slot is asked for before the flow is given up
_MOST_SILENCES = 3  # in a row, before the call is ended
_SUSPENDED = 2  # flows that wait while the caller asks something else
_DOUBTED = 0.4  # recognition confidence under which a yes to an action is asked for once more


@dataclass(frozen=True, slots=True)
class Parts:
    """What all conversations of an agent share."""

    pack: Pack
    reader: Reader
    slots: SlotReader
    walker: Walker
    completeness: Completeness
    toolbox: Toolbox
    expectations: Mapping[str, Expectation]  # of each slot, and "" for yes and no
    today: Callable[[], dt.date]


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn on its way from `understand` to `respond`."""

    reading: Reading
    heard: Heard


class FlowConversation:
    """One call's dialogue; implements `voice_hitl.agent.protocol.Conversation`."""

    def __init__(self, parts: Parts, call_id: str, parameters: Mapping[str, str]) -> None:
        """`parameters` may name the caller's number as "caller"."""
        self._parts = parts
        self._pack = parts.pack
        self._prompts = parts.pack.info.prompts
        self._actor = Actor(parts.toolbox, call_id, parameters.get("caller", ""))
        self._state = State.OPEN
        self._frames: list[Frame] = []  # the last one runs, the others wait
        self._confirming: Confirm | None = None
        self._doubted: Confirm | None = None  # a confirmation whose yes was asked for twice
        self._candidates: tuple[str, ...] = ()
        self._offered: Mapping[str, SlotValue] = {}  # slots that came with an unsure request
        self._memory = TurnMemory()
        self._wording = Wording()
        self._keys = ""
        self._outbox: list[Sentence] = []
        self._last: list[Sentence] = []
        self._unanswered: _Turn | None = None
        self._safe_mode = False

    # --- the protocol -------------------------------------------------------------------------

    def greeting(self) -> list[Sentence]:
        """What to say first."""
        texts = self._pack.greeting
        last = len(texts) - 1
        said = [
            Sentence(text, "question" if at == last else "notice") for at, text in enumerate(texts)
        ]
        self._last = said
        return list(said)

    def understand(self, heard: Heard) -> Understanding:
        """Read a turn; a few hundred microseconds."""
        reading = self._read(heard)
        repeat = self._memory.repeats(reading, self._intent)
        self._memory.note(reading)
        turn = _Turn(reading, heard)
        self._unanswered = turn
        pending = self._pending_slot
        known = {name: value.shown for name, value in self._known.items()}
        return Understanding(
            text=reading.text,
            intent=self._intent_facts(reading),
            dialogue=DialogueFacts(
                no_match=reading.act is Act.NO_MATCH,
                repeat=repeat,
                negation=negates(reading, self._state),
                stuck_slot=self._frames[-1].asked[pending] if pending and self._frames else 0,
                wants_person=reading.wants_person,
                frustration=reading.frustration,
                emergency=reading.emergency,
                interruptions=heard.interruptions,
            ),
            slots={**known, **{name: value.shown for name, value in reading.values.items()}},
            state=turn,
        )

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        """Answer a turn. Raises `AgentError` when the pack's flows lead nowhere."""
        turn = understanding.state
        if not isinstance(turn, _Turn):
            raise AgentError("this understanding is not of this agent")
        self._unanswered = None
        self._safe_mode = safe_mode
        self._outbox = []
        if self._must_read_again(turn):
            go_on = self._read_back_again()
        else:
            go_on = _MOVES[TABLE[self._state][turn.reading.act]](self, turn.reading)
        if go_on:
            async for event in self._walk():
                yield event
        for sentence in self._flush():
            yield sentence
        yield self._done()

    def verdict(self, action_id: str, allowed: bool, reason: str = "") -> None:
        """Allow or refuse a proposed action; without an answer it is refused."""
        self._actor.verdict(action_id, allowed)

    def resume(self, note: str) -> list[Sentence]:
        """Take the call back from a person, or go on because none could come (an empty note)."""
        self._outbox = []
        self._confirming = None
        words = plain(note)
        unanswered, self._unanswered = self._unanswered, None
        if words:
            self._say("welcome_back", self._prompts.welcome_back, "notice")
        if words and self._says(words, self._pack.speech.resolved):
            self._abandon()
        elif self._frames and (not words or self._says(words, self._pack.speech.resume)):
            self._frames[-1].confirmed.clear()  # what was agreed with the agent may be outdated
            self._ask_pending()
        else:
            self._frames.clear()
            asked = self._read(Heard(), note) if words else None
            reading = asked or (unanswered.reading if unanswered else None)
            self._offer_or_invite(reading, invite=not words)
        return self._flush()

    def completeness(self, partial: str) -> float:
        """P(the caller has finished) from the words so far."""
        return self._parts.completeness(partial, self._context())

    # --- reading ------------------------------------------------------------------------------

    def _read(self, heard: Heard, note: str | None = None) -> Reading:
        context = self._context()
        if note is not None:
            return self._parts.reader.read(note, Context(State.OPEN, context.today))
        if heard.hypothesis is not None:
            self._keys = ""
            return self._parts.reader.choose(heard.hypothesis, context)
        if heard.digits is not None:
            return self._read_keys(heard.digits, context)
        return Reading("", (), Act.SILENCE, EXACT)

    def _read_keys(self, digits: str, context: Context) -> Reading:
        slot = self._pack.agent.slots.get(context.pending or "")
        self._keys = self._keys + digits if slot is not None and slot.type == "digits" else digits
        reading = self._parts.reader.keyed(self._keys.strip("#*"), context)
        if reading.act is Act.INFORM or "#" in digits or "*" in digits:
            self._keys = ""
        return reading

    def _context(self) -> Context:
        frame = self._frames[-1] if self._frames else None
        return Context(
            state=self._state,
            today=self._parts.today(),
            intent=frame.intent if frame else None,
            pending=self._pending_slot,
            wanted=self._parts.walker.wanted(frame.flow) if frame else (),
            known=frame.values if frame else {},
            candidates=self._candidates,
        )

    def _intent_facts(self, reading: Reading) -> IntentFacts:
        ranking = reading.ranking
        if ranking is None:
            return IntentFacts(self._intent, 1.0, 1.0, category=self._category(self._intent))
        if reading.act is Act.NO_MATCH or reading.intent is not None:
            return IntentFacts(
                name=reading.intent,
                probability=ranking.probability if reading.intent is None else reading.quality,
                margin=ranking.margin,
                novelty=ranking.novelty,
                disagreement=ranking.disagreement,
                category=self._category(reading.intent or self._intent),
            )
        # An answer within the dialogue: what was asked decides what it means, not the intent model.
        name = reading.act.value if reading.act is Act.PERSON else self._intent or reading.act.value
        return IntentFacts(name, reading.quality, reading.quality, category=self._category(name))

    def _category(self, intent: str | None) -> str:
        spec = self._pack.agent.intents.get(intent or "")
        return spec.category if spec else "general"

    @property
    def _intent(self) -> str | None:
        return self._frames[-1].intent if self._frames else None

    @property
    def _known(self) -> Mapping[str, SlotValue]:
        return self._frames[-1].values if self._frames else {}

    @property
    def _pending_slot(self) -> str | None:
        if self._state is not State.ASKING or not self._frames:
            return None
        plan = self._parts.walker.plan(self._frames[-1], self._actor.remembered)
        return plan.slot if isinstance(plan, Ask) else None

    # --- moves: each says something and tells whether the flow goes on ------------------------

    def _start(self, reading: Reading) -> bool:
        intent = reading.intent or self._candidates[0]
        values = reading.values if reading.intent else self._offered
        spec = self._pack.agent.intents[intent]
        frame = Frame(spec.flow or "", intent)
        if spec.emergency:
            self._frames.clear()
        self._frames = [*self._frames[-_SUSPENDED:], frame]
        self._candidates, self._offered = (), {}
        self._take(values)
        return True

    def _ask_back(self, reading: Reading) -> bool:
        self._candidates = tuple(name for name in (reading.intent, reading.second) if name)
        self._offered = reading.values
        self._state = State.CLARIFYING
        self._clarify()
        return False

    def _fill(self, reading: Reading) -> bool:
        self._take(reading.values)
        return True

    def _go_on(self, reading: Reading) -> bool:
        frame, confirming = self._frames[-1], self._confirming
        if confirming is None:
            raise AgentError("a yes without a question")
        self._parts.walker.done(frame, confirming, self._actor.remembered)
        self._confirming = None
        return True

    def _ask_change(self, reading: Reading) -> bool:
        confirming = self._confirming
        on_no = confirming.step.on_no if confirming else None
        self._confirming = None
        if on_no is None:
            self._state = State.CHANGING
            self._say("change_what", self._prompts.change_what, "question")
            return False
        if on_no.tell:
            self._say(f"no:{on_no.tell[0]}", on_no.tell, "answer")
        if on_no.goto:
            self._frames[-1] = self._moved(self._frames[-1], on_no.goto)
            return True
        if on_no.forget:
            self._frames[-1].forget(on_no.forget)
            return True
        return self._finish()

    def _drop(self, reading: Reading) -> bool:
        self._say("cancelled", self._prompts.cancelled, "notice")
        self._abandon()
        return False

    def _invite(self, reading: Reading) -> bool:
        if self._frames:
            self._ask_pending()
        else:
            self._state = State.OPEN
            self._say("go_ahead", self._prompts.go_ahead, "question")
        return False

    def _part(self, reading: Reading) -> bool:
        self._state = State.ENDED
        self._say("goodbye", self._prompts.goodbye, "notice")
        return False

    def _explain(self, reading: Reading) -> bool:
        pending = self._pending_slot
        text = self._pack.agent.slots[pending].help if pending else None
        if text is not None:
            self._add(text, "answer")
        elif pending is None or reading.act is Act.HELP:
            self._say("help", self._prompts.help, "answer")
        if self._frames:
            self._ask_pending()
        return False

    def _apologize(self, reading: Reading) -> bool:
        times = max(0, self._memory.no_matches - 1)
        texts = self._prompts.no_match
        self._add(texts[min(times, len(texts) - 1)], "apology")
        if self._state is State.CONFIRMING and times == 0:
            self._say("yes_no", self._prompts.not_understood_yes_no, "question")
        elif self._state in (State.OPEN, State.MORE):
            self._say("rephrase", self._prompts.rephrase, "question")
        else:
            self._ask_pending()
        return False

    def _prompt(self, reading: Reading) -> bool:
        times = self._memory.silences
        if times >= _MOST_SILENCES:
            return self._part(reading)
        texts = self._prompts.no_input
        self._add(texts[min(times, len(texts)) - 1], "notice")
        self._ask_pending()
        return False

    def _again(self, reading: Reading) -> bool:
        self._ask_pending()
        return False

    def _listen(self, reading: Reading) -> bool:
        return False

    def _say_again(self, reading: Reading) -> bool:
        if self._last:
            self._outbox += self._last
        else:
            self._say("nothing_said", self._prompts.nothing_said, "answer")
        return False

    def _nobody(self, reading: Reading) -> bool:
        self._say("no_person", self._prompts.no_person, "apology")
        self._ask_pending()
        return False

    def _welcome(self, reading: Reading) -> bool:
        self._say("thanks", self._prompts.thanks, "answer")
        self._ask_pending()
        return False

    def _greet(self, reading: Reading) -> bool:
        self._say("greeting", self._prompts.greeting, "answer")
        self._ask_pending()
        return False

    def _let_wait(self, reading: Reading) -> bool:
        self._say("wait", self._prompts.wait, "answer")
        return False

    # --- walking ------------------------------------------------------------------------------

    async def _walk(self) -> AsyncIterator[AgentEvent]:
        """Do what the flow says until the caller is needed."""
        for _ in range(_MOST_STEPS):
            frame = self._frames[-1]
            plan = self._parts.walker.plan(frame, self._actor.remembered)
            match plan:
                case Ask(slot):
                    self._ask(slot)
                    return
                case Confirm():
                    self._confirm(plan)
                    return
                case Say():
                    self._say(f"{frame.flow}:{plan.index}", plan.texts, "answer")
                    self._parts.walker.done(frame, plan, self._actor.remembered)
                    frame.forget(plan.step.forget)
                    if plan.step.stop and not self._finish():
                        return
                case Goto(flow):
                    self._frames[-1] = self._moved(frame, flow)
                case End():
                    if not self._finish():
                        return
                case Run():
                    for sentence in self._flush():
                        yield sentence
                    if self._forbidden(plan.name, plan.index):
                        return
                    async for event in self._actor.act(plan, frame, self._spoken_forms(shown=True)):
                        yield event
                    if not self._settle(plan, frame):
                        return
        raise AgentError(f"flow {self._frames[-1].flow} leads in a circle")

    def _settle(self, plan: Run, frame: Frame) -> bool:
        """Take in what an action brought; False when the flow ends here."""
        outcome = self._actor.outcome
        if outcome.result is not None:
            frame.results.update(outcome.result.values)
            self._parts.walker.done(frame, plan, self._actor.remembered)
            return True
        if outcome.refused:
            own = (plan.tool.refused,) if plan.tool.refused else self._prompts.refused
            self._say(f"refused:{plan.name}", own, "refusal")
        elif outcome.uncertain:
            self._say("uncertain", self._prompts.uncertain, "apology")
        else:
            own = (plan.step.failed,) if plan.step.failed else self._prompts.failed
            self._say(f"failed:{plan.step.failed or ''}", own, "apology")
        self._abandon()
        return False

    def _ask(self, slot: str) -> None:
        frame = self._frames[-1]
        if frame.asked[slot] >= _MOST_ASKED:
            self._say("give_up", self._prompts.give_up, "apology")
            self._abandon()
            return
        texts = self._pack.agent.slots[slot].ask
        self._state = State.ASKING
        self._add(texts[frame.asked[slot] % len(texts)], "question")
        frame.asked[slot] += 1

    def _confirm(self, plan: Confirm) -> None:
        coming = self._parts.walker.upcoming(self._frames[-1], plan.index, self._actor.remembered)
        if coming is not None and self._forbidden(coming[0], plan.index):
            return
        self._state = State.CONFIRMING
        self._confirming = plan
        self._add(plan.text, "confirmation")

    def _forbidden(self, name: str, index: int) -> bool:
        """In safe mode, refuse what cannot be undone; True when it was refused."""
        tool = self._pack.agent.tools[name]
        known = self._parts.walker.known(self._frames[-1], self._actor.remembered)
        effect, _ = self._actor.effect(tool, known)
        if not self._safe_mode or effect is not Effect.IRREVERSIBLE or tool.safe_mode is None:
            return False
        self._add(tool.safe_mode, "refusal")
        self._abandon()
        return True

    def _finish(self) -> bool:
        """End the running flow; True when one that waited goes on."""
        self._frames.pop()
        if self._frames:
            label = self._pack.agent.intents[self._frames[-1].intent].label
            self._say("back_to", self._prompts.back_to, "notice", label=label)
            return True
        self._abandon()
        return False

    def _abandon(self) -> None:
        """Nothing runs any more; ask what else there is."""
        self._frames.clear()
        self._confirming = None
        self._state = State.MORE
        self._say("anything_else", self._prompts.anything_else, "question")

    def _moved(self, frame: Frame, flow: str) -> Frame:
        intents = self._pack.agent.intents
        intent = next((name for name, spec in intents.items() if spec.flow == flow), frame.intent)
        return Frame(flow, intent, dict(frame.values), dict(frame.results))

    def _take(self, values: Mapping[str, SlotValue]) -> None:
        """Put values into the running flow; where two must differ, the newer one counts."""
        frame = self._frames[-1]
        frame.values.update(values)
        for name in values:
            other = self._pack.agent.slots[name].differs_from
            mine, theirs = frame.values.get(name), frame.values.get(other or "")
            if other and mine and theirs and mine.value == theirs.value:
                frame.forget([other])
                self._say("same_value", self._prompts.same_value, "answer", value=mine.spoken)

    # --- questions that are open --------------------------------------------------------------

    def _ask_pending(self) -> None:
        """Ask again what the dialogue waits for."""
        if self._state is State.CLARIFYING and self._candidates:
            self._clarify()
        elif self._state is State.CHANGING and self._frames:
            self._say("change_what", self._prompts.change_what, "question")
        elif self._frames:
            plan = self._parts.walker.plan(self._frames[-1], self._actor.remembered)
            if isinstance(plan, Ask):
                self._ask(plan.slot)
            elif isinstance(plan, Confirm):
                self._confirm(plan)
            else:
                self._abandon()  # an action was stopped half way: only a new request goes on
        elif self._state is State.OPEN:
            self._say("go_ahead", self._prompts.go_ahead, "question")
        elif self._state is not State.ENDED:
            self._say("anything_else", self._prompts.anything_else, "question")

    def _clarify(self) -> None:
        labels = [self._pack.agent.intents[name].label for name in self._candidates]
        if len(labels) == 1:
            self._say("clarify_one", self._prompts.clarify_one, "question", option=labels[0])
        else:
            first, second = labels
            texts = self._prompts.clarify_two
            self._say("clarify_two", texts, "question", first=first, second=second)

    def _offer_or_invite(self, reading: Reading | None, *, invite: bool) -> None:
        """Ask whether a request that was left lying, or is in a note, is what is wanted now."""
        spec = self._pack.agent.intents.get(reading.intent or "") if reading else None
        if reading is not None and spec is not None and spec.flow and reading.quality >= SURE:
            self._ask_back(reading)
        elif invite:
            self._state = State.OPEN
            self._say("go_ahead", self._prompts.go_ahead, "question")
        else:
            self._abandon()

    def _must_read_again(self, turn: _Turn) -> bool:
        """Whether a yes cannot count: the read-back was cut off, or the yes was hardly understood."""
        confirming = self._confirming
        if turn.reading.act is not Act.AFFIRM or confirming is None:
            return False
        if self._state is not State.CONFIRMING:
            return False
        if turn.heard.interrupted_text is not None:
            heard = plain(turn.heard.interrupted_text)
            forms = self._spoken_forms()
            needed = (plain(forms.get(name, "")) for name in names_in(confirming.text))
            if any(not self._says(heard, (each,)) for each in needed if each):
                return True
        hypothesis = turn.heard.hypothesis
        doubtful = hypothesis is not None and hypothesis.confidence < _DOUBTED
        if doubtful and self._doubted is not confirming:
            self._doubted = confirming
            return True
        return False

    def _read_back_again(self) -> bool:
        self._say("not_heard", self._prompts.not_heard, "notice")
        self._ask_pending()
        return False

    # --- words --------------------------------------------------------------------------------

    def _spoken_forms(self, *, shown: bool = False) -> dict[str, str]:
        """Values for texts: spoken to callers, or `shown` to operators."""
        forms = {**self._pack.info.parameters, **self._actor.remembered}
        if self._frames:
            frame = self._frames[-1]
            forms |= frame.results
            forms |= {
                name: value.shown if shown else value.spoken for name, value in frame.values.items()
            }
        return forms

    def _say(self, key: str, texts: tuple[str, ...], kind: str, **values: str) -> None:
        """Say the next variant of a prompt."""
        self._add(self._wording.choose(key, texts), kind, **values)

    def _add(self, text: str, kind: str, **values: str) -> None:
        filled = fill(text, {**self._spoken_forms(), **values})
        self._outbox += [Sentence(_capital(mask(part)), kind) for part in sentences(filled)]

    def _flush(self) -> list[Sentence]:
        said, self._outbox = self._outbox, []
        if said:
            self._last = said
        return list(said)

    @staticmethod
    def _says(words: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]) -> bool:
        text = f" {' '.join(words)} "
        return any(f" {' '.join(phrase)} " in text for phrase in phrases)

    def _done(self) -> Done:
        return Done(
            pending=self._pending_words(),
            expectation=self._expectation(),
            end_call=self._state is State.ENDED,
        )

    def _pending_words(self) -> str | None:
        if self._state is State.ASKING and (slot := self._pending_slot):
            return self._pack.agent.slots[slot].title
        if self._state is State.CONFIRMING and self._confirming is not None:
            frame, index = self._frames[-1], self._confirming.index
            coming = self._parts.walker.upcoming(frame, index, self._actor.remembered)
            text = coming[1].summary if coming else self._confirming.text
            return f"a yes or no: {fill(text, self._spoken_forms(shown=True))}"
        if self._state is State.CHANGING:
            return "what to change"
        if self._state is State.CLARIFYING:
            labels = (self._pack.agent.intents[name].label for name in self._candidates)
            return f"whether this is about {' or '.join(labels)}"
        return None

    def _expectation(self) -> Expectation:
        if self._state is State.ASKING and (slot := self._pending_slot):
            return self._parts.expectations[slot]
        if self._state in (State.CONFIRMING, State.CLARIFYING):
            return self._parts.expectations[""]
        return Expectation()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_MOVES: dict[Move, Callable[[FlowConversation, Reading], bool]] = {
    Move.START: FlowConversation._start,
    Move.ASK_BACK: FlowConversation._ask_back,
    Move.FILL: FlowConversation._fill,
    Move.GO_ON: FlowConversation._go_on,
    Move.ASK_CHANGE: FlowConversation._ask_change,
    Move.DROP: FlowConversation._drop,
    Move.INVITE: FlowConversation._invite,
    Move.PART: FlowConversation._part,
    Move.EXPLAIN: FlowConversation._explain,
    Move.APOLOGIZE: FlowConversation._apologize,
    Move.PROMPT: FlowConversation._prompt,
    Move.PENDING: FlowConversation._again,
    Move.LISTEN: FlowConversation._listen,
    Move.SAY_AGAIN: FlowConversation._say_again,
    Move.NOBODY: FlowConversation._nobody,
    Move.WELCOME: FlowConversation._welcome,
    Move.GREET: FlowConversation._greet,
    Move.LET_WAIT: FlowConversation._let_wait,
}
