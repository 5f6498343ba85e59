"""Test doubles that ship: a scripted chat model, and a switch that makes real models impossible."""

from __future__ import annotations

from linus_nb.models.guard import forbid_real_models as no_real_models
from linus_nb.testing.fitting import smallest_instance
from linus_nb.testing.scripted import ScriptedCall, ScriptedModel

__all__ = ["ScriptedCall", "ScriptedModel", "no_real_models", "smallest_instance"]
