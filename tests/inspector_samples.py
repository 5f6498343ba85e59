"""Payloads of the inspector, written by hand: what the page gets, in the shape that its contract says."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering.layered import layered
from linus_nb.rendering.layout import Layout
from linus_nb.rendering.picture import offset, page_size

Payload = dict[str, Any]

MARKUP = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<a href=\"javascript:document.title='owned'\">link</a></script></iframe>&lt;b&gt; & $x$ <b>bold</b>"
)


def value(text: str, whole: int | None = None) -> Payload:
    return {"text": text, "whole": whole}


def step(path: str, *, start: float | None, end: float | None, **others: Any) -> Payload:
    """A step that completed between two moments, but for what ``others`` say."""
    name = path.split("/")[-1]
    name = name[name.index("[") :] if "[" in name else name
    made: Payload = {
        "path": path,
        "name": name,
        "parent": None,
        "children": [],
        "kind": "function",
        "description": "",
        "level": 0,
        "status": "completed",
        "reason": "",
        "critical": False,
        "slack_s": None,
        "ready_s": start,
        "start_s": start,
        "end_s": end,
        "waits": [],
        "attempts": [] if start is None else [{"number": 1, "start_s": start, "end_s": end, "error": ""}],
        "reads": [],
        "writes": [],
        "input": None if start is None else value(f"{{'topic': 'agent graph barriers', 'for': {name!r}}}"),
        "output": None if start is None else value(f"what {name} found"),
        "error": None,
        "calls": [],
        "llm_calls": 0,
        "tokens": 0,
        "cost": None,
        "graph": None,
    }
    return made | others


def graph(
    names: dict[str, int],
    pairs: Iterable[tuple[str, str]],
    *,
    prefix: str = "",
    opens: dict[str, str] | None = None,
    conditions: dict[tuple[str, str], tuple[str, Any]] | None = None,
    critical: Sequence[str] = (),
) -> Payload:
    """A graph of nodes with their levels (from 0), laid out as the package does."""
    conditions = conditions or {}
    shape = GraphShape(
        "sample",
        tuple(NodeShape(name, level, "") for name, level in names.items()),
        tuple(EdgeShape(*pair, pair in conditions, conditions.get(pair, ("",))[0]) for pair in pairs),
    )
    layout = layered(shape)
    left, top = offset(shape)
    width, height = page_size(shape, layout)
    centres = {node.level: box.x for node, box in zip(shape.nodes, layout.boxes, strict=True)}
    headed = len(centres) > 1
    return {
        "width": width,
        "height": height,
        "levels": [{"x": x + left, "text": f"level {k + 1}"} for k, x in sorted(centres.items())] if headed else [],
        "nodes": [
            {
                "path": prefix + node.name,
                "name": node.name,
                "sub": "function",
                "x": box.left + left,
                "y": box.top + top,
                "width": box.width,
                "height": box.height,
                "opens": (opens or {}).get(node.name),
            }
            for node, box in zip(shape.nodes, layout.boxes, strict=True)
        ],
        "edges": [
            {
                "source": prefix + edge.source,
                "target": prefix + edge.target,
                "d": _curve(layout, k, left, top),
                "text": edge.label,
                "gave": conditions.get((edge.source, edge.target), ("", True))[1],
                "critical": edge.source in critical and edge.target in critical,
            }
            for k, edge in enumerate(shape.edges)
        ],
        "folded": None,
    }


def _curve(layout: Layout, k: int, left: float, top: float) -> str:
    first, *rest = [f"{x + left:.1f} {y + top:.1f}" for x, y in layout.curves[k]]
    return f"M{first}C{' '.join(rest)}"


def payload(title: str, drawn: Payload, steps: Iterable[Payload], **others: Any) -> Payload:
    """A run of ``steps``: its changes of status follow from their times."""
    by_path = {one["path"]: one for one in steps}
    duration = max((one["end_s"] or 0.0 for one in by_path.values()), default=0.0)
    made: Payload = {
        "version": 1,
        "title": title,
        "status": "success",
        "schedule": "dataflow",
        "started": "2026-11-22T10:11:12+00:00",
        "duration_s": duration,
        "state": "over",
        "facts": [f"{len(by_path)} completed"],
        "sentence": "",
        "graph": drawn,
        "steps": by_path,
        "changes": sorted(change for one in by_path.values() for change in _changes(one)),
        "schedule_note": "",
    }
    return made | others


def _changes(one: Payload) -> list[list[Any]]:
    found: list[list[Any]] = [
        [wait["start_s"], one["path"], "waiting", f"for {wait['why']}"]
        for wait in one["waits"]
        if wait["why"] != "inputs"
    ]
    found += [[attempt["start_s"], one["path"], "running", ""] for attempt in one["attempts"]]
    if one["end_s"] is not None:
        took = "" if one["start_s"] is None else f"{one['end_s'] - one['start_s']:.2f} s"
        tries = f" · {len(one['attempts'])} tries" if len(one["attempts"]) > 1 else ""
        words = {"failed": "TimeoutError", "skipped": "upstream failed"}.get(one["status"], took + tries)
        found.append([one["end_s"], one["path"], one["status"], words])
    return found


def model_call(start: float, end: float, purpose: str, said: str, **others: Any) -> Payload:
    made: Payload = {
        "kind": "model",
        "name": "gpt-4o-mini",
        "purpose": purpose,
        "start_s": start,
        "end_s": end,
        "input_tokens": 412,
        "output_tokens": 96,
        "estimated": False,
        "cost": 0.0001,
        "served_from": "model",
        "error": "",
        "messages": [
            {"role": "system", "text": value("You answer with sources only.")},
            {"role": "user", "text": value("barriers in agent graphs")},
        ],
        "reply": value(said),
        "arguments": None,
        "result": None,
    }
    return made | others


def tool_call(start: float, end: float, name: str, arguments: str, result: str) -> Payload:
    made = model_call(start, end, "", "", name=name, kind="tool", input_tokens=0, output_tokens=0, cost=None)
    return made | {"messages": [], "reply": None, "arguments": value(arguments), "result": value(result)}


LONG = "\n".join(f"{k:3}  Level-by-level execution waits for the slowest node of each level." for k in range(60))
REPLY = "Level-by-level execution waits for the slowest node of each level. <b>Measured</b> on one graph: 0.71 s."

LEVELS = {
    "ingest": 0, "search": 1, "papers": 1, "tables": 1, "summarise": 2, "claims": 2, "figures": 2, "pages": 2,
    "critic": 3, "fallback": 3, "review": 3, "report": 4,
}  # fmt: skip
PAIRS = [
    ("ingest", "search"), ("ingest", "papers"), ("ingest", "tables"), ("search", "summarise"), ("papers", "claims"),
    ("tables", "figures"), ("papers", "pages"), ("summarise", "critic"), ("claims", "critic"), ("figures", "fallback"),
    ("pages", "review"), ("critic", "report"), ("fallback", "report"), ("review", "report"),
]  # fmt: skip
ON_PATH = ("ingest", "search", "summarise", "critic", "report")
TIMES: dict[str, tuple[float, float]] = {
    "ingest": (0.0, 0.41), "search": (0.41, 1.61), "papers": (0.41, 1.43), "tables": (0.41, 1.29),
    "summarise": (1.61, 4.25), "claims": (1.43, 3.45), "figures": (2.2, 4.2), "pages": (1.43, 2.9),
    "critic": (4.25, 5.56), "review": (2.9, 4.1), "report": (5.56, 6.51),
}  # fmt: skip


def research() -> Payload:
    """A failed run of twelve nodes: tries, waits, calls, a skipped node, a graph inside, and a node of four items."""
    drawn = graph(
        LEVELS,
        PAIRS,
        opens={"review": "graph", "pages": "items"},
        conditions={("figures", "fallback"): ("empty?", False), ("papers", "pages"): ("has pages?", True)},
        critical=ON_PATH,
    )
    steps = {
        name: step(name, start=start, end=end, level=LEVELS[name], critical=name in ON_PATH)
        for name, (start, end) in TIMES.items()
    }
    steps["search"] |= _searched()
    steps["papers"] |= {"slack_s": 0.8, "reads": [{"key": "topic", "value": value("agent graph barriers")}],
                        "writes": [{"key": "papers", "value": value(LONG)}]}  # fmt: skip
    steps["claims"] |= {"slack_s": 0.8}
    waits = [{"start_s": 1.29, "end_s": 2.2, "why": "limit"}]
    error = {"text": "TimeoutError: no answer in 2 s", "traceback": "Traceback (most recent call last):\n" + LONG}
    attempts = [{"number": 1, "start_s": 2.2, "end_s": 4.2, "error": "no answer in 2 s"}]
    steps["figures"] |= {"status": "failed", "waits": waits, "error": error, "output": None, "attempts": attempts}
    steps["fallback"] = step(
        "fallback", start=None, end=4.2, level=3, status="skipped", reason="upstream 'figures' failed"
    )
    steps["review"] |= {"kind": "dag", "children": ["review/draft", "review/check"],
                        "graph": graph({"draft": 0, "check": 1}, [("draft", "check")], prefix="review/")}  # fmt: skip
    steps["pages"] |= {"kind": "function", "children": [f"pages[{k}]" for k in range(4)]}
    inside = [
        step("review/draft", start=2.9, end=3.6, parent="review"),
        step("review/check", start=3.6, end=4.1, parent="review", level=1),
        *(step(f"pages[{k}]", start=1.43 + 0.3 * k, end=1.9 + 0.3 * k, parent="pages") for k in range(4)),
    ]
    return payload(
        "research",
        drawn,
        [*(steps[name] for name in LEVELS), *inside],
        status="failed",
        duration_s=6.51,
        facts=["10 completed, 1 failed, 1 skipped", "9,120 tokens", "$0.011"],
        sentence="figures gave no answer in 2 s (attempt 1 of 1). fallback was skipped: upstream 'figures' failed.",
        schedule_note="levels: 7.45 s instead of 6.51 s, by this run's durations",
    )


def _searched() -> Payload:
    return {
        "kind": "agent",
        "description": "looks the topic up on the web",
        "attempts": [
            {"number": 1, "start_s": 0.41, "end_s": 0.6, "error": "ConnectionError: reset"},
            {"number": 2, "start_s": 0.75, "end_s": 1.61, "error": ""},
        ],
        "waits": [{"start_s": 0.6, "end_s": 0.75, "why": "retry"}],
        "calls": [
            model_call(0.75, 0.98, "reason", "I look it up."),
            tool_call(0.98, 1.3, "web_search", 'query="agent graph barriers"', LONG),
            model_call(1.3, 1.61, "respond", REPLY, input_tokens=820, output_tokens=141, cost=0.0002),
        ],
        "output": value(LONG[:2000], whole=len(LONG)),
        "llm_calls": 2,
        "tokens": 1469,
        "cost": 0.0003,
    }


def large(count: int = 500) -> Payload:
    """Many nodes in levels of fifty, each after two others; each twentieth failed."""
    made = random.Random(7)
    wide = 50
    names = {f"node_{k:04}": k // wide for k in range(count)}
    listed = list(names)
    pairs = [
        (listed[source], listed[k])
        for k in range(wide, count)
        for source in {(k // wide - 1) * wide + made.randrange(wide), k - wide}
    ]
    steps, ends = [], {}
    for name, level in names.items():
        start = max((ends[a] for a, b in pairs if b == name), default=0.0)
        ends[name] = start + made.uniform(0.2, 3.0)
        status = "failed" if made.random() < 0.05 else "completed"
        more: Payload = {"error": {"text": "ValueError: no such page", "traceback": LONG}} if status == "failed" else {}
        output = value(LONG[:1000], whole=len(LONG))
        steps.append(
            step(
                name,
                start=start,
                end=ends[name],
                level=level,
                status=status,
                output=output,
                tokens=made.randrange(3000),
            )
            | {"calls": [model_call(start, ends[name], "reason", REPLY)]}
            | more
        )
    return payload("many pages", graph(names, pairs, critical=listed[::wide]), steps, facts=[f"{count} nodes"])


def hostile() -> Payload:
    """Markup in every text, and names that JavaScript's own objects have."""
    names = {MARKUP: 0, "__proto__": 1, "constructor": 1, "two\nlines": 2, "x" * 300: 2}
    listed = list(names)
    drawn = graph(
        names,
        [(listed[0], listed[1]), (listed[0], listed[2]), (listed[1], listed[3]), (listed[2], listed[4])],
        conditions={(listed[0], listed[1]): (MARKUP, f"raised: {MARKUP}")},
    )
    call = model_call(0.0, 1.0, MARKUP, MARKUP, name=MARKUP, error=MARKUP, served_from=MARKUP) | {
        "messages": [{"role": MARKUP, "text": value(MARKUP)}]
    }
    steps = [
        step(name, start=float(level), end=level + 1.0, level=level, kind=MARKUP, description=MARKUP)
        | {"status": "failed", "reason": MARKUP, "input": value(MARKUP), "output": value(MARKUP * 20)}
        | {"error": {"text": MARKUP, "traceback": MARKUP}, "calls": [call, tool_call(0, 1, MARKUP, MARKUP, MARKUP)]}
        | {"reads": [{"key": MARKUP, "value": value(MARKUP)}], "writes": [{"key": MARKUP, "value": value(MARKUP)}]}
        | {"attempts": [{"number": 1, "start_s": float(level), "end_s": level + 1.0, "error": MARKUP}]}
        | {"waits": [{"start_s": 0.0, "end_s": float(level), "why": MARKUP}]}
        for name, level in names.items()
    ]
    return payload(MARKUP, drawn, steps, facts=[MARKUP], sentence=MARKUP, schedule_note=MARKUP, status="failed")


def before() -> Payload:
    """A graph that has not run."""
    steps = [step(name, start=None, end=None, level=level, status="pending") for name, level in LEVELS.items()]
    return payload("research", graph(LEVELS, PAIRS), steps, status="pending", state="before", facts=["12 nodes"])


def folded() -> Payload:
    """A graph of 3,000 nodes in ten levels, folded into two groups."""
    groups = {"levels 1–5": range(1500), "levels 6–10": range(1500, 3000)}
    drawn = graph(dict.fromkeys(groups, 0) | {"levels 6–10": 1}, [("levels 1–5", "levels 6–10")])
    for node in drawn["nodes"]:
        node |= {"opens": "group", "sub": "1,500 nodes", "group": [f"n{k}" for k in groups[node["name"]]]}
    drawn["folded"] = {
        "levels": [[0, 4, 1500], [5, 9, 1500]],
        "text": "3,000 nodes in 10 levels, folded into 2 groups.",
    }
    steps = [
        step(f"n{k}", start=k / 100, end=k / 100 + 1, level=k // 300, status="failed" if k == 2999 else "completed")
        for k in range(3000)
    ]
    return payload("many", drawn, steps)
