"""The figures as text."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Iterable, Mapping

from benchmarks.peers.engines import BARE, ENGINES, Engine
from benchmarks.peers.harness import Outcome
from benchmarks.peers.workloads import Workload
from linus_nb.analysis.comparing.machine import asyncio_patched, usable_cpus

Outcomes = Mapping[str, Outcome]


def heading(engines: Iterable[Engine], limit_s: float) -> str:
    versions = ", ".join(f"{e.name} {e.version or 'not installed'}" for e in engines if e.distribution is not None)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return "\n".join(
        (
            "The same graph on every engine; each node passes a value on, and each value is checked. Ratio: to bare",
            "asyncio, run straight before or after in the same process; the median of the rounds (lowest – highest).",
            "Engines take turns, each in a process of its own. Graphs are built, and run once, outside of the timing;",
            f"an engine that takes more than {limit_s:g} s for it or for one turn is said to.",
            f"{python}, {usable_cpus()} cores, asyncio patched: {asyncio_patched()}; {versions}",
        )
    )


def section(workload: Workload, outcomes: Outcomes, rounds: int) -> str:
    """One workload's figures, a line per engine."""
    bound = f", {workload.bound_s * 1e3:.0f} ms at best" if workload.bound_s else ""
    per = "to best" if workload.bound_s else "µs a node"
    lines = [
        f"{workload.name}: {workload.nodes:,} nodes{bound}; rounds: {rounds}",
        f"  {'engine':<22} {'ratio':>8} {'':>17} {'median ms':>10} {per:>10} {'build ms':>9}",
    ]
    lines += [line(name, outcome, workload) for name, outcome in outcomes.items()]
    return "\n".join(lines)


def line(name: str, outcome: Outcome, workload: Workload) -> str:
    if outcome.trouble is not None:
        verdict = "WRONG: " if outcome.trouble.wrong else ""
        return f"  {name:<22} {verdict}{outcome.trouble.text}"
    ratios, median_s = outcome.ratios, outcome.median_s
    spread = f"({min(ratios):.2f} – {max(ratios):.2f})"
    per = f"{median_s / workload.bound_s:.2f}x" if workload.bound_s else f"{median_s / workload.nodes * 1e6:.1f}"
    return (
        f"  {name:<22} {statistics.median(ratios):>7.2f}x {spread:>17} {median_s * 1e3:>10.2f}"
        f" {per:>10} {outcome.build_s * 1e3:>9.1f}"
    )


def summary(results: Mapping[str, Outcomes]) -> str:
    """All ratios in one Markdown table, a row per engine and a column per workload."""
    found = {name for outcomes in results.values() for name in outcomes}
    names = [name for name in ENGINES if name in found and name != BARE.name]
    rows = [f"| ratio to bare asyncio | {' | '.join(results)} |", f"|---|{'--:|' * len(results)}"]
    for name in names:
        rows.append(f"| {name} | {' | '.join(cell(outcomes.get(name)) for outcomes in results.values())} |")
    return "\n".join(rows)


def cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "–"
    if outcome.trouble is not None:
        return "WRONG" if outcome.trouble.wrong else outcome.trouble.text.partition(":")[0]
    ratio = statistics.median(outcome.ratios)
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
