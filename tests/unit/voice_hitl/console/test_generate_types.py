from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from voice_hitl.console import generate_types
from voice_hitl.server import wire


class Sample(BaseModel):
    """A model with one field of each kind."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["sample"] = "sample"
    words: str
    count: int
    share: float
    yes: bool
    maybe: str | None
    kind: Literal["a", "b"]
    many: list[str]
    mixed: list[str | None]
    named: dict[str, float]
    note: str = Field(default="", max_length=10)


def test_the_file_is_current() -> None:
    assert generate_types.TARGET.read_text("utf-8") == generate_types.render(), (
        "the wire types have changed: run `python -m voice_hitl.console.generate_types`"
    )


def test_every_message_and_body_is_there() -> None:
    text = generate_types.render()
    models = [
        name
        for name, value in vars(wire).items()
        if isinstance(value, type)
        and issubclass(value, wire.WireModel)
        and value is not wire.WireModel
    ]
    assert len(models) > 25
    for name in models:
        assert text.count(f"export interface {name} {{") == 1


def test_types_of_every_kind() -> None:
    schema = Sample.model_json_schema(mode="validation")
    assert generate_types.interface("Sample", schema) == "\n".join(
        [
            "/** A model with one field of each kind. */",
            "export interface Sample {",
            "  readonly type: 'sample';",
            "  readonly words: string;",
            "  readonly count: number;",
            "  readonly share: number;",
            "  readonly yes: boolean;",
            "  readonly maybe: string | null;",
            "  readonly kind: 'a' | 'b';",
            "  readonly many: readonly string[];",
            "  readonly mixed: readonly (string | null)[];",
            "  readonly named: Readonly<Record<string, number>>;",
            "  readonly note?: string;",
            "}",
        ]
    )


def test_an_unknown_construct_is_refused_not_guessed() -> None:
    with pytest.raises(ValueError, match="no TypeScript type"):
        generate_types.type_of({"type": "object"})
    with pytest.raises(ValueError, match="no TypeScript type"):
        generate_types.type_of({})
