"""Reads TwiML as Twilio does: verbs in their order, with what a simulated caller needs of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from voice_hitl.errors import TelephonyError


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """`<Connect><Stream>`: the call becomes a media stream until one side ends it."""

    url: str
    action: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the TwiML of another address."""

    url: str


@dataclass(frozen=True, slots=True)
class Leave:
    """`<Dial>`, `<Hangup>` or `<Reject>`: the call leaves this server."""

    verb: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """`<Say>`, `<Play>`, `<Pause>`: nothing that a simulated caller acts on."""

    verb: str
    detail: str = ""


Verb = ConnectStream | Redirect | Leave | Other


def read_twiml(document: str) -> list[Verb]:
    """The verbs of a document.

    Raises `TelephonyError` for what Twilio refuses: no XML, no `<Response>`, an unknown verb, a stream
    without an absolute WebSocket URL or with a query string (Twilio drops it).
    """
    try:
        root = ElementTree.fromstring(document.strip())
    except ElementTree.ParseError as error:
        raise TelephonyError(f"the TwiML is no XML ({error}): {document[:200]!r}") from error
    if root.tag != "Response":
        raise TelephonyError(f"the TwiML's root is <{root.tag}>, not <Response>")
    return [_verb(element) for element in root]


def _verb(element: ElementTree.Element) -> Verb:
    text = (element.text or "").strip()
    match element.tag:
        case "Connect":
            return _connect(element)
        case "Redirect":
            return Redirect(text)
        case "Dial" | "Hangup" | "Reject":
            return Leave(element.tag, text)
        case "Say" | "Play" | "Pause":
            return Other(element.tag, text or element.get("length", ""))
        case _:
            raise TelephonyError(f"<{element.tag}> is no verb that this caller knows")


def _connect(element: ElementTree.Element) -> ConnectStream:
    stream = element.find("Stream")
    if stream is None:
        raise TelephonyError("<Connect> holds no <Stream>")
    url = stream.get("url", "")
    if not url.startswith(("wss://", "ws://")) or "?" in url:
        raise TelephonyError(f"<Stream url={url!r}> must be wss://… without a query string")
    parameters = {p.get("name", ""): p.get("value", "") for p in stream.findall("Parameter")}
    return ConnectStream(url, element.get("action"), parameters)
