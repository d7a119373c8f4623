"""The energy gate before voice activity detection: silence costs a comparison, not an inference.

The gate listens to the loudness of each 20 ms frame and follows the noise floor. It is made to err on
the open side: it opens as soon as a frame stands `RATIO` above the floor, stays open for `HANG` frames
after the last such frame, and what it opens on is preceded by a pre-roll that `call.ingress` keeps. What
the detector thinks of the sound that opened the gate comes back by `judged`: sound that is surely no
speech raises the floor fast, so steady noise soon closes the gate; speech never raises it.
"""

from __future__ import annotations

RATIO = 1.5  # 3.5 dB above the floor: less than a soft consonant, more than steady noise wavers
QUIETEST = 10.0  # rms of int16 samples; an idle line (mu-law's smallest steps) has 4 to 8
HANG = 16  # frames, 320 ms: longer than the endpointer needs to see a pause
FALL = 0.1  # share of the way down to a quieter frame, each frame
RISE_CLOSED = 1.005  # a frame, 2 dB/s: while closed nothing says what the sound is
RISE_OPEN = 1.002  # 0.9 dB/s, while the detector is in doubt
RISE_NOISE = 1.02  # 8.6 dB/s, while the detector hears no speech
NOISE_BELOW = 0.1  # probability of speech under which sound is noise
SPEECH_ABOVE = 0.3  # and over which it may be speech
_START = 100.0  # rms; falls to the line's own floor within the first half second


class EnergyGate:
    """Follows one call's loudness. `open` says whether the last frame is to be looked at."""

    __slots__ = ("_hang", "_rise", "floor", "open")

    def __init__(self) -> None:
        self.open = False
        self.floor = _START
        self._hang = 0
        self._rise = RISE_CLOSED

    def frame(self, rms: float) -> bool:
        """Take the root mean square of a frame's int16 samples; return `open`."""
        floor = self.floor
        if rms > floor * RATIO and rms > QUIETEST:
            self._hang = HANG
            self.open = True
        elif self._hang:
            self._hang -= 1
            if not self._hang:
                self.open = False
                self._rise = RISE_CLOSED
        if rms < floor:
            self.floor = floor + (rms - floor) * FALL
        else:
            self.floor = min(floor * self._rise + 0.01, rms)
        return self.open

    def judged(self, probability: float) -> None:
        """Take the detector's probability of speech in what passed the gate."""
        if probability < NOISE_BELOW:
            self._rise = RISE_NOISE
        elif probability > SPEECH_ABOVE:
            self._rise = 1.0
        else:
            self._rise = RISE_OPEN
