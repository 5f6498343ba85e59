"""Which hosts, ports and addresses of the network a tool may reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from linus_nb.errors import ToolError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an allow-list: a name, ``*.`` and a name, ``*``, or an address; each with a port, or with all."""

    written: str
    host: str
    port: int | None
    address: Address | None

    def matches(self, host: str, port: int) -> bool:
        """Return whether the entry is about this host, given in small letters, and this port."""
        if self.port not in (None, port):
            return False
        address = address_of(host)
        if self.host == "*":
            return True
        if address is not None or self.address is not None:
            return address == self.address
        return host.endswith(self.host[1:]) if self.host.startswith("*.") else host == self.host

    def reaches(self, address: Address) -> bool:
        """Return whether a matching host may be reached at an address that it has.

        An address that was named is what it is. A host that was named may be in the local network or on this machine,
        but not where clouds keep their secrets (link-local). What ``*`` stands for must be in the public network.
        """
        if self.address is not None:
            return address == self.address
        if "*" in self.host:
            return is_public(address)
        inner = _innermost(address)
        return not (inner.is_link_local or inner.is_multicast or inner.is_unspecified)


class AllowList:
    """Hosts that may be reached.

    >>> allowed = AllowList(["example.org", "*.wikipedia.org", "localhost:8000"])
    >>> [allowed.entry(host, 443) is not None for host in ("example.org", "en.wikipedia.org", "wikipedia.org.evil.net")]
    [True, True, False]
    """

    def __init__(self, allow: Iterable[str]) -> None:
        if isinstance(allow, str) or not isinstance(allow, Iterable):
            raise ToolError(f"allow={allow!r} is not a list of hosts; write allow=[{str(allow)!r}]")
        self.entries = tuple(map(_entry, allow))
        if not self.entries:
            raise ToolError("allow=[] allows no host at all; name those that may be reached: ['example.org']")

    def __str__(self) -> str:
        return ", ".join(entry.written for entry in self.entries)

    def entry(self, host: str, port: int) -> Entry | None:
        """Return the entry that allows a host; where several do, the one that reaches most."""
        found = [entry for entry in self.entries if entry.matches(host.rstrip(".").lower(), port)]
        return min(found, key=lambda entry: "*" in entry.host, default=None)


def address_of(host: str) -> Address | None:
    """Return the address that a host is written as, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Return whether an address is one of the public network, also where IPv6 wraps one of IPv4."""
    inner = _innermost(address)
    return inner.is_global and not inner.is_multicast


def _innermost(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, if it leads to one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _entry(written: object) -> Entry:
    text = written.strip().lower() if isinstance(written, str) else ""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    address, port = address_of(bare), None
    host = bare
    if address is None and ":" in text:
        host, _, digits = text.rpartition(":")
        host = host.strip("[]")
        address = address_of(host)
        port = int(digits) if digits.isascii() and digits.isdigit() else -1
    name = host.removeprefix("*.").rstrip(".")
    labels = name.split(".")
    is_name = all(label.replace("-", "").replace("_", "").isalnum() and label.isascii() for label in labels)
    if not (host == "*" or is_name or address) or (port is not None and not 0 < port < 65536):
        raise ToolError(
            f"{written!r} is no host that can be allowed; write a name like 'example.org', '*.example.org' for all "
            "below it, an address, or '*' for the whole public network; a port may follow: 'localhost:8000'"
        )
    return Entry(text, host.rstrip("."), port, address)
