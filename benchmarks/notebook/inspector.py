"""How soon an inspector is there, how soon a click is answered, and what looking costs the run that is looked at.

    python -m benchmarks.notebook.inspector

The pages are those that `result.save_html` writes of real runs, opened in chromium without a network. First picture:
from the opening of the file to the frame in which its nodes stand. A click: from the event to the end of the frame that
shows the node's values. The run that is looked at is 12 nodes of 100 ms in four levels, in a real kernel; both take
turns.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.notebook.kernel import started
from linus_nb import AgentDAG, AgentNode, DAGExecutor
from linus_nb.rendering.inspector.payload import inspection
from tests.browser.lab import CHROMIUM_OPTIONS, chromium

CLICKS = 40
ROUNDS = 5
FRAME = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"  # it has been laid out and painted
OPENED = f"""async () => {{
  await {FRAME};
  return document.querySelectorAll('.li-node').length ? performance.now() : NaN;
}}"""
CLICKED = f"""async count => {{
  const boxes = [...document.querySelectorAll('.li-node')], times = [];
  for (let k = 0; k < count; k += 1) {{
    const began = performance.now();
    boxes[Math.floor((k * 0.61803 % 1) * boxes.length)].click();
    await {FRAME};
    times.push(performance.now() - began);
  }}
  return times;
}}"""
CELL = """
import asyncio, json, time
from linus_nb import AgentDAG, AgentNode

async def wait():
    await asyncio.sleep(0.1)

dag = AgentDAG("12 nodes")
for k in range(12):
    dag.add_node(AgentNode(f"node {k}", wait))
for k in range(3, 12):
    dag.add_edge(f"node {k - 3}", f"node {k}")

async def timed(look):
    run = dag.start()
    if look:
        run.inspect()._ipython_display_()
    return (await run).execution_time_seconds

async def both(rounds):
    return [[await timed(look) for look in ((0, 1) if k % 2 else (1, 0))][::1 if k % 2 else -1] for k in range(rounds)]
"""


def layered(count: int) -> AgentDAG:
    dag, width = AgentDAG(f"{count} nodes"), max(3, round(count**0.5))
    for k in range(count):
        dag.add_node(AgentNode(f"node {k}", lambda k=k: {"number": k, "text": "some words " * 30}))
    for k in range(width, count):
        dag.add_edge(f"node {k - width}", f"node {k}")
        if k % width:
            dag.add_edge(f"node {k - width - 1}", f"node {k}")
    return dag


def measured(browser: Any, count: int, folder: Path) -> str:
    result = DAGExecutor(layered(count)).execute()
    inspection(result.record.graph, result.record)  # the layout is remembered: the card had drawn it
    began = time.perf_counter()
    file = result.save_html(folder / f"{count}.html")
    made_ms = (time.perf_counter() - began) * 1000
    first, clicks = [], []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1200, "height": 860}, offline=True)
        page = context.new_page()
        page.goto(file.as_uri())
        first.append(page.evaluate(OPENED))
        clicks += page.evaluate(CLICKED, CLICKS // ROUNDS)
        context.close()
    return (
        f"{count:5} nodes: made in {made_ms:.0f} ms ({file.stat().st_size / 1e6:.2f} MB), first picture "
        f"{statistics.median(first):.0f} ms (worst {max(first):.0f} of {ROUNDS}), a click "
        f"{statistics.median(clicks):.0f} ms (worst {max(clicks):.0f} of {len(clicks)})"
    )


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        for count in (12, 100, 500, 2_000):
            print(measured(browser, count, Path(folder)))
        browser.close()
    with started() as kernel:
        kernel.run(CELL)
        kernel.run("await both(1); None")  # widgets and layouts are loaded
        pairs = json.loads(kernel.run("print(json.dumps(await both(9)))"))
    ratio = statistics.median(looked / plain for plain, looked in pairs)
    print(f"12 nodes of 0.1 s, looked into beside not: ratio {ratio:.3f} (median of {len(pairs)} pairs)")


if __name__ == "__main__":
    main()
