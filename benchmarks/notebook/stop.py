"""How long Stop takes: from the interrupt to an idle kernel, in a real kernel, several ways of waiting in turn.

python -m benchmarks.notebook.stop [tries]
"""

from __future__ import annotations

import statistics
import sys
from importlib.util import find_spec

from benchmarks.notebook.kernel import Kernel, started

TRIES = 20
LONGEST_S = 8  # what is not stopped goes on for so long

SETUP = f"""
import asyncio, time
from linus_nb import Agent, AgentDAG, AgentNode, benchmark, last_run
from linus_nb.testing import ScriptedModel

async def idle(x=None):
    print("waits", flush=True)
    await asyncio.sleep({LONGEST_S})

def blocking():
    print("waits", flush=True)
    time.sleep({LONGEST_S})

def graph(agent):
    return AgentDAG("g").add_node(AgentNode("quick", lambda: 1)).add_node(AgentNode("slow", agent))

class Model(ScriptedModel):
    async def _agenerate(self, *a, **k):
        await idle()

dag, blocked, agent = graph(idle), graph(blocking), Agent(llm=Model())
"""
LANGGRAPH = """
from typing import TypedDict
from langgraph.graph import StateGraph, START, END

class State(TypedDict):
    x: int

async def node(state):
    await idle()
    return {"x": 1}

builder = StateGraph(State)
builder.add_node("slow", node)
builder.add_edge(START, "slow")
builder.add_edge("slow", END)
peer = builder.compile()
"""
CELLS = {
    "await dag": "await dag",
    "await dag, a blocking node": "await blocked",
    "await dag.watch()": "await dag.watch()",
    "await agent": "await agent('?')",
    "await benchmark(dag)": "await benchmark(dag, modes=['parallel'], repeats=2, warmup=0)",
    "langgraph: await graph.ainvoke": "await peer.ainvoke({'x': 0})",
}


def measured(kernel: Kernel, tries: int) -> dict[str, list[float]]:
    """Return the seconds of each try, the ways taking turns."""
    found: dict[str, list[float]] = {name: [] for name in CELLS}
    for k in range(tries):
        for name, cell in CELLS.items():
            if name.startswith("langgraph") and find_spec("langgraph") is None:
                continue
            after_s = 0.3 + 0.05 * (k % 5)  # not always at the same moment of the loop's
            found[name].append(kernel.stop(cell, "waits", after_s)[0])
    return found


def main() -> None:
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else TRIES
    with started() as kernel:
        kernel.run(SETUP)
        if find_spec("langgraph") is not None:
            kernel.run(LANGGRAPH)
        found = measured(kernel, tries)
    print(f"Seconds from Stop to an idle kernel, {tries} tries each; what goes on would take {LONGEST_S} s")
    for name, seconds in found.items():
        if seconds:
            print(f"  {name:32} median {statistics.median(seconds):.3f}  worst {max(seconds):.3f}")
        else:
            print(f"  {name:32} not installed")


if __name__ == "__main__":
    main()
