"""The one table of statuses and colours; every picture, card and widget takes its paint from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Paint:
    """How a status looks in one theme."""

    fill: str
    stroke: str


@dataclass(frozen=True, slots=True)
class StatusLook:
    """How a status looks: a glyph that always goes with its colour, and its paint in both themes."""

    glyph: str
    light: Paint
    dark: Paint
    dashed: bool = False

    def paint(self, theme: ThemeName) -> Paint:
        """Return the colours for ``theme``."""
        return self.dark if theme == "dark" else self.light


STATUSES: dict[str, StatusLook] = {
    "pending": StatusLook("○", Paint("#ffffff", "#aab2bd"), Paint("#181c21", "#566070")),
    "waiting": StatusLook("◔", Paint("#fff7e6", "#d98a00"), Paint("#2e2410", "#e0a030")),
    "running": StatusLook("▶", Paint("#e8f0fe", "#2563eb"), Paint("#15243f", "#6ea8fe")),
    "completed": StatusLook("✓", Paint("#e8f6ee", "#1a7f4b"), Paint("#12291d", "#4cc38a")),
    "failed": StatusLook("✕", Paint("#fdecec", "#c0362c"), Paint("#331718", "#ff7b72")),
    "skipped": StatusLook("⊘", Paint("#f5f6f8", "#9aa3ae"), Paint("#1c2026", "#6b7585"), dashed=True),
    "cancelled": StatusLook("■", Paint("#f1edf7", "#7a5ea8"), Paint("#251d33", "#b59ae0")),
}

# What a whole run came to, in the words of a node's status.
RUN_LOOKS: dict[str, StatusLook] = {
    "running": STATUSES["running"],
    "success": STATUSES["completed"],
    "partial": STATUSES["waiting"],
    "failed": STATUSES["failed"],
    "cancelled": STATUSES["cancelled"],
}
RUN_GLYPHS = {name: look.glyph for name, look in RUN_LOOKS.items()} | {"partial": "✓"}


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture that do not depend on a status. ``background`` is empty where it is transparent."""

    name: ThemeName
    ink: str  # names, and edges on the critical path
    muted: str  # second lines, headings and edges
    faint: str  # edges not taken, grid lines
    background: str
    halo: str  # behind edge labels, so that they can be read where they cross an edge


# The light picture brings its own white, so that it can be read on any page; the dark one is shown only where the
# page is known to be dark.
THEMES: dict[ThemeName, Theme] = {
    "light": Theme("light", "#1f2328", "#667080", "#bcc3cc", "#ffffff", "#ffffff"),
    "dark": Theme("dark", "#e6e9ed", "#98a2b0", "#454d59", "", "#15181d"),
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
