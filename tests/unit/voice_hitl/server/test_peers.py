"""Whose address counts; `is_local` is tested with the gate that asks it (`test_twilio.py`)."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from voice_hitl.server.peers import client_address

PROXIES = ("127.0.0.1/32", "10.0.0.0/8")


def seen(peer: str, *forwarded: str, proxies: tuple[str, ...] = PROXIES) -> str:
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: (
        (peer, 5) if name == "peername" else default
    )
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    request = make_mocked_request("POST", "/", headers=headers, transport=transport)
    return client_address(request, proxies)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", (), "203.0.113.7"),
        ("203.0.113.7", ("198.51.100.1",), "203.0.113.7"),  # no proxy of ours says so
        ("127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("127.0.0.1", ("1.2.3.4, 198.51.100.1",), "198.51.100.1"),  # what the client made up
        ("127.0.0.1", ("1.2.3.4, 198.51.100.1, 10.1.1.1",), "198.51.100.1"),
        ("127.0.0.1", ("1.2.3.4", "198.51.100.1, 10.1.1.1"), "198.51.100.1"),
        ("127.0.0.1", (), "127.0.0.1"),
        ("127.0.0.1", ("10.1.1.1",), "10.1.1.1"),
        ("127.0.0.1", ("198.51.100.1, unknown",), "127.0.0.1"),
        ("::ffff:127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::/64"),
        ("127.0.0.1", ("2001:db8:1:2::9",), "2001:db8:1:2::/64"),
        ("", ("198.51.100.1",), ""),
    ],
)
def test_a_clients_address_is_what_our_own_proxies_say(
    peer: str, forwarded: tuple[str, ...], address: str
) -> None:
    assert seen(peer, *forwarded) == address


def test_without_proxies_the_peer_is_the_client() -> None:
    assert seen("127.0.0.1", "198.51.100.1", proxies=()) == "127.0.0.1"
