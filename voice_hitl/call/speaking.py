"""What is said to the caller: sentences on their way out, and what became of each in the transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handoff.commands import Notice
from voice_hitl.agent.protocol import Sentence
from voice_hitl.call.book import CallBook
from voice_hitl.call.egress import Egress
from voice_hitl.call.tones import hold_tone

FILLER = "One moment, please."
HOLD_TONE = hold_tone()


class Speaker:
    """One call's voice: plays, remembers which transcript line each sentence is, and writes what was heard.

    `clips` holds the fixed prompts, which must never wait for a synthesizer.
    """

    def __init__(self, egress: Egress, book: CallBook, clips: Mapping[str, bytes]) -> None:
        self.unheard: list[Sentence] = []  # cut off by the last interruption
        self._egress = egress
        self._book = book
        self._clips = clips
        self._lines: dict[int, int] = {}  # sentence id -> transcript line, until it was heard
        self._reply: list[int] = []  # transcript lines of the present reply
        self._sounds: dict[int, bytearray] = {}  # sentence id -> sound so far, until it was heard
        self._cut: list[tuple[str, bytes]] = []  # `unheard` with the sound that was made of it
        self._open: int | None = None  # the sentence whose sound is still being made
        self._broken_off: dict[int, str] = {}  # sentence id -> as much of it as there will be

    @property
    def idle(self) -> bool:
        """Whether nothing is left to play."""
        return self._egress.idle

    @property
    def as_heard(self) -> str:
        """The present reply as far as the caller heard it, by what is known so far."""
        return self._book.as_heard(self._reply)

    def is_speech(self, sentence_id: int) -> bool:
        """Whether a sentence is one with words that has not been heard yet."""
        return sentence_id in self._lines

    def begin_reply(self) -> None:
        """What is said from now on is a new reply."""
        self._reply = []
        self._egress.begin_reply()

    def begin(self, text: str, chunk: bytes) -> None:
        """Open a sentence with the first piece of its sound."""
        self._open = self._say(text, chunk, final=False)

    def go_on(self, chunk: bytes, *, last: bool) -> None:
        """More of the open sentence; ignored if an interruption has closed it."""
        if self._open is None:
            return
        if chunk:
            self._egress.extend(self._open, chunk)
            self._sounds[self._open] += chunk
        if last:
            self._egress.finish(self._open)
            self._open = None

    def break_off(self) -> None:
        """No more comes of the open sentence: what there is of it is played, and nothing waits behind it."""
        if self._open is not None:
            self._broken_off[self._open] = self._egress.break_off(self._open)
            self._open = None

    def prompt(self, text: str) -> None:
        """Play a fixed prompt behind whatever is being said; a hold tone gives way to it."""
        if not self._lines and not self._egress.idle:
            self._egress.clear()
        self._say(text, self._clips[text], final=True)

    def tone(self) -> None:
        """Play the hold tone once."""
        self._egress.say(HOLD_TONE, "")

    def played(self, sentence_id: int) -> None:
        """The caller heard a whole sentence."""
        seq = self._lines.pop(sentence_id, None)
        self._sounds.pop(sentence_id, None)
        part = self._broken_off.pop(sentence_id, None)
        if seq is None:
            return
        if part is None:
            self._book.heard_all(seq)
        else:
            self._book.heard(seq, part)

    def interrupt(self) -> None:
        """Stop at once; write what was heard, and keep what was not in case it was only noise."""
        heard = {item.sentence_id: item.text for item in self._egress.clear().sentences}
        self.unheard, self._cut = [], []
        for sentence_id, seq in self._lines.items():
            part = heard.get(sentence_id, "")
            line = self._book.heard(seq, part)
            if line.text != part:
                self.unheard.append(Sentence(line.text, kind="notice"))
                self._cut.append((line.text, bytes(self._sounds[sentence_id])))
        self._lines.clear()
        self._sounds.clear()
        self._broken_off.clear()
        self._open = None

    def say_again(self) -> bool:
        """Play what the last interruption cut off, as far as it was made; return whether there was any.

        It needs no synthesizer, and so goes on beside a reply that waits for something.
        """
        cut, self._cut = self._cut, []
        for text, sound in cut:
            self._say(text, sound, final=True)
        return bool(cut)

    def _say(self, text: str, clip: bytes, *, final: bool) -> int:
        sentence_id = self._egress.say(clip, text, final=final)
        seq = self._book.agent_says(text)
        self._lines[sentence_id] = seq
        self._sounds[sentence_id] = bytearray(clip)
        self._reply.append(seq)
        return sentence_id


class Notices:
    """What a call says at fixed moments, in other words each time; `words(notice, n)`: the n-th time."""

    def __init__(self, speaker: Speaker, words: Callable[[Notice, int], str]) -> None:
        self._speaker = speaker
        self._words = words
        self._told: dict[Notice, int] = {}

    def say(self, notice: Notice) -> None:
        """Say it once more."""
        times = self._told.get(notice, 0)
        self._told[notice] = times + 1
        self._speaker.prompt(self._words(notice, times))
