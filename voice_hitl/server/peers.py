"""Who asks: this machine itself, or anybody.

Headers are only ever a reason to say no, never one to trust, but for what a configured proxy says of its
clients.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import web

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def is_local(request: web.Request) -> bool:
    """Whether this machine itself asks, and no web page through a browser here.

    The peer's address must be a loopback one, the request must not have been forwarded (a tunnel or proxy on
    this machine makes the whole world look local), and its `Host` and `Origin` must name this machine.
    """
    if not _is_loopback_peer(request) or any(name in request.headers for name in _FORWARDED):
        return False
    host = request.headers.get("Host", "")
    origin = request.headers.get("Origin", f"http://{host}")
    return _is_loopback_name(host) and origin in (f"http://{host}", f"https://{host}")


def client_address(request: web.Request, trusted_proxies: Sequence[str]) -> str:
    """Whose tries are counted together: the peer's address, or, where that is one of the networks
    `trusted_proxies`, the last in `X-Forwarded-For` that is none of them. Of IPv6 its /64, which one
    subscriber has alone; empty for a peer without an address."""
    proxies = [ipaddress.ip_network(each) for each in trusted_proxies]
    client = _address(request.remote or "")
    said = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    while said and client is not None and any(client in network for network in proxies):
        before = _address(said.pop().strip())
        if before is None:
            break
        client = before
    if isinstance(client, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((client, 64), strict=False))
    return "" if client is None else str(client)


def _is_loopback_peer(request: web.Request) -> bool:
    """Whether the TCP peer itself is on this machine; a UNIX socket has no address and is refused."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return isinstance(peer, tuple) and _is_loopback_address(str(peer[0]))


def _is_loopback_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback_address(name)


def _is_loopback_address(address: str) -> bool:
    parsed = _address(address)
    return parsed is not None and parsed.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
