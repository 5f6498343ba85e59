"""Chat models: the one that ships (``local``), the one to take by default (``default_model``), and facts about them.

Importing this package loads the standard library only; what a model needs is loaded when one is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linus_nb.models.default import default_model
    from linus_nb.models.embedded import local
    from linus_nb.models.facts import LocalStatus, local_status, model_name
    from linus_nb.models.governing.cache import ResponseCache
    from linus_nb.models.governing.limits import Limits
    from linus_nb.models.governing.make import governed
    from linus_nb.models.guard import forbid_real_models, real_models_allowed
    from linus_nb.models.weights import weights_file

__all__ = [
    "Limits",
    "LocalStatus",
    "ResponseCache",
    "default_model",
    "forbid_real_models",
    "governed",
    "local",
    "local_status",
    "model_name",
    "real_models_allowed",
    "weights_file",
]

_HOME = {
    "Limits": "governing.limits",
    "LocalStatus": "facts",
    "ResponseCache": "governing.cache",
    "default_model": "default",
    "forbid_real_models": "guard",
    "governed": "governing.make",
    "local": "embedded",
    "local_status": "facts",
    "model_name": "facts",
    "real_models_allowed": "guard",
    "weights_file": "weights",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
