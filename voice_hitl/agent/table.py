"""The dialogue's state table: what a turn of each kind does in each state.

========== =====================================================================================
state      the agent waits for
========== =====================================================================================
open       a request ("how can I help?")
more       another request, or goodbye ("anything else?")
clarifying which request it is, of one or two that it may be
asking     the value of a slot
confirming a yes or no to what was read back
changing   what to change, after a no
ended      nothing: it has said goodbye
========== =====================================================================================
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What the agent waits for."""

    OPEN = "open"
    MORE = "more"
    CLARIFYING = "clarifying"
    ASKING = "asking"
    CONFIRMING = "confirming"
    CHANGING = "changing"
    ENDED = "ended"


class Act(StrEnum):
    """What the caller's turn does."""

    REQUEST = "request"  # names what they came for
    UNSURE = "unsure"  # probably names it; ask back
    INFORM = "inform"  # gives what was asked for, or other slots
    CORRECT = "correct"  # changes something said before
    AFFIRM = "affirm"
    DENY = "deny"
    UNKNOWN = "unknown"  # "I don't know"
    PERSON = "person"
    REPEAT = "repeat"
    HELP = "help"
    CANCEL = "cancel"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    GREETING = "greeting"
    WAIT = "wait"
    SILENCE = "silence"
    KEYS = "keys"  # digits that say nothing here, or not enough of them yet
    NO_MATCH = "no_match"


class Move(StrEnum):
    """What the agent does next; each is a method of the conversation."""

    START = "start"  # begin the requested flow, over a running one
    ASK_BACK = "ask_back"
    FILL = "fill"  # take the values and go on
    GO_ON = "go_on"  # confirmed
    ASK_CHANGE = "ask_change"  # not confirmed
    DROP = "drop"  # stop the flow
    INVITE = "invite"  # "sure, what is it?"
    PART = "part"  # goodbye
    ENSURE = "ensure"  # a goodbye before anything was done: misheard more often than meant
    EXPLAIN = "explain"  # help
    APOLOGIZE = "apologize"  # not understood
    PROMPT = "prompt"  # silence
    PENDING = "pending"  # say the pending question again
    LISTEN = "listen"  # say nothing
    SAY_AGAIN = "say_again"
    NOBODY = "nobody"  # a person was asked for and none can come
    WELCOME = "welcome"  # thanks
    GREET = "greet"
    LET_WAIT = "let_wait"


_ALWAYS = {
    Act.REQUEST: Move.START,
    Act.UNSURE: Move.ASK_BACK,
    Act.PERSON: Move.NOBODY,
    Act.REPEAT: Move.SAY_AGAIN,
    Act.HELP: Move.EXPLAIN,
    Act.UNKNOWN: Move.EXPLAIN,
    Act.CANCEL: Move.DROP,
    Act.GOODBYE: Move.DROP,  # in the middle of something, it is first of all a no to that
    Act.THANKS: Move.WELCOME,
    Act.GREETING: Move.GREET,
    Act.WAIT: Move.LET_WAIT,
    Act.SILENCE: Move.PROMPT,
    Act.KEYS: Move.LISTEN,
    Act.NO_MATCH: Move.APOLOGIZE,
    Act.INFORM: Move.FILL,
    Act.CORRECT: Move.FILL,
    Act.AFFIRM: Move.PENDING,
    Act.DENY: Move.APOLOGIZE,
}

_NOTHING_RUNS = {
    Act.INFORM: Move.APOLOGIZE,
    Act.CORRECT: Move.APOLOGIZE,
    Act.AFFIRM: Move.INVITE,
    Act.CANCEL: Move.INVITE,
    Act.GOODBYE: Move.PART,
}

TABLE: dict[State, dict[Act, Move]] = {
    State.OPEN: {
        **_ALWAYS,
        **_NOTHING_RUNS,
        Act.DENY: Move.INVITE,
        Act.GOODBYE: Move.ENSURE,
    },
    State.MORE: {**_ALWAYS, **_NOTHING_RUNS, Act.DENY: Move.PART},
    State.CLARIFYING: {
        **_ALWAYS,
        **_NOTHING_RUNS,
        Act.AFFIRM: Move.START,
        Act.DENY: Move.INVITE,
    },
    State.ASKING: _ALWAYS,
    State.CONFIRMING: {**_ALWAYS, Act.AFFIRM: Move.GO_ON, Act.DENY: Move.ASK_CHANGE},
    State.CHANGING: {**_ALWAYS, Act.AFFIRM: Move.PENDING, Act.DENY: Move.DROP},
    State.ENDED: dict.fromkeys(Act, Move.PART),
}
