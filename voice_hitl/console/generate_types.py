"""Write `src/wire.ts` from `voice_hitl/server/wire/`, so that the two sides cannot drift apart.

Run `python -m voice_hitl.console.generate_types` after every change of the wire types; a test fails
while the file is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from voice_hitl.server import wire

Schema = dict[str, Any]

TARGET = Path(__file__).parent / "src" / "wire.ts"
HEADER = """\
// Generated from voice_hitl/server/wire/ by `python -m voice_hitl.console.generate_types`.
// Edit those files, never this.
"""
WIDTH = 100
PRIMITIVES = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}


def type_of(schema: Schema) -> str:
    """Return the TypeScript type of one JSON schema node.

    Raises `ValueError` on a construct that the wire types have not used so far: silently writing
    `any` would defeat the purpose.
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema:
        return f"'{schema['const']}'"
    if "enum" in schema:
        return " | ".join(f"'{value}'" for value in schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        return " | ".join(type_of(option) for option in schema.get("anyOf") or schema["oneOf"])
    match schema.get("type"):
        case "null":
            return "null"
        case "array":
            item = type_of(schema["items"])
            return f"readonly ({item})[]" if " | " in item else f"readonly {item}[]"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"Readonly<Record<string, {type_of(schema['additionalProperties'])}>>"
        case str(name) if name in PRIMITIVES:
            return PRIMITIVES[name]
    raise ValueError(f"no TypeScript type for {schema}")


def comment(words: str) -> str:
    """Return a docstring as one JSDoc line."""
    return f"/** {' '.join(words.split())} */"


def interface(name: str, schema: Schema) -> str:
    """Return one model as an exported, read-only interface."""
    required = set(schema.get("required", ()))
    lines = [comment(schema["description"]), f"export interface {name} {{"]
    for key, field in schema.get("properties", {}).items():
        # A discriminator has a default in Python, but must always travel.
        optional = "" if key in required or "const" in field else "?"
        lines += split_union(f"  readonly {key}{optional}: {type_of(field)};")
    return "\n".join([*lines, "}"])


def split_union(line: str) -> list[str]:
    """Break a union that is too wide for a line, one option a line, as Prettier does."""
    if len(line) <= WIDTH:
        return [line]
    head, _, union = line.removesuffix(";").partition(": ")
    options = [f"    | {option}" for option in union.split(" | ")]
    return [f"{head}:", *options[:-1], f"{options[-1]};"]


def union(name: str, words: str, members: list[str]) -> str:
    """Return a discriminated union of message types."""
    return (
        "\n".join([comment(words), f"export type {name} =", *(f"  | {m}" for m in members)]) + ";"
    )


def models(adapter: TypeAdapter[Any], mode: JsonSchemaMode) -> tuple[dict[str, Schema], Schema]:
    """Return the named models under a type (itself included) and the schema of the type."""
    schema = adapter.json_schema(mode=mode)
    found = dict(schema.pop("$defs", {}))
    if "title" in schema:
        found[str(schema["title"])] = schema
    return found, schema


def blocks() -> Iterator[str]:
    """Yield the pieces of the file, each definition once and after what it uses first."""
    yield HEADER.rstrip()
    seen: set[str] = set()
    # What the server sends is complete (serialization); what it accepts may omit defaults (validation).
    parts: list[tuple[TypeAdapter[Any], JsonSchemaMode, tuple[str, str] | None]] = [
        (wire.server_message, "serialization", ("ServerMessage", "What the server sends.")),
        (wire.console_message, "validation", ("ConsoleMessage", "What the console sends.")),
        (TypeAdapter(wire.SetUp), "validation", None),
        (TypeAdapter(wire.SignIn), "validation", None),
        (TypeAdapter(wire.DispositionBody), "validation", None),
        (TypeAdapter(wire.ExerciseBody), "validation", None),
        (TypeAdapter(wire.AuditExerciseBody), "validation", None),
        (TypeAdapter(wire.WorkBoard), "serialization", None),
        (TypeAdapter(wire.FollowUps), "serialization", None),
        (TypeAdapter(wire.FiguresView), "serialization", None),
        (TypeAdapter(wire.Session), "serialization", None),
        (TypeAdapter(wire.ErrorBody), "serialization", None),
    ]
    for adapter, mode, name in parts:
        found, schema = models(adapter, mode)
        for key in sorted(found.keys() - seen):
            yield interface(key, found[key])
        seen |= found.keys()
        if name is not None:
            members = [type_of(option) for option in schema["oneOf"]]
            yield union(name[0], name[1], members)
    yield known_types()


def known_types() -> str:
    """Return the server's message types as a value, to tell a newer server's messages apart."""
    mapping = wire.server_message.json_schema()["discriminator"]["mapping"]
    lines = [f"  '{name}'," for name in mapping]
    return "\n".join(
        [
            comment("The types of `ServerMessage` that this console knows."),
            "export const SERVER_MESSAGES: readonly ServerMessage['type'][] = [",
            *lines,
            "];",
        ]
    )


def render() -> str:
    """Return the whole of `wire.ts`."""
    return "\n\n".join(blocks()) + "\n"


def main() -> int:
    """Write the file."""
    TARGET.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
