"""Test doubles that ship: a scripted chat model, and a switch that makes real models impossible.

Once this package is imported, the switch holds for calls too, whoever built the model and however it is called.
"""

from __future__ import annotations

from linus_nb.models.guard import forbid_real_models as no_real_models
from linus_nb.testing.fitting import smallest_instance
from linus_nb.testing.refusal import watch_model_calls
from linus_nb.testing.replies import BreaksOff, ToolCalls
from linus_nb.testing.scripted import ScriptedCall, ScriptedModel

__all__ = ["BreaksOff", "ScriptedCall", "ScriptedModel", "ToolCalls", "no_real_models", "smallest_instance"]

watch_model_calls()
