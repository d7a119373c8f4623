"""Reading a turn: what it does (`Act`), which intent, which slot values, in the state the dialogue is in.

A recognizer gives several readings of an utterance; the one is taken that makes most sense here, weighed
by how sure the recognizer is.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from voice_hitl.agent.cues import Detector, has_phrase
from voice_hitl.agent.languages import Language
from voice_hitl.agent.nlu import IntentModel, Ranking
from voice_hitl.agent.slots import EXACT, LOOSE, SlotReader, SlotValue
from voice_hitl.agent.spec import AgentSpec
from voice_hitl.agent.table import Act, State
from voice_hitl.agent.text import Tokens, plain
from voice_hitl.language import Hypothesis

SURE = 0.5  # P(intent right) from which it is acted upon
EMERGENCY = 0.6  # P(intent right) from which one that means danger counts as an emergency
_STRANGE = 0.5  # novelty from which garbled words are not believed to mean danger
MAYBE = 0.25  # from which the agent asks back
PERSON = 0.5  # P(wants a person) that makes the turn a request for one
_PERHAPS = 0.15  # P(wants a person) from which the agent asks back, if the intent model agrees
_ACT_SURE = 0.6  # P(right) of a turn of conversation ("say that again") to go before a slot value
_SWITCH = 0.7  # P(right) of another request while a slot was asked for and answered
_MOST_ASIDE = 2  # unknown words beside a yes, or beside a word that is only like a value
_CLEAR = 0.4  # margin under which a request is asked back whatever its probability
_SECOND = 0.3  # share, against the first, from which a second request is offered as well
_READINGS = 4  # alternatives that are looked at
_HARDLY = 0.3  # recognition confidence under which a goodbye is not believed
_LOOSE_ANSWER = 0.7  # quality of a yes or no among unknown words
_NOTHING = 0.05  # quality of a turn that says nothing
_FAR = 0.9  # novelty from which a request is not believed: a third of such are strangers


@dataclass(frozen=True, slots=True)
class Context:
    """Where the dialogue stands when a turn comes."""

    state: State
    today: dt.date
    intent: str | None = None  # of the flow under way
    pending: str | None = None  # slot that was asked for
    wanted: tuple[str, ...] = ()  # slots of the flow under way
    known: Mapping[str, SlotValue] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()  # intents that were offered


@dataclass(frozen=True, slots=True)
class Reading:
    """What a turn means."""

    text: str
    words: Tokens
    act: Act
    quality: float  # P(this reading right), given the words
    intent: str | None = None  # REQUEST, UNSURE: the intent asked for
    second: str | None = None  # UNSURE: the other one that it may be
    values: Mapping[str, SlotValue] = field(default_factory=dict)
    ranking: Ranking | None = None
    wants_person: float = 0.0
    frustration: float = 0.0
    emergency: bool = False
    corrects: bool = False


class Reader:
    """Reads turns for one pack."""

    def __init__(
        self,
        agent: AgentSpec,
        language: Language,
        slots: SlotReader,
        intents: IntentModel,
        person: Detector,
        frustration: Detector,
        flow_slots: Mapping[str, tuple[str, ...]],
        emergency: tuple[Tokens, ...],
    ) -> None:
        """`flow_slots`: which slots each flow can use; `emergency`: phrases that mean danger."""
        self._agent = agent
        self._language = language
        self._slots = slots
        self._intents = intents
        self._person = person
        self._frustration = frustration
        self._flow_slots = flow_slots
        self._emergency = emergency
        self._acts = {name: spec.act for name, spec in agent.intents.items() if spec.act}
        known = set(self._acts.values())
        self._acts |= {act: act for act in language.spec.acts if act not in known}

    def choose(self, hypothesis: Hypothesis, context: Context) -> Reading:
        """Read an utterance, taking the alternative that makes most sense here."""
        first = self.read(hypothesis.text, context)
        sure = max(0.35, hypothesis.confidence)
        best, most = first, math.log(sure) + math.log(max(first.quality, _NOTHING))
        # The recognizer puts the likeliest reading first; what it leaves is shared by the others, in halves.
        rest = min(sure, max(0.1, 1 - hypothesis.confidence))
        for place, text in enumerate(hypothesis.alternatives[:_READINGS], 1):
            weight = math.log(rest) - place * math.log(2)
            if most >= weight:
                break  # not even a perfect reading could win
            reading = self.read(text, context)
            # Nothing is confirmed on the strength of a second-best reading.
            if context.state is State.CONFIRMING and reading.act is Act.AFFIRM:
                continue
            if weight + math.log(max(reading.quality, _NOTHING)) > most:
                best, most = reading, weight + math.log(max(reading.quality, _NOTHING))
        if best.act is Act.GOODBYE and hypothesis.confidence < _HARDLY:
            # Better to ask once more than to hang up on someone who was not understood.
            return replace(best, act=Act.NO_MATCH, quality=_NOTHING)
        return best

    def read(self, text: str, context: Context) -> Reading:
        """Read one text."""
        words = plain(text)
        if not words:
            return Reading(text, words, Act.NO_MATCH, _NOTHING)
        ranking = self._intents.rank(words)
        person = self._person(words)
        values = self._slots.read(
            words, context.wanted, context.today, pending=context.pending, known=context.known
        )
        turn = _Turn(
            words=words,
            ranking=ranking,
            values=values,
            unexplained=self._slots.unexplained(words, values.values()),
            answer=self._slots.read_yes_no(words)[0],
            corrects=has_phrase(words, self._language.corrections),
            person=person,
        )
        if person >= PERSON:
            act, quality, intent, second = Act.PERSON, person, None, None
        else:
            act, quality, intent, second = self._decide(turn, context)
        if act in (Act.REQUEST, Act.UNSURE) and intent is not None:
            spec = self._agent.intents.get(intent)
            wanted = self._flow_slots.get(spec.flow or "", ()) if spec else ()
            values = self._slots.read(words, wanted, context.today)
        return Reading(
            text=text,
            words=words,
            act=act,
            quality=quality,
            intent=intent,
            second=second,
            values=values if act in _CARRIES else {},
            ranking=ranking,
            wants_person=max(person, quality) if act is Act.PERSON else person,
            frustration=self._frustration(words),
            emergency=self._is_emergency(turn, act, intent),
            corrects=turn.corrects,
        )

    def keyed(self, digits: str, context: Context) -> Reading:
        """Read keys pressed on the phone."""
        value = self._slots.keyed(context.pending, digits) if context.pending else None
        if value is None:
            return Reading(digits, (), Act.KEYS, EXACT)
        return Reading(digits, (), Act.INFORM, EXACT, values={value.slot: value})

    def _is_emergency(self, turn: _Turn, act: Act, intent: str | None) -> bool:
        if has_phrase(turn.words, self._emergency):
            return True
        spec = self._agent.intents.get(intent or "")
        if spec is not None and spec.emergency:
            ranking = turn.ranking
            return ranking.probability >= EMERGENCY and ranking.novelty < _STRANGE
        return act in (Act.INFORM, Act.CORRECT) and any(
            self._agent.slots[name].emergency_when == value.value
            for name, value in turn.values.items()
        )

    # --- what the turn does -------------------------------------------------------------------

    def _decide(self, turn: _Turn, context: Context) -> _Verdict:
        """The first rule that knows the turn decides what it does."""
        for rule in _RULES[context.state]:
            if (found := rule(self, turn, context)) is not None:
                return found
        return Act.NO_MATCH, _NOTHING, None, None

    def _unknown(self, turn: _Turn, context: Context) -> _Verdict | None:
        """ "I don't know" to a question."""
        if has_phrase(turn.words, self._language.unknown) and len(turn.unexplained) <= 2:
            return Act.UNKNOWN, EXACT, None, None
        return None

    def _answer(self, turn: _Turn, context: Context) -> _Verdict | None:
        """Yes or no and nothing else."""
        if turn.answer is None or turn.unexplained or turn.values:
            return None
        return self._yes_or_no(turn.answer, EXACT)

    def _loose_answer(self, turn: _Turn, context: Context) -> _Verdict | None:
        """Yes or no among words that say nothing known; too little for an action's go-ahead."""
        if turn.answer is None or (turn.answer and context.state is State.CONFIRMING):
            return None
        return self._yes_or_no(turn.answer, _LOOSE_ANSWER)

    def _act(self, turn: _Turn, context: Context) -> _Verdict | None:
        """A turn of conversation ("say that again"), if it surely is one."""
        ranking = turn.ranking
        act = self._acts.get(ranking.top)
        if act is None or ranking.probability < SURE:
            return None
        if act == "person":
            # The detector is not sure enough, so the caller is asked.
            asks = turn.person >= _PERHAPS or ranking.probability >= _SWITCH
            return (Act.UNSURE, ranking.probability, ranking.top, None) if asks else None
        return Act(act), ranking.probability, None, None

    def _in_flow(self, turn: _Turn, context: Context) -> _Verdict | None:
        """A turn within a flow: an answer, a correction, or none of these (None)."""
        exact = any(value.score > LOOSE for value in turn.values.values())
        act = self._act(turn, context)
        if act is not None and act[1] >= _ACT_SURE and act[0] is not Act.THANKS and not exact:
            return None
        share = len(turn.unexplained) / max(1, len(turn.words))
        changed = {
            name
            for name, value in turn.values.items()
            if name in context.known and context.known[name].value != value.value
        }
        confirms = context.state is State.CONFIRMING and turn.answer is not None
        if confirms and turn.answer and not changed and len(turn.unexplained) <= _MOST_ASIDE:
            return self._yes_or_no(True, EXACT * (1 - 0.5 * share))  # "yes, open it"
        if self._switches(turn, context):
            return None
        if not exact and len(turn.unexplained) >= _MOST_ASIDE:
            return None  # a word that is only alike says nothing among others
        quality = min((v.score for v in turn.values.values()), default=0.0) * (1 - 0.4 * share)
        if changed and (context.state is not State.ASKING or turn.corrects or turn.answer is False):
            return Act.CORRECT, quality, None, None
        new = changed or [name for name in turn.values if name not in context.known]
        if confirms and turn.answer is False:
            return self._yes_or_no(False, EXACT * (1 - 0.5 * share))
        if new:
            return Act.INFORM, quality, None, None
        return None

    def _switches(self, turn: _Turn, context: Context) -> bool:
        """Whether the turn, though it may hold slot values, asks for something else."""
        ranking = turn.ranking
        spec = self._agent.intents.get(ranking.top)
        if spec is None or spec.flow is None or ranking.top == context.intent:
            return False
        if turn.answer and context.pending in turn.values and not spec.emergency:
            return False  # "yes, block my credit card": agrees and answers, whatever it sounds like
        needed = _SWITCH if turn.values else SURE
        return ranking.probability >= needed and len(turn.words) >= 3 and len(turn.unexplained) >= 1

    def _among(self, turn: _Turn, context: Context) -> _Verdict | None:
        """An answer to "is it about this, or about that?"."""
        offered = context.candidates
        order = [word for word in turn.unexplained if word in _ORDER]
        if len(offered) == 2 and order and len(turn.unexplained) == len(order):
            return Act.REQUEST, EXACT, offered[_ORDER[order[0]]], None
        person = len(offered) == 1 and self._acts.get(offered[0]) == "person"
        if person and (turn.answer or turn.ranking.top == offered[0]):
            return Act.PERSON, EXACT, None, None
        shares = {name: turn.ranking.share(name) for name in offered}
        total = sum(shares.values())
        if total >= MAYBE and turn.answer is None:
            best = max(shares, key=lambda name: shares[name])
            if len(offered) == 1 or shares[best] >= 0.6 * total:
                return Act.REQUEST, shares[best] / total * EXACT, best, None
        return None

    def _request(self, turn: _Turn, context: Context) -> _Verdict | None:
        ranking = turn.ranking
        flows = [name for name in ranking.intents if self._is_flow(name)]
        if not flows:
            return None
        top = flows[0]
        if top != ranking.top:
            # A turn of conversation, but not a clear one: perhaps it is this.
            share = ranking.share(top)
            return (Act.UNSURE, share, top, None) if share >= MAYBE else None
        if ranking.probability >= SURE and ranking.margin >= _CLEAR:
            # A request for what is being done already gives nothing new, but is understood.
            act = Act.INFORM if top == context.intent else Act.REQUEST
            return act, ranking.probability, top, None
        if ranking.probability < MAYBE or ranking.novelty >= _FAR:
            return None
        second = flows[1] if len(flows) > 1 else None
        if second is not None and (
            ranking.margin >= _CLEAR or ranking.share(second) < _SECOND * ranking.share(top)
        ):
            second = None
        return Act.UNSURE, ranking.probability, top, second

    def _is_flow(self, name: str) -> bool:
        spec = self._agent.intents.get(name)
        return spec is not None and spec.flow is not None

    @staticmethod
    def _yes_or_no(answer: bool, quality: float) -> _Verdict:
        return (Act.AFFIRM if answer else Act.DENY), quality, None, None


