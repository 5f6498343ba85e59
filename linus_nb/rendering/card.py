"""The frame of everything that is shown in a cell: escaped HTML that needs no script and survives being untrusted.

JupyterLab strips ``<style>`` and inline ``<svg>`` from a notebook it does not trust, but keeps images from ``data:``
addresses and most inline styles. So pictures are such images, once light (with a white ground of its own) and once
dark, and only the style sheet, in a notebook that is trusted and dark, exchanges the one for the other.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from linus_nb.display import VERBATIM
from linus_nb.rendering.palette import RUN_GLYPHS, RUN_LOOKS

# Where a page says that it is dark: JupyterLab and Notebook, VS Code, Colab.
_DARK_PAGES = ('[data-jp-theme-light="false"]', ".vscode-dark", ".vscode-high-contrast", "html[theme=dark]")


def dark(selector: str, rules: str) -> str:
    """Return CSS rules for a page that says it is dark."""
    return ",".join(f"{page} {selector}" for page in _DARK_PAGES) + "{" + rules + "}"


def _status_rules() -> str:
    light = "".join(f".linus-{name}{{color:{look.light.stroke}}}" for name, look in RUN_LOOKS.items())
    return light + "".join(dark(f".linus-{name}", f"color:{look.dark.stroke}") for name, look in RUN_LOOKS.items())


STYLE = (
    ".linus-card{--linus-ink:var(--jp-ui-font-color1,#1f2328);--linus-muted:#667080;--linus-line:#d8dde3;"
    "--linus-soft:#f4f5f7;border:1px solid var(--linus-line);border-radius:10px;color:var(--linus-ink);"
    "background:var(--jp-layout-color0,#fff);font-family:var(--jp-ui-font-family,system-ui,sans-serif);"
    "font-size:14px;line-height:1.5;max-width:1120px;margin:4px 0;overflow:hidden}"
    ".linus-card .linus-part{padding:10px 16px;border-top:1px solid var(--linus-line)}"
    ".linus-card .linus-part:first-of-type{border-top:0}"
    ".linus-card .linus-inside{padding:8px 16px;border-top:1px solid var(--linus-line)}"
    ".linus-card .linus-inside .linus-part{border-top:0}"
    ".linus-card .linus-inside .linus-inside{border:0;border-left:2px solid var(--linus-line);margin-left:8px}"
    ".linus-card .linus-muted{color:var(--linus-muted)}"
    ".linus-card .linus-muted b{color:var(--linus-ink)}"
    ".linus-card code{font-family:var(--jp-code-font-family,monospace);font-size:.93em;background:var(--linus-soft);"
    "color:var(--linus-ink);padding:1px 5px;border-radius:4px}"
    ".linus-card .linus-picture{padding:4px 8px;overflow:auto;max-height:760px}"
    ".linus-card .linus-answer{white-space:pre-wrap;overflow-wrap:anywhere;max-height:420px;overflow:auto}"
    ".linus-card table{border-collapse:collapse;font-size:13px;margin:0;color:inherit}"
    ".linus-card td,.linus-card th{text-align:left;padding:3px 14px 3px 0;vertical-align:top;font-weight:normal}"
    + dark(".linus-card", "--linus-ink:#e6e9ed;--linus-muted:#98a2b0;--linus-line:#343a43;--linus-soft:#23282f;"
            "background:#15181d")
    + dark(".linus-card .linus-light", "display:none!important")
    + dark(".linus-card .linus-dark", "display:block!important")
    + _status_rules()
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """A tooltip over a part of a picture: its place in per cent of the picture, and its text."""

    left: float
    top: float
    width: float
    height: float
    text: str


def card(parts: Iterable[str]) -> str:
    """Return a card around parts of HTML, with its style sheet; empty parts are left out."""
    # what a model says about $5 and $6 is no formula
    plain = f"linus-card {VERBATIM}"
    return f'<div class="{plain}"><style>{STYLE}</style>{"".join(p for p in parts if p)}</div>'


def part(html: str) -> str:
    """Return ``html`` as a part of a card, under a thin line."""
    return f'<div class="linus-part">{html}</div>'


def header(name: str, status: str, facts: Iterable[str], *, said: str = "") -> str:
    """Return the first line of a card: name, glyph and status (or what is ``said`` instead), facts. Texts, not HTML."""
    word = escape(said or status)
    shown = f' <b class="linus-{escape(status)}">{RUN_GLYPHS.get(status, "")} {word}</b>' if status else ""
    rest = " · ".join(escape(fact) for fact in facts if fact)
    return part(f'<b>{escape(name)}</b>{shown} <span class="linus-muted">{rest}</span>')


def foldable(name: str, status: str, facts: Iterable[str], html: str, *, unfolded: bool = False) -> str:
    """Return a part that opens at a click: what is inside a node. ``name`` and ``facts`` are texts, not HTML.

    JupyterLab keeps ``<details>`` in untrusted notebooks; where it is not known, all of it is shown.
    """
    glyph = f'<span class="linus-{escape(status)}">{RUN_GLYPHS.get(status, "")}</span> ' if status else ""
    rest = " · ".join(escape(fact) for fact in facts if fact)
    summary = f'inside {glyph}<b>{escape(name)}</b> <span class="linus-muted">{rest}</span>'
    return (
        f'<details class="linus-inside"{" open" * unfolded}><summary style="cursor:pointer">{summary}</summary>'
        f"{html}</details>"
    )


def sentence(html: str, next_steps: Iterable[str] = ()) -> str:
    """Return the last line of a card: what happened (HTML), and what to type next (code)."""
    steps = ", ".join(f"<code>{escape(step)}</code>" for step in next_steps)
    said = f"{html} Next: {steps}" if html and steps else f"Next: {steps}" if steps else html
    return part(f'<span class="linus-muted">{said}</span>')


def image(light: str, dark: str, width: float, alternative: str, spots: Iterable[Spot] = ()) -> str:
    """Return SVG texts as one picture that fits its cell, with tooltips over it.

    A wide picture shrinks to six tenths, then scrolls. ``dark`` may be empty: the light one is shown everywhere then.
    """
    pair = _img(light, alternative, "linus-light" if dark else "", "block")
    if dark:
        pair += _img(dark, alternative, "linus-dark", "none")
    tips = "".join(
        f'<span title="{escape(s.text)}" style="position:absolute;left:{s.left:.2f}%;top:{s.top:.2f}%;'
        f'width:{s.width:.2f}%;height:{s.height:.2f}%"></span>'
        for s in spots
    )
    frame = f"position:relative;max-width:{width:.0f}px;min-width:{width * 0.6:.0f}px"
    return f'<div class="linus-picture linus-part"><div style="{frame}">{pair}{tips}</div></div>'


def _img(svg: str, alternative: str, name: str, display: str) -> str:
    data = b64encode(svg.encode("utf-8")).decode("ascii")
    return (
        f'<img class="{name}" style="display:{display};width:100%" alt="{escape(alternative)}" '
        f'src="data:image/svg+xml;base64,{data}">'
    )
