"""A model server that misbehaves on command, and counts what it received.

`server` runs it, `script` says what it answers, `limited` puts limits on that, and `counted` is what came in.
"""

from __future__ import annotations

from tests.misbehaving.counted import Counted, Received
from tests.misbehaving.limited import Limited
from tests.misbehaving.script import Cut, Drip, Drop, ErrorInside, Later, Page, Reply, Silence, Status
from tests.misbehaving.server import Misbehaving

__all__ = [
    "Counted",
    "Cut",
    "Drip",
    "Drop",
    "ErrorInside",
    "Later",
    "Limited",
    "Misbehaving",
    "Page",
    "Received",
    "Reply",
    "Silence",
    "Status",
]
