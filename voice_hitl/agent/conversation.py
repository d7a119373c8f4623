"""One caller's conversation: reads a turn, moves by the state table, answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handoff.events import DialogueFacts, IntentFacts
from voice_hitl.agent.acting import Actor
from voice_hitl.agent.cues import has_phrase
from voice_hitl.agent.dialogue import Dialogue
from voice_hitl.agent.frames import Confirm
from voice_hitl.agent.guard import HIDDEN, MASK, hide_words, mask_value
from voice_hitl.agent.memory import TurnMemory, negates
from voice_hitl.agent.parts import Parts
from voice_hitl.agent.protocol import (
    AgentEvent,
    Done,
    Heard,
    Sentence,
    Understanding,
    Verdict,
)
from voice_hitl.agent.reading import SURE, Context, Reading
from voice_hitl.agent.slots import EXACT
from voice_hitl.agent.table import TABLE, Act, Move, State
from voice_hitl.agent.text import plain
from voice_hitl.errors import AgentError

_MOST_SILENCES = 3  # in a row, before the call is ended
_DOUBTED = 0.4  # recognition confidence under which a yes to an action is asked for once more
_UPSET = 0.6  # frustration from which the agent says sorry for it


@dataclass(frozen=True, slots=True)
class _Before:
    """All as it was before a turn, for a caller who goes on with it before anything is answered."""

    text: str  # of the turn
    dialogue: Mapping[str, Any]
    memory: TurnMemory
    doubted: Confirm | None


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn on its way from `understand` to `respond`."""

    reading: Reading
    heard: Heard


