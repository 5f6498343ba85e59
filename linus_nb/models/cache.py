"""The user's cache folder, where weights and the server's logs live."""

from __future__ import annotations

import os
from pathlib import Path

ENV = "LINUS_NB_CACHE"


def cache_folder() -> Path:
    """Return the cache folder: ``LINUS_NB_CACHE``, or the platform's place for ``linus-nb``. It may not exist yet."""
    if told := os.environ.get(ENV):
        return Path(told).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("linus-nb", appauthor=False))
