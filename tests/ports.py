"""Whether a server of this machine still listens."""

from __future__ import annotations

import socket


def port_is_open(base_url: str) -> bool:
    port = int(base_url.rpartition(":")[2].partition("/")[0])
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
