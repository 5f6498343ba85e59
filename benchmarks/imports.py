"""What `import linus_nb` costs in a fresh process, beyond starting Python, and what it must not load.

python -m benchmarks.imports [--processes 11]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

GOAL_S = 0.15
UNWANTED = ("pandas", "langchain_core", "langchain_openai", "IPython", "graphviz")

# the public names are loaded lazily: the second figure is the import with the names that every user needs
STATEMENTS = {
    "import linus_nb": "import linus_nb",
    "… with AgentDAG, AgentNode, DAGExecutor": "from linus_nb import AgentDAG, AgentNode, DAGExecutor",
}

PROBE = """
import sys, time
start = time.perf_counter()
{statement}
taken = time.perf_counter() - start
print(taken, *[name for name in {unwanted!r} if name in sys.modules])
"""


def probe(statement: str) -> tuple[float, list[str]]:
    """Seconds that a statement takes in a fresh process, and the unwanted modules that it loaded."""
    code = PROBE.format(statement=statement, unwanted=UNWANTED)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *loaded = answer.stdout.split()
    return float(seconds), loaded


def main(processes: int = 11) -> None:
    print(f"import in a fresh process, median of {processes}")
    for name, statement in STATEMENTS.items():
        answers = [probe(statement) for _ in range(processes)]
        loaded = sorted({module for _, modules in answers for module in modules})
        assert not loaded, f"{statement!r} loads {', '.join(loaded)}"
        median = statistics.median(seconds for seconds, _ in answers)
        verdict = "met" if median <= GOAL_S else "MISSED"
        print(f"{name:<42} {median * 1e3:>7.1f} ms   <= {GOAL_S * 1e3:.0f} ms {verdict}")
    print(f"not loaded: {', '.join(UNWANTED)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=11)
    main(parser.parse_args().processes)
