"""What holds for the whole process; set it once at the top of a notebook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """Settings of this process: ``linus_nb.settings.live = True``.

    Attributes:
        live: ``await dag`` shows the run while it goes on, as ``await dag.watch()`` does.
    """

    live: bool = False


settings = Settings()
