"""What replies are read as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES_OF_ARGUMENTS = ("arguments", "args", "parameters", "params", "input", "tool_input", "action_input", "properties")


class Unusable(Exception):  # noqa: N818  never leaves the loop: it says why the question is asked again
    """A reply that cannot be read as what was asked for; its text says why, to the model."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a plan. ``depends_on`` holds the numbers, from 1, of earlier tasks of the same plan.

    ``arguments`` are the tool's, where the model has decided them already.
    """

    description: str
    tool: str | None = None
    depends_on: tuple[int, ...] = ()
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the task is done, and what is missing where it is not."""

    complete: bool
    missing: str = ""
