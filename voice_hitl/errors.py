"""The exceptions of the media server.

::

    VoiceHitlError
    ├── ConfigError            configuration that cannot be used; file, field and mend in the message
    ├── PackError              a pack that cannot be used; file, line and mend in the message
    ├── ScenarioError          a scenario that cannot be played; file, field and mend in the message
    ├── TelephonyError         the carrier's side refused or broke
    ├── SpeechError
    │   ├── RecognizerLost     an utterance could not be recognized, even on a fresh worker
    │   └── SynthesisError     a sentence could not be spoken
    └── AgentError             the agent could not answer
        └── ToolError          a tool failed; the message is fit for an operator
"""

from __future__ import annotations


class VoiceHitlError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(VoiceHitlError):
    """Configuration that cannot be used."""


class PackError(VoiceHitlError):
    """A pack that cannot be used."""


class ScenarioError(VoiceHitlError):
    """A scenario that cannot be played."""


class TelephonyError(VoiceHitlError):
    """The carrier's side refused or broke."""


class SpeechError(VoiceHitlError):
    """Base of recognition and synthesis failures."""


class RecognizerLost(SpeechError):
    """An utterance could not be recognized, even on a fresh worker."""


class SynthesisError(SpeechError):
    """A sentence could not be spoken."""


class AgentError(VoiceHitlError):
    """The agent could not answer."""


class ToolError(AgentError):
    """A tool failed; the message is fit for an operator's eyes."""
