"""A model that may be asked, and how its calls are governed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linus_nb.models.governing.cache import ResponseCache
from linus_nb.models.governing.limits import Limits


@dataclass(frozen=True, slots=True)
class Choice:
    """A chat model without retries of its own; see `linus_nb.models.governed` for the rest."""

    model: Any
    limits: Limits | None
    retries: int
    timeout_s: float | None
    idle_timeout_s: float | None
    cache: ResponseCache | None = None
