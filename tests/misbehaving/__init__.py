"""An OpenAI-compatible chat server on the loopback that misbehaves on command, and counts what it received."""

from tests.misbehaving.answers import Dropped, Half, Reply, Silent, Slow, Status, Strange
from tests.misbehaving.counted import Counted, Received
from tests.misbehaving.server import Enforced, MisbehavingServer

__all__ = [
    "Counted",
    "Dropped",
    "Enforced",
    "Half",
    "MisbehavingServer",
    "Received",
    "Reply",
    "Silent",
    "Slow",
    "Status",
    "Strange",
]
