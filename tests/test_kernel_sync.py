"""Blocking calls in a cell, beside the loop that runs there: what they come to, and what Stop leaves of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kernels import click, outcome, run_cell, started_kernel, text_of

pytestmark = pytest.mark.kernel

SETUP = '''
import asyncio, threading, time
import ipywidgets
from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, benchmark_sync, last_benchmark, last_response, last_run
from linus_nb.testing import ScriptedModel

slow_s = 0.0

def begin():
    print("it began")  # as the sign to press Stop
    return slow_s

def first(n: int) -> int:
    """First."""
    return 100 + n

def blocks(n: int) -> int:
    """Wait."""
    time.sleep(begin())
    return n

async def awaits(n: int) -> int:
    """Wait."""
    await asyncio.sleep(begin())
    return n

def asks(n: int) -> str:
    """Ask another agent."""
    return str(agent(awaits).run("within"))

async def asks_from_a_loop(n: int) -> str:
    """Ask another agent, blocking where nobody should."""
    return str(agent(first).run("within"))

async def allowed(tool, arguments):
    if tool != "first":
        await asyncio.sleep(begin())
    return True

def agent(tool, **options):
    def reply(messages, schema):
        if schema is None:
            return "done"
        if "tasks" in schema["properties"]:
            names = ["first"] if tool is first else ["first", tool.__name__]
            tasks = [{"tool": t, "description": t, "depends_on": [k] if k else []} for k, t in enumerate(names)]
            return {"tasks": tasks}
        return {"complete": "yes", "missing": ""} if "complete" in schema["properties"] else {"n": 3}
    return Agent({first, tool}, llm=ScriptedModel(reply), **options)

class AsyncOnly:
    async def arun(self, task):
        await asyncio.sleep(begin())
        return 7

async def condition(state):
    await asyncio.sleep(begin())
    return True

def graph(thing, when=None, **options):
    dag = AgentDAG("graph").add_node(AgentNode("quick", lambda: 1, output_key="q"))
    dag.add_node(AgentNode("slow", thing, input_mapping={"q": "q"}, output_key="s", **options))
    return dag.add_edge("quick", "slow", when)

def execute(*args, **options):
    return DAGExecutor(graph(*args, **options)).execute().node_results

def in_a_thread(function):
    box = []
    thread = threading.Thread(target=lambda: box.append(function()), daemon=True)
    thread.start()
    thread.join()
    return box[0]

clicked = []
button = ipywidgets.Button()
button.on_click(lambda _: clicked.append(agent(awaits).run("Go").result))
'''
ANSWERED = "'done'"
EXECUTED = "{'quick': 1, 'slow': 7}"

AGENTS = {
    "a blocking tool": "agent(blocks).run('Go').result",
    "an async tool": "agent(awaits).run('Go').result",
    "an async approve": "agent(blocks, approve=allowed).run('Go').result",
    "a tool that asks an agent": "agent(asks).run('Go').result",
}
GRAPHS = {
    "a blocking node": "execute(lambda q: blocks(7))",
    "a blocking node with a time limit": "execute(lambda q: blocks(7), timeout_seconds=60)",
    "an async node": "execute(AsyncOnly())",
    "an async condition": "execute(lambda q: 7, condition)",
    "a graph in a node's function": "execute(lambda q: DAGExecutor(graph(AsyncOnly())).execute().final_state['s'])",
}
OTHERS = {
    "an agent in a graph": ("execute(agent(awaits))", "{'quick': 1, 'slow': 'done'}"),
    "in a thread": ("in_a_thread(lambda: agent(awaits).run('Go').result)", ANSWERED),
    "an async tool that asks an agent": ("agent(asks_from_a_loop).run('Go').result", ANSWERED),
    "beside await": (
        "[(await agent(awaits)('Go')).result, agent(awaits).run('Go').result, (await graph(AsyncOnly())).node_results]",
        f"['done', 'done', {EXECUTED}]",
    ),
    "below await": ("(await graph(lambda q: agent(awaits).run('Go').result)).node_results['slow']", ANSWERED),
    "in an async node": ("(await graph(asks_from_a_loop)).node_results['slow']", ANSWERED),
    "benchmark_sync": (
        "list(benchmark_sync(graph(AsyncOnly()), repeats=1, warmup=0).index)",
        "['sync', 'async', 'parallel', 'dataflow']",
    ),
}
RESULTS = {
    **{name: (cell, ANSWERED) for name, cell in AGENTS.items()},
    **{name: (cell, EXECUTED) for name, cell in GRAPHS.items()},
    **OTHERS,
}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "nesting enabled"])
def kernel(request: pytest.FixtureRequest) -> Iterator[Any]:
    with started_kernel() as client:
        run_cell(client, SETUP)
        if request.param:
            run_cell(client, "from linus_nb import enable_nesting\nenable_nesting()")
        yield client


@pytest.mark.parametrize("name", RESULTS)
def test_a_blocking_call_in_a_cell_does_what_it_does_anywhere(kernel: Any, name: str):
    cell, result = RESULTS[name]
    run_cell(kernel, "slow_s = 0.0")
    assert text_of(kernel, cell) == result


def test_a_blocking_call_works_in_a_widgets_callback(kernel: Any):
    run_cell(kernel, "slow_s = 0.0; clicked.clear()")
    click(kernel, "button")
    assert text_of(kernel, "clicked") == "['done']"


def stopped(kernel: Any, cell: str) -> None:
    """Press Stop in a cell that would take 45 s; the kernel must be idle soon, and do blocking and awaited work."""
    run_cell(kernel, "slow_s = 45.0")
    ended = outcome(kernel, cell, stop_at="it began")
    assert ended.raised == "KeyboardInterrupt"
    assert ended.stopped_after_s < 10  # milliseconds, and up to a second in which IPython paints a traceback
    kept = "last_run() and (last_run().status, last_run().node_results), last_response().execution_history"
    run_cell(kernel, f"slow_s = 0.0; run_kept, steps_kept = {kept}")
    assert text_of(kernel, "agent(awaits).run('Go').result, (await agent(awaits)('Go')).result") == "('done', 'done')"


@pytest.mark.parametrize("name", AGENTS)
def test_stop_ends_a_blocking_agent_and_what_it_had_done_is_kept(kernel: Any, name: str):
    stopped(kernel, AGENTS[name])
    assert text_of(kernel, "[step.result for step in steps_kept]") == "[103]"


@pytest.mark.parametrize("name", GRAPHS)
def test_stop_ends_a_blocking_run_and_what_finished_is_kept(kernel: Any, name: str):
    stopped(kernel, GRAPHS[name])
    assert text_of(kernel, "run_kept") == "('cancelled', {'quick': 1})"


def test_stop_ends_a_benchmark(kernel: Any):
    stopped(kernel, "benchmark_sync(graph(AsyncOnly()), repeats=1, warmup=0)")
    assert text_of(kernel, "run_kept") == "('cancelled', {'quick': 1})"


def test_stop_ends_a_call_in_a_widgets_callback(kernel: Any):
    run_cell(kernel, "slow_s = 45.0; clicked.clear()")
    assert click(kernel, "button", stop_at="it began").stopped_after_s < 10
    run_cell(kernel, "slow_s = 0.0")
    assert text_of(kernel, "clicked, [step.result for step in last_response().execution_history]") == "([], [103])"


def test_stop_does_not_wait_for_a_thread_that_was_started_by_hand(kernel: Any):
    stopped(kernel, "in_a_thread(lambda: agent(blocks).run('Go'))")
