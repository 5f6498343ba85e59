"""A model server that misbehaves on command, and counts what it received.

`server` runs it, `script` says what it answers, `limited` puts limits on that, and `counted` is what came in.
"""

from __future__ import annotations

from tests.misbehaving.counted import Counted, Received
from tests.misbehaving.limited import Limited
from tests.misbehaving.script import Cut, Drip, Dropped, ErrorInside, Later, Page, Reply, Silent, Status
from tests.misbehaving.server import MisbehavingServer

__all__ = [
    "Counted",
    "Cut",
    "Drip",
    "Dropped",
    "ErrorInside",
    "Later",
    "Limited",
    "MisbehavingServer",
    "Page",
    "Received",
    "Reply",
    "Silent",
    "Status",
]
