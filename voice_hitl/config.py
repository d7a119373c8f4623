"""Configuration: one TOML file, every value also as `VOICE_HITL_SECTION__KEY` in the environment."""

from __future__ import annotations

import os
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from voice_hitl.config_mistakes import (
    ENV_DELIMITER,
    ENV_PREFIX,
    explain,
    listed,
    not_json,
    origin_of,
)
from voice_hitl.errors import ConfigError


class Section(BaseModel):
    """Base of the sections: frozen and closed, so that a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSection(Section):
    """Where the server listens and what it is called from outside."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535, description="0 takes any free port")
    public_url: str | None = Field(
        default=None, description="https URL that Twilio and browsers reach; signatures use it"
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="addresses or networks whose X-Forwarded-For counts at sign-in"
    )
    max_calls: int = Field(
        default=60, ge=1, le=10_000, description="further callers get the fallback"
    )
    drain_seconds: float = Field(default=20.0, ge=0, le=600)
    metrics_token: SecretStr | None = Field(
        default=None,
        description="bearer token for all of /metrics; without one others than this machine get no "
        "figures on people",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(each)) for each in value)

    @field_validator("public_url")
    @classmethod
    def _web_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with https:// (or http:// for tests)")
        return value.rstrip("/")


class TwilioSection(Section):
    """The Twilio account; without an auth token only callers on this machine are accepted."""

    auth_token: SecretStr | None = None
    announcement: str = Field(
        default="",
        description="said by Twilio before the agent answers, e.g. that calls are stored",
    )
    fallback_number: str | None = Field(
        default=None, description="dialled when the server cannot serve the call, E.164"
    )


class SpeechSection(Section):
    """Recognition."""

    recognizer: Literal["auto", "sphinx", "whisper"] = "auto"
    whisper_model: Path | None = Field(default=None, description="folder of a faster-whisper model")
    workers: int = Field(default=0, ge=0, le=64, description="0: one a core, less one")


class VoiceSection(Section):
    """Synthesis."""

    voice: str = Field(default="", description="engine's own voice name; empty: the pack's")
    rate: int = Field(default=165, ge=80, le=400, description="words a minute")


class AgentSection(Section):
    """Who answers."""

    pack: str = Field(default="banking", description="name of a shipped pack, or a folder")
    agent: str | None = Field(default=None, description='"module:Class" with the agent protocol')
    ladder: tuple[str, ...] = Field(
        default=(),
        description='several agents, from cheap to capable: "flow" (the pack\'s) or "module:Class"',
    )

    @model_validator(mode="after")
    def _one_way(self) -> AgentSection:
        if self.agent is not None and self.ladder:
            raise ValueError("'agent' and 'ladder' are both set: remove one")
        return self


class OperatorSection(Section):
    """The human side."""

    reconnect_seconds: float = Field(
        default=2.0,
        ge=0,
        le=30,
        description="an operator may be gone this long before the call moves on",
    )
    session_hours: float = Field(default=12.0, gt=0, le=24 * 30)


class StorageSection(Section):
    """What is kept of calls."""

    keep_days: int = Field(
        default=180,
        ge=0,
        le=36_500,
        description="days after its end that a call is deleted with all that is kept of it; 0: never",
    )


class LogSection(Section):
    """Logging."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Config(BaseSettings):
    """Everything that can be configured, with what is in force when nothing is said."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    data_dir: Path = Path("var")
    server: ServerSection = ServerSection()
    twilio: TwilioSection = TwilioSection()
    speech: SpeechSection = SpeechSection()
    voice: VoiceSection = VoiceSection()
    agent: AgentSection = AgentSection()
    operators: OperatorSection = OperatorSection()
    storage: StorageSection = StorageSection()
    log: LogSection = LogSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which arrives as init values."""
        return env_settings, init_settings


DEFAULT_FILE = Path("voice-hitl.toml")
DATABASE = "voice-hitl.db"  # in the data folder


def load_config(file: Path | None = None) -> Config:
    """Read the configuration file and the environment.

    `file=None` reads `voice-hitl.toml` from the working directory if it is there.
    Raises `ConfigError` with every mistake: where it was made, its key and the mend.
    """
    values: dict[str, Any] = {}
    source = file or DEFAULT_FILE
    if file is not None or DEFAULT_FILE.exists():
        try:
            values = tomllib.loads(source.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{source}: cannot be read ({error.strerror})") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{source}: not valid TOML: {error}") from error
    try:
        return Config(**values)
    except SettingsError as error:
        wrong = not_json(Config, os.environ) or [f"environment: {error}"]
        raise ConfigError(listed(wrong)) from error
    except ValidationError as error:
        said = explain(error, Config, lambda path: origin_of(path, str(source), values, os.environ))
        raise ConfigError(said) from error