class FlowConversation:
    """Implements `voice_hitl.agent.protocol.Conversation`."""

    def __init__(self, parts: Parts, call_id: str, parameters: Mapping[str, str]) -> None:
        """`parameters` may name the caller's number as "caller"."""
        self._parts = parts
        self._pack = parts.pack
        self._prompts = parts.pack.info.prompts
        self._sensitive = parts.pack.agent.sensitive
        caller = parameters.get("caller", "")
        self._dialogue = Dialogue(parts, Actor(parts.toolbox, call_id, caller, self._sensitive))
        self._speaker = self._dialogue.speaker
        self._memory = TurnMemory()
        self._keys = ""  # digits keyed in so far for the slot that is asked for
        self._doubted: Confirm | None = None  # a confirmation whose yes was asked for twice
        self._unanswered: _Turn | None = None  # understood, but not answered yet
        self._before: _Before | None = None  # the last turn of words

    # --- the protocol -------------------------------------------------------------------------

    def greeting(self) -> list[Sentence]:
        """What to say first."""
        *first, last = self._pack.greeting
        self._speaker.begin()
        for text in first:
            self._speaker.add(text, "notice")
        self._speaker.add(last, "question")
        return self._speaker.flush()

    def understand(self, heard: Heard) -> Understanding:
        """Read a turn; about a millisecond."""
        self._go_back(heard)
        read = self._read(heard)
        reading = self._veiled(
            read, heard
        )  # what the dialogue remembers of the words is shown to people
        repeat = self._memory.repeats(reading, self._dialogue.intent)
        self._memory.note(reading)
        self._unanswered = _Turn(reading, heard)
        slots = {**self._dialogue.known, **reading.values}
        return Understanding(
            text=reading.text,
            intent=self._intent_facts(reading),
            dialogue=DialogueFacts(
                no_match=reading.act is Act.NO_MATCH,
                repeat=repeat,
                negation=negates(reading, self._dialogue.state),
                stuck_slot=self._dialogue.times_asked,
                wants_person=reading.wants_person,
                frustration=reading.frustration,
                emergency=reading.emergency,
                interruptions=heard.interruptions,
            ),
            slots={
                name: mask_value(name, value.shown, sensitive=True)
                if name in self._sensitive
                else value.shown
                for name, value in slots.items()
            },
            state=self._unanswered,
            hides=reading is not read,
        )

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        """Answer a turn. Raises `AgentError` when the pack's flows lead nowhere."""
        turn = understanding.state
        if not isinstance(turn, _Turn):
            raise AgentError("this understanding is not of this agent")
        self._unanswered = None
        self._dialogue.safe_mode = safe_mode
        self._speaker.begin()
        if self._must_read_again(turn):
            self._speaker.say("not_heard", self._prompts.not_heard, "notice")
            self._dialogue.ask_pending()
        elif _MOVES[TABLE[self._dialogue.state][turn.reading.act]](self, turn.reading):
            async for event in self._dialogue.walk():
                yield event
        for sentence in self._speaker.flush():
            yield sentence
        yield Done(
            pending=self._dialogue.pending_words(),
            expectation=self._dialogue.expectation(),
            end_call=self._dialogue.state is State.ENDED,
            awaits_keys=self._collects_keys(),
            sensitive=self._dialogue.pending_slot in self._sensitive,
        )

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        """Answer a proposed action; without an answer it is refused."""
        self._dialogue.actor.verdict(action_id, verdict)

    def resume(self, note: str) -> list[Sentence]:
        """Take the call back from a person, or go on because none could come (an empty note).

        A note that says the matter is settled ends it, one that says to go on goes on, one that names a
        request offers it.
        """
        self._speaker.begin()
        words, speech = plain(note), self._pack.speech
        unanswered, self._unanswered = self._unanswered, None
        self._dialogue.distrust()
        if words:
            self._speaker.say("welcome_back", self._prompts.welcome_back, "notice")
        if words and has_phrase(words, speech.resolved):
            self._dialogue.abandon()
        elif self._dialogue.frames and (not words or has_phrase(words, speech.resume)):
            self._dialogue.ask_pending()
        else:
            self._dialogue.frames.clear()
            reading = unanswered.reading if unanswered else None
            if words:
                reading = self._parts.reader.read(note, Context(State.OPEN, self._parts.today()))
            if reading is not None and self._can_offer(reading):
                self._ask_back(reading)
            elif words:
                self._dialogue.abandon()
            else:
                self._dialogue.reopen()
        return self._speaker.flush()

    def completeness(self, partial: str) -> float:
        """P(the caller has finished) from the words so far."""
        return self._parts.completeness(partial, self._dialogue.context())

    def _go_back(self, heard: Heard) -> None:
        """Undo the turn before if this one begins with it; note how all stands before this one."""
        text = heard.hypothesis.text if heard.hypothesis is not None else None
        before = self._before
        if text is not None and heard.goes_on and before and text.startswith(before.text):
            self._dialogue.go_back(before.dialogue)
            self._memory, self._doubted = before.memory, before.doubted
        self._before = (
            _Before(text, self._dialogue.moment(), self._memory.copy(), self._doubted)
            if text is not None
            else None
        )

    # --- reading ------------------------------------------------------------------------------

    def _read(self, heard: Heard) -> Reading:
        if heard.hypothesis is not None:
            self._keys = ""
            return self._parts.reader.choose(heard.hypothesis, self._dialogue.context())
        if heard.digits is not None:
            return self._read_keys(heard.digits)
        return Reading("", (), Act.SILENCE, EXACT)

    def _read_keys(self, digits: str) -> Reading:
        """Keys may come one by one: those of a slot of digits are collected."""
        self._keys = self._keys + digits if self._collects_keys() else digits
        reading = self._parts.reader.keyed(self._keys.strip("#*"), self._dialogue.context())
        if reading.act is Act.INFORM or "#" in digits or "*" in digits:
            self._keys = ""
        return reading

    def _collects_keys(self) -> bool:
        pending = self._dialogue.pending_slot
        return pending is not None and self._pack.agent.slots[pending].type == "digits"

    def _veiled(self, reading: Reading, heard: Heard) -> Reading:
        """The reading with a text that people may see: without what is sensitive, or may be."""
        asked = self._dialogue.pending_slot in self._sensitive
        values = [value for name, value in reading.values.items() if name in self._sensitive]
        if not (asked or values):
            return reading
        if heard.digits is not None:
            return replace(reading, text=MASK * len(reading.text))
        text = hide_words(reading.words, [(value.start, value.end) for value in values])
        return reading if HIDDEN not in text else replace(reading, text=text)

    def _intent_facts(self, reading: Reading) -> IntentFacts:
        ranking, running = reading.ranking, self._dialogue.intent
        if ranking is None:
            return IntentFacts(running, 1.0, 1.0, category=self._category(running))
        if reading.act is Act.NO_MATCH or reading.intent is not None:
            return IntentFacts(
                name=reading.intent,
                probability=ranking.probability if reading.intent is None else reading.quality,
                margin=ranking.margin,
                novelty=ranking.novelty,
                disagreement=ranking.disagreement,
                category=self._category(reading.intent or running),
            )
        # An answer within the dialogue: the question decides what it means, not the intent model.
        name = reading.act.value if reading.act is Act.PERSON else running or reading.act.value
        return IntentFacts(name, reading.quality, reading.quality, category=self._category(name))

    def _category(self, intent: str | None) -> str:
        spec = self._pack.agent.intents.get(intent or "")
        return spec.category if spec else "general"

    def _can_offer(self, reading: Reading) -> bool:
        spec = self._pack.agent.intents.get(reading.intent or "")
        return spec is not None and spec.flow is not None and reading.quality >= SURE

    def _must_read_again(self, turn: _Turn) -> bool:
        """Whether a yes cannot count: the read-back was cut off, or the yes was hardly understood."""
        confirming = self._dialogue.confirming
        if turn.reading.act is not Act.AFFIRM or self._dialogue.state is not State.CONFIRMING:
            return False
        cut = turn.heard.interrupted_text
        if cut is not None and not self._dialogue.was_read_back(cut):
            return True
        hypothesis = turn.heard.hypothesis
        doubtful = hypothesis is not None and hypothesis.confidence < _DOUBTED
        if doubtful and self._doubted != confirming:
            self._doubted = confirming
            return True
        return False

    # --- moves: each says something and tells whether the flow goes on ------------------------

    def _start(self, reading: Reading) -> bool:
        if reading.intent is None:
            self._dialogue.start_offered()
        else:
            self._dialogue.start(reading.intent, reading.values, reading.text)
        return True

    def _ask_back(self, reading: Reading) -> bool:
        intents = tuple(name for name in (reading.intent, reading.second) if name)
        self._dialogue.offer(intents, reading.values, reading.text)
        return False

    def _fill(self, reading: Reading) -> bool:
        self._dialogue.take(reading.values)
        return True

    def _go_on(self, reading: Reading) -> bool:
        self._dialogue.confirmed()
        return True

    def _ask_change(self, reading: Reading) -> bool:
        return self._dialogue.denied()

    def _drop(self, reading: Reading) -> bool:
        self._speaker.say("cancelled", self._prompts.cancelled, "notice")
        self._dialogue.abandon()
        return False

    def _invite(self, reading: Reading) -> bool:
        self._dialogue.invite()
        return False

    def _part(self, reading: Reading) -> bool:
        self._dialogue.state = State.ENDED
        self._speaker.say("goodbye", self._prompts.goodbye, "notice")
        return False

    def _ensure(self, reading: Reading) -> bool:
        self._dialogue.abandon()
        return False

    def _explain(self, reading: Reading) -> bool:
        pending = self._dialogue.pending_slot
        text = self._pack.agent.slots[pending].help if pending else None
        if text is not None:
            self._speaker.add(text, "answer")
        elif pending is None or reading.act is Act.HELP:
            self._speaker.say("help", self._prompts.help, "answer")
        if self._dialogue.frames:
            self._dialogue.ask_pending()
        return False

    def _apologize(self, reading: Reading) -> bool:
        times = max(0, self._memory.no_matches - 1)
        if reading.frustration >= _UPSET:
            self._speaker.say("upset", self._prompts.upset, "apology")
        else:
            texts = self._prompts.no_match
            self._speaker.add(texts[min(times, len(texts) - 1)], "apology")
        if self._dialogue.state is State.CONFIRMING and times == 0:
            self._speaker.say("yes_no", self._prompts.not_understood_yes_no, "question")
        elif self._dialogue.state in (State.OPEN, State.MORE):
            self._speaker.say("rephrase", self._prompts.rephrase, "question")
        else:
            self._dialogue.ask_pending()
        return False

    def _prompt(self, reading: Reading) -> bool:
        times = self._memory.silences
        if times >= _MOST_SILENCES:
            return self._part(reading)
        texts = self._prompts.no_input
        self._speaker.add(texts[min(times, len(texts)) - 1], "notice")
        return self._ask_again(reading)

    def _ask_again(self, reading: Reading) -> bool:
        self._dialogue.ask_pending()
        return False

    def _listen(self, reading: Reading) -> bool:
        return False

    def _say_again(self, reading: Reading) -> bool:
        if not self._speaker.repeat():
            self._speaker.say("nothing_said", self._prompts.nothing_said, "answer")
        return False

    def _nobody(self, reading: Reading) -> bool:
        self._speaker.say("no_person", self._prompts.no_person, "apology")
        return self._ask_again(reading)

    def _welcome(self, reading: Reading) -> bool:
        self._speaker.say("thanks", self._prompts.thanks, "answer")
        return self._ask_again(reading)

    def _greet(self, reading: Reading) -> bool:
        self._speaker.say("greeting", self._prompts.greeting, "answer")
        return self._ask_again(reading)

    def _let_wait(self, reading: Reading) -> bool:
        self._speaker.say("wait", self._prompts.wait, "answer")
        return False


_MOVES: dict[Move, Callable[[FlowConversation, Reading], bool]] = {
    Move.START: FlowConversation._start,
    Move.ASK_BACK: FlowConversation._ask_back,
    Move.FILL: FlowConversation._fill,
    Move.GO_ON: FlowConversation._go_on,
    Move.ASK_CHANGE: FlowConversation._ask_change,
    Move.DROP: FlowConversation._drop,
    Move.INVITE: FlowConversation._invite,
    Move.PART: FlowConversation._part,
    Move.ENSURE: FlowConversation._ensure,
    Move.EXPLAIN: FlowConversation._explain,
    Move.APOLOGIZE: FlowConversation._apologize,
    Move.PROMPT: FlowConversation._prompt,
    Move.PENDING: FlowConversation._ask_again,
    Move.LISTEN: FlowConversation._listen,
    Move.SAY_AGAIN: FlowConversation._say_again,
    Move.NOBODY: FlowConversation._nobody,
    Move.WELCOME: FlowConversation._welcome,
    Move.GREET: FlowConversation._greet,
    Move.LET_WAIT: FlowConversation._let_wait,
}
