"""The style sheet of a live view: one picture, recoloured by the status that each node has as its class."""

from __future__ import annotations

from collections.abc import Iterator

from linus_nb.rendering.card import STYLE, dark
from linus_nb.rendering.palette import STATUSES, THEMES, Paint

_LIVE = """
.linus-live{padding:0}
.linus-live .linus-head{display:flex;align-items:center;gap:12px;padding:8px 16px}
.linus-live .linus-head>span{flex:1 1 auto;font-variant-numeric:tabular-nums}
.linus-live .linus-stop{font:inherit;font-weight:600;color:var(--linus-ink);background:var(--linus-soft);
border:1px solid var(--linus-line);border-radius:6px;padding:3px 14px;cursor:pointer}
.linus-live .linus-stop:disabled{opacity:.55;cursor:default}
.linus-live .linus-stop:focus-visible{outline:2px solid #6ea8fe;outline-offset:1px}
.linus-live .linus-bar{height:3px;background:var(--linus-line)}
.linus-live .linus-bar>div{height:3px;width:0}
.linus-live .linus-drawing{overflow:auto;max-height:760px;padding:4px 8px}
.linus-live .linus-drawing svg{max-width:100%;height:auto;min-width:60%}
.linus-live .linus-drawing text{font-variant-numeric:tabular-nums}
.linus-live .linus-panes{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));
border-top:1px solid var(--linus-line)}
.linus-live .linus-pane{padding:8px 16px;min-width:0;border-right:1px solid var(--linus-line)}
.linus-live .linus-said{font-family:var(--jp-code-font-family,monospace);font-size:12.5px;line-height:1.5;
white-space:pre-wrap;overflow-wrap:anywhere;height:4.6em;overflow:hidden;display:flex;flex-direction:column-reverse}
.linus-live .linus-said>div{margin-bottom:auto}
.linus-live .linus-said>div::after{content:"\\2588";color:#2563eb}
.linus-live .linus-heard{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
""".replace("\n", "")


def live_style() -> str:
    """Return the style sheet: the card's, the live view's, and the paint of each status in both themes."""
    look = THEMES["dark"]
    plain = {
        ".ground": f"fill:{look.background or 'none'}",
        ".name": f"fill:{look.ink}",
        ".line,text.level": f"fill:{look.muted}",
        ".edge path:nth-of-type(1)": f"stroke:{look.muted}",
        ".edge path:nth-of-type(2)": f"fill:{look.muted}",
        ".edge text": f"fill:{look.muted};stroke:{look.halo}",
    }
    darkened = "".join(dark(_each(selector), rules) for selector, rules in plain.items())
    return STYLE + _LIVE + "".join(_statuses()) + darkened


def _each(selectors: str) -> str:
    """Return selectors for what is in the drawing: ``dark`` puts its page before the first only."""
    inside = ",".join(selectors.split(","))
    return f".linus-live :is({inside})"


def _statuses() -> Iterator[str]:
    for name, look in STATUSES.items():
        node = f".linus-live .node.{name}"
        running = f"{node} rect{{stroke-width:2.2}}" if name == "running" else ""
        dashed = f"{node} rect{{stroke-dasharray:5 3}}" if look.dashed else ""
        yield "".join(f"{at}{{{rules}}}" for at, rules in _paint(node, look.light).items()) + running + dashed
        yield "".join(dark(at, rules) for at, rules in _paint(node, look.dark).items())
        yield f".linus-live .linus-ink-{name}{{color:{look.light.stroke}}}"
        yield dark(f".linus-live .linus-ink-{name}", f"color:{look.dark.stroke}")
        yield f".linus-live .linus-fill-{name}{{background:{look.light.stroke}}}"


def _paint(node: str, paint: Paint) -> dict[str, str]:
    return {
        f"{node} rect": f"stroke:{paint.stroke}",
        f"{node} rect:not(.within)": f"fill:{paint.fill}",
        f"{node} .glyph": f"fill:{paint.stroke}",
    }