_Verdict = tuple[Act, float, str | None, str | None]
_CARRIES = (Act.REQUEST, Act.UNSURE, Act.INFORM, Act.CORRECT)
_ORDER = {"first": 0, "former": 0, "second": 1, "latter": 1, "last": 1}


@dataclass(frozen=True, slots=True)
class _Turn:
    """What was found in a turn before it is judged."""

    words: Tokens
    ranking: Ranking
    values: Mapping[str, SlotValue]
    unexplained: list[str]
    answer: bool | None  # yes, no, neither
    corrects: bool
    person: float  # P(wants a person)


_Rule = Callable[[Reader, _Turn, Context], _Verdict | None]
# Without a question, "okay thanks" and "that's it" are thanks and goodbye rather than a yes.
_FREE: tuple[_Rule, ...] = (Reader._act, Reader._answer, Reader._request)
_BOUND: tuple[_Rule, ...] = (
    Reader._answer,
    Reader._in_flow,
    Reader._act,
    Reader._request,
    Reader._loose_answer,
)
_RULES: dict[State, tuple[_Rule, ...]] = {
    State.OPEN: _FREE,
    State.MORE: _FREE,
    State.ENDED: _FREE,
    State.CLARIFYING: (
        Reader._among,
        Reader._answer,
        Reader._act,
        Reader._request,
        Reader._loose_answer,
    ),
    State.ASKING: (
        Reader._unknown,
        Reader._answer,
        Reader._in_flow,
        Reader._act,
        Reader._request,
    ),
    State.CONFIRMING: _BOUND,
    State.CHANGING: _BOUND,
}
