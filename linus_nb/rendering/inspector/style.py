"""The style sheet of the inspector: ``style.css``, and the paint of themes and statuses from the one table of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from linus_nb.rendering.card import dark
from linus_nb.rendering.palette import RUN_GLYPHS, RUN_LOOKS, STATUSES, ThemeName

_PAGE = ".linus-inspector"
_ALONE = ".linus-alone"  # a page of its own: it follows the reader's system, not a notebook

_COLOURS: dict[ThemeName, dict[str, str]] = {
    "light": {
        "ink": "var(--jp-ui-font-color1,#1f2328)",
        "muted": "#5d6776",
        "line": "#d8dde3",
        "faint": "#bcc3cc",
        "edge": "#8b95a2",  # of what is typed into or pressed: 3 to 1 against the ground
        "soft": "#f4f5f7",
        "chosen": "#e8f0fe",
        "ground": "var(--jp-layout-color0,#fff)",
        "page": "#fff",
        "focus": "#2563eb",
        "link": "#1d55d0",
    },
    "dark": {
        "ink": "#e6e9ed",
        "muted": "#98a2b0",
        "line": "#343a43",
        "faint": "#454d59",
        "edge": "#6b7585",
        "soft": "#23282f",
        "chosen": "#1b2a45",
        "ground": "#15181d",
        "page": "#15181d",
        "focus": "#6ea8fe",
        "link": "#8ab8ff",
    },
}
# Statuses whose stroke can be read as a word on the page's ground (4.5 to 1); the others' words are muted.
_LEGIBLE = ("running", "completed", "failed", "cancelled")


@cache
def inspector_style() -> str:
    """Return the style sheet, for a notebook in either theme and for a page of its own."""
    light, night = _variables("light"), _variables("dark")
    return "".join(
        [
            f"{_PAGE},{_ALONE}{{color-scheme:light;{light}}}",
            dark(_PAGE, f"color-scheme:dark;{night}"),
            f"@media (prefers-color-scheme:dark){{{_ALONE},{_ALONE} {_PAGE}{{color-scheme:dark;{night}}}}}",
            *_statuses(),
            (Path(__file__).parent / "style.css").read_text(encoding="utf-8"),
        ]
    )


def _variables(theme: ThemeName) -> str:
    colours = dict(_COLOURS[theme])
    colours["amber"] = STATUSES["waiting"].paint(theme).stroke
    colours["wrong"] = STATUSES["failed"].paint(theme).stroke
    for name, look in STATUSES.items():
        paint = look.paint(theme)
        colours[f"{name}-fill"], colours[f"{name}-stroke"] = paint.fill, paint.stroke
    return "".join(f"--li-{name}:{value};" for name, value in colours.items())


def _statuses() -> list[str]:
    """Return a rule for each status of a node, and for each of a run, with the paint of the node's like it."""
    like = {name: name for name in STATUSES}
    names_by_look = {id(look): name for name, look in STATUSES.items()}
    like |= {name: names_by_look[id(look)] for name, look in RUN_LOOKS.items()}
    glyphs = {name: look.glyph for name, look in STATUSES.items()} | RUN_GLYPHS
    rules = []
    for name, painted_as in like.items():
        word = f"{painted_as}-stroke" if painted_as in _LEGIBLE else "muted"
        rules.append(
            f"{_PAGE} .is-{name}{{--li-fill:var(--li-{painted_as}-fill);--li-stroke:var(--li-{painted_as}-stroke);"
            f"--li-word:var(--li-{word})}}"
            f"{_PAGE} .li-glyph.is-{name}::before,{_PAGE} .is-{name}>.li-name>.li-glyph::before"
            f'{{content:"{glyphs[name]}"}}'
        )
    return rules
