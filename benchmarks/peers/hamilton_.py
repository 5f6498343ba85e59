"""Hamilton: a module of functions whose parameters name their sources, run by the async driver.

Only the last nodes are asked for, which costs least; the functions note their values for the check. The driver calls
plain functions on the event loop itself, so blocking nodes run one after the other.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.peers.workloads import Prepared, Work, Workload, limited


async def prepare(workload: Workload, work: Work) -> Prepared:
    from hamilton import ad_hoc_utils, async_driver, base

    # the driver walks the graph recursively
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000 + 20 * workload.nodes))
    module = ad_hoc_utils.module_from_source(source_of(workload))
    values: list[Any] = []
    vars(module).update(work=limited(workload, work), values=values)
    builder = async_driver.Builder().with_modules(module).with_adapters(base.DictResult())
    driver = await builder.build()
    last = [f"n{i}" for i in workload.leaves]

    async def run() -> dict[str, int]:
        values[:] = [None] * workload.nodes
        answer: dict[str, int] = await driver.execute(last)
        return answer

    def noted(answer: dict[str, int]) -> list[int | None]:
        for i in workload.leaves:
            values[i] = answer[f"n{i}"]
        return values.copy()

    return Prepared(run, noted)


def source_of(workload: Workload) -> str:
    """A function per node, as one would write it by hand."""
    define, wait = ("def", "") if workload.kind == "block" else ("async def", "await ")
    lines = []
    for i, before in enumerate(workload.sources):
        parameters = ", ".join(f"n{s}: int" for s in before)
        total = f"sum(({', '.join(f'n{s}' for s in before)},))" if before else "0"
        lines.append(f"{define} n{i}({parameters}) -> int:")
        lines.append(f"    values[{i}] = value = {wait}work({i}, {total})")
        lines.append("    return value")
    return "\n".join(lines)
