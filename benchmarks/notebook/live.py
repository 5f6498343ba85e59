"""What the live view costs: an update in the kernel, the first picture, a run beside the same run unwatched.

    python -m benchmarks.notebook.live

In a real kernel, whose messages go to a client that reads them. Updates are timed around the view's own method: what
changed is found, encoded and sent. The run is 12 nodes of 100 ms in four levels; both ways take turns.
"""

from __future__ import annotations

import json
import statistics

from benchmarks.notebook.kernel import started

CELL = """
import asyncio, json, time
from linus_nb import AgentDAG, AgentNode
from linus_nb.notebook.live import LiveView

def layered(count, width, seconds):
    async def wait():
        await asyncio.sleep(seconds)
    dag = AgentDAG(f"{count} nodes")
    for k in range(count):
        dag.add_node(AgentNode(f"node {k}", wait))
    for k in range(width, count):
        dag.add_edge(f"node {k - width}", f"node {k}")
        if k % width:
            dag.add_edge(f"node {k - width - 1}", f"node {k}")
    return dag

async def updates(count):
    "Seconds of each update of a run that goes on, and from the start to the first picture."
    found, first = [], []
    dag = layered(count, max(3, round(count ** 0.5)), 0.2)
    run = dag.start()
    view = LiveView(run)
    update = view._set
    changes = view.page.changes
    def begun():
        nonlocal began
        began = time.perf_counter()
        return changes()
    def counted(page):
        update(page)
        if "picture" in page:
            first.append(time.perf_counter() - start)
        elif began is not None:
            found.append(time.perf_counter() - began)
    began = None
    view.page.changes, view._set = begun, counted
    start = time.perf_counter()
    view.show()
    await run
    return found, first

async def both(rounds):
    "Seconds of the run, unwatched and watched, in turns."
    dag, pairs = layered(12, 3, 0.1), []
    for k in range(rounds):
        times = {}
        for way in (("plain", "watched") if k % 2 else ("watched", "plain")):
            began = time.perf_counter()
            await (dag.watch() if way == "watched" else dag())
            times[way] = time.perf_counter() - began
        pairs.append((times["plain"], times["watched"]))
    return pairs
"""


def main() -> None:
    with started() as kernel:
        kernel.run(CELL)
        kernel.run("await both(1); None")  # widgets and layouts are loaded
        for count in (12, 100, 500):
            found, first = json.loads(kernel.run(f"print(json.dumps(await updates({count})))"))
            typical, worst = statistics.median(found) * 1000, max(found) * 1000
            print(
                f"{count:4} nodes: an update {typical:.2f} ms in the kernel (worst {worst:.2f}, {len(found)} updates), "
                f"the first picture after {first[0] * 1000:.0f} ms"
            )
        pairs = json.loads(kernel.run("print(json.dumps(await both(9)))"))
    ratio = statistics.median(watched / plain for plain, watched in pairs)
    plain, watched = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"12 nodes of 0.1 s: {plain:.3f} s plain, {watched:.3f} s watched; ratio {ratio:.3f} (median of 9 pairs)")


if __name__ == "__main__":
    main()
