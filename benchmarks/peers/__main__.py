"""Side by side with bare asyncio, Hamilton, LangGraph and pydantic-graph.

    pip install -e '.[peers]'
    python -m benchmarks.peers [--rounds N] [--limit 60] [--engines NAME ...] [--workloads NAME ...]

Ends with status 1 if an engine returned a wrong result.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.peers.engines import ENGINES
from benchmarks.peers.harness import Outcome, compare, workers
from benchmarks.peers.table import heading, section, summary
from benchmarks.peers.workloads import WORKLOADS


def main(
    engine_names: Sequence[str], workload_names: Sequence[str], rounds: int | None = None, limit_s: float = 60.0
) -> bool:
    """Measure and print; whether all results were right."""
    engines = [ENGINES[name] for name in engine_names]
    print(heading(engines, limit_s))
    results: dict[str, dict[str, Outcome]] = {}
    with workers() as running:
        for name in workload_names:
            workload = WORKLOADS[name]
            times = rounds or workload.rounds
            results[name] = compare(workload, engines, running, times, limit_s)
            print(f"\n{section(workload, results[name], times)}", flush=True)
    print(f"\n{summary(results)}")
    outcomes = [outcome for by_engine in results.values() for outcome in by_engine.values()]
    return not any(outcome.trouble is not None and outcome.trouble.wrong for outcome in outcomes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="for every workload, instead of its own number")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for building, and for each turn")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), metavar="NAME")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME")
    options = parser.parse_args()
    sys.exit(not main(options.engines, options.workloads, options.rounds, options.limit))
