"""Which hosts and addresses an allow-list lets through."""

from __future__ import annotations

import ipaddress

import pytest

from linus_nb.errors import ToolError
from linus_nb.tools.hosts import AllowList, is_public


@pytest.mark.parametrize(
    ("allow", "host", "port", "allowed"),
    [
        ("example.org", "example.org", 443, True),
        ("Example.ORG", "EXAMPLE.org", 443, True),
        ("example.org", "example.org.", 443, True),
        ("example.org.", "example.org", 443, True),
        ("example.org", "www.example.org", 443, False),
        ("example.org", "example.org.evil.net", 443, False),
        ("example.org", "notexample.org", 443, False),
        ("*.example.org", "www.example.org", 443, True),
        ("*.example.org", "a.b.example.org", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "evilexample.org", 443, False),
        ("*.example.org", ".example.org", 443, True),  # no such name can be looked up
        ("example.org:8000", "example.org", 8000, True),
        ("example.org:8000", "example.org", 443, False),
        ("127.0.0.1", "127.0.0.1", 5000, True),
        ("127.0.0.1", "127.0.0.2", 5000, False),
        ("127.0.0.1", "localhost", 5000, False),
        ("127.0.0.1:80", "127.0.0.1", 81, False),
        ("::1", "::1", 80, True),
        ("[::1]", "0:0:0:0:0:0:0:1", 80, True),
        ("[::1]:8000", "::1", 8000, True),
        ("[::1]:8000", "::1", 8001, False),
        ("*.0.0.1", "127.0.0.1", 80, False),
        ("*", "anything.net", 80, True),
        ("*", "93.184.216.34", 80, True),
    ],
)
def test_hosts_match_by_name_wildcard_or_address(allow, host, port, allowed):
    assert (AllowList([allow]).entry(host, port) is not None) is allowed


PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
LOCAL = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "::1", "fd00::1", "::ffff:127.0.0.1",
         "64:ff9b::7f00:1", "2002:7f00:1::"]  # fmt: skip
NEVER = ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254"]


@pytest.mark.parametrize("address", PUBLIC + LOCAL + NEVER)
def test_an_address_is_reached_as_far_as_its_host_was_named(address):
    parsed = ipaddress.ip_address(address)
    named, below, every, itself = (AllowList([a]).entries[0] for a in ("a.net", "*.a.net", "*", address))
    assert is_public(parsed) is (address in PUBLIC)
    assert below.reaches(parsed) is every.reaches(parsed) is (address in PUBLIC)
    assert named.reaches(parsed) is (address not in NEVER)
    assert itself.reaches(parsed)


def test_a_host_that_is_named_counts_as_named_beside_a_wildcard():
    entry = AllowList(["*", "*.lan.net", "box.lan.net"]).entry("box.lan.net", 80)
    assert entry.written == "box.lan.net"


@pytest.mark.parametrize(
    "entry",
    ["", "https://example.org", "example.org/path", "a b", "user@example.org", "exa*mple.org", "**", "*.", "*.*",
     "example.org:0", "example.org:99999", "example.org:http", "bücher.de", "a..b", 3, None],
)  # fmt: skip
def test_what_is_no_host_is_refused_with_what_is(entry):
    with pytest.raises(ToolError, match="is no host that can be allowed; write a name like"):
        AllowList([entry])


def test_a_list_that_is_none_or_empty_is_refused():
    with pytest.raises(ToolError, match=r"write allow=\['example.org'\]"):
        AllowList("example.org")
    with pytest.raises(ToolError, match="allows no host at all"):
        AllowList([])
    with pytest.raises(ToolError, match="is not a list of hosts"):
        AllowList(None)
