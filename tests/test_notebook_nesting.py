"""`enable_nesting`: what it does to asyncio, what it says, and that the cells after it still run."""

from __future__ import annotations

import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from linus_nb.errors import LinusError
from linus_nb.notebook import nesting
from tests.kernels import outcome, run_cell, started_kernel, text_of


def in_a_process(source: str) -> list[str]:
    """Run a script, as asyncio stays changed to the end of a process; return the lines that it printed."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


NESTED = """
async def inner():
    return 5
async def main():
    return asyncio.run(inner())
print(asyncio.run(main()))
"""


def test_a_loop_runs_in_a_loop_and_what_was_done_is_said_in_one_line():
    said, answer = in_a_process("import asyncio, linus_nb\nlinus_nb.enable_nesting()\n" + NESTED)
    assert said.startswith("asyncio.run() works in cells from now on (nest-asyncio2 1.")
    slower = said.endswith("and all asyncio tasks of this process are Python ones, about twice as slow.")
    assert slower == (sys.version_info < (3, 14))
    assert answer == "5"


def test_a_second_call_changes_nothing_and_says_so():
    source = "import asyncio, linus_nb\nlinus_nb.enable_nesting()\nrun = asyncio.run\nlinus_nb.enable_nesting()\n"
    first, second, same = in_a_process(source + "print(asyncio.run is run)")
    assert "from now on" in first
    assert second.startswith("asyncio.run() works in cells already (nest-asyncio2 1.")
    assert same == "True"


def test_importing_the_package_changes_nothing_and_imports_neither():
    source = "import asyncio, sys\nrun = asyncio.run\nimport linus_nb\nlinus_nb.enable_nesting\n"
    check = "print(asyncio.run is run, [m for m in sys.modules if m.startswith('nest_asyncio')])"
    assert in_a_process(source + check) == ["True []"]


CAUGHT = """
import asyncio, warnings, linus_nb
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    linus_nb.enable_nesting()
print([str(w.message) for w in caught if w.category is RuntimeWarning], all(w.filename == "<string>" for w in caught))
"""


def test_where_the_other_was_applied_already_it_stays_and_the_warning_says_what_to_do():
    warned, *_ = reversed(in_a_process("import nest_asyncio; nest_asyncio.apply()\n" + CAUGHT))
    assert "nest-asyncio 1.6.0 was at work already, and stays" in warned
    assert "pip install 'nest-asyncio2>=1.7.3', restart the kernel" in warned


HIDE = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in HIDDEN else find_spec(name, *rest)
"""


def test_without_the_fork_it_takes_the_original_with_a_warning():
    hide = HIDE.replace("HIDDEN", "['nest_asyncio2']")
    said, warned, answer = in_a_process(hide + CAUGHT + NESTED)
    assert "from now on (nest-asyncio 1.6.0)" in said
    assert "nest-asyncio 1.6.0 is all that is installed" in warned
    assert answer == "5"


def test_an_old_fork_is_warned_of_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nesting, "version", lambda package: "1.7.2")
    assert nesting._version_of_fork() < nesting.FIRST_GOOD
    monkeypatch.setattr(nesting, "version", lambda package: "1.10.0")
    assert nesting._version_of_fork() > nesting.FIRST_GOOD


def test_without_either_the_error_says_what_to_install():
    hide = HIDE.replace("HIDDEN", "['nest_asyncio', 'nest_asyncio2']")
    source = (
        hide + "import linus_nb\ntry:\n    linus_nb.enable_nesting()\nexcept ImportError as error:\n    print(error)"
    )
    assert in_a_process(source) == [
        "nesting event loops needs 'nest-asyncio2'; install it with: pip install nest-asyncio2"
    ]


@pytest.mark.parametrize(
    "foreign",
    [
        "asyncio._set_running_loop(Loop())",
        "asyncio.set_event_loop_policy(Policy())",
    ],
    ids=["running loop", "policy"],
)
def test_a_loop_that_is_not_asyncios_own_is_refused_before_anything_is_changed(foreign: str):
    source = f"""
import asyncio, linus_nb
class Loop(asyncio.AbstractEventLoop):
    pass
class Policy(asyncio.DefaultEventLoopPolicy):
    pass
Loop.__module__ = Policy.__module__ = "uvloop"
run = asyncio.run
{foreign}
try:
    linus_nb.enable_nesting()
except linus_nb.LinusError as error:
    asyncio._set_running_loop(None)
    print(error)
print(asyncio.run is run, hasattr(asyncio, "_nest_patched"))
"""
    sentence, unchanged = in_a_process(source)
    assert sentence.startswith("no event loop can run inside 'uvloop.")
    assert sentence.endswith("; await the coroutine, or start Python without that loop policy")
    assert unchanged == "True False"


def test_the_refusal_is_a_value_error_of_ours():
    assert issubclass(nesting.NestingError, LinusError)
    assert issubclass(nesting.NestingError, ValueError)


@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
def test_a_timing_table_says_of_both_that_asyncio_was_changed(package: str):
    ask = "from linus_nb.analysis.comparing.machine import asyncio_patched\nprint(asyncio_patched())\n"
    apply = f"import asyncio, {package}\nloop = asyncio.new_event_loop()\n{package}.apply(loop)\nloop.close()\n"
    assert in_a_process(ask + apply + ask) == ["False", "True"]


# -- in a real kernel ------------------------------------------------------------------------------------------------

SEED = '''
from linus_nb import Agent
from linus_nb.testing import ScriptedModel

def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b

def reply(messages, schema):
    if schema is None:
        return "42 * 17 = 714"
    if "tasks" in schema["properties"]:
        return {"tasks": [{"tool": "multiply", "description": "", "depends_on": []}]}
    return {"complete": "yes", "missing": ""} if "complete" in schema["properties"] else {"a": 42, "b": 17}

tools, Made = [multiply], Agent
def Agent(**given):
    return Made(llm=ScriptedModel(reply), **given)
'''

MAIN = """
import asyncio

async def main():
    agent = Agent(tools=tools)

    # Use arun() instead of run()
    result = await agent.arun("Calculate 42 * 17", return_metrics=True)

    print(f"Result: {result.result}")
    print(f"Time: {result.metrics.execution_time_seconds:.2f}s")

asyncio.run(main())
"""


@pytest.fixture
def kernel() -> Iterator[Any]:
    with started_kernel() as client:
        run_cell(client, SEED)
        yield client


def results(client: Any, cells: list[str]) -> list[str]:
    """Send all cells at once, as Run All does, and return what each shows, until nothing has come for a while."""
    asked = [client.execute(cell) for cell in cells]
    shown: dict[str, str] = {}
    until = time.monotonic() + 20
    while len(shown) < len(asked) and time.monotonic() < until:
        try:
            message = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if message["msg_type"] == "execute_result":
            shown[message["parent_header"]["msg_id"]] = message["content"]["data"]["text/plain"]
    return [shown.get(request, "no answer") for request in asked]


@pytest.mark.kernel
def test_asyncio_run_works_unchanged_in_a_cell_and_not_without(kernel: Any):
    assert outcome(kernel, MAIN).raised == "RuntimeError"
    assert "works in cells from now on" in outcome(kernel, "import linus_nb; linus_nb.enable_nesting()").printed
    assert outcome(kernel, MAIN).printed.startswith("Result: 42 * 17 = 714\nTime: ")
    assert text_of(kernel, "(await Agent(tools=tools)('x')).result, Agent(tools=tools).run('x').result") == (
        "('42 * 17 = 714', '42 * 17 = 714')"
    )


@pytest.mark.kernel
def test_run_all_still_runs_all_cells_after_one_that_nests(kernel: Any):
    run_cell(kernel, MAIN.replace("asyncio.run(main())", "import linus_nb; linus_nb.enable_nesting()"))
    cells = ["1", "asyncio.run(asyncio.sleep(0.3, 2))", "3", "await asyncio.sleep(0.1, 4)", "asyncio.run(main()) or 5"]
    assert results(kernel, cells) == ["1", "2", "3", "4", "5"]


@pytest.mark.kernel
def test_stop_ends_a_nested_run_and_leaves_nothing_behind(kernel: Any):
    run_cell(kernel, "import asyncio, linus_nb; linus_nb.enable_nesting(); from linus_nb import AgentDAG, last_run")
    run_cell(
        kernel,
        """
dag = AgentDAG("nested")
@dag.node
def quick():
    return 1
@dag.node
async def slow(quick):
    print("it began")
    await asyncio.sleep(45)
async def main():
    return await dag
""",
    )
    assert outcome(kernel, "asyncio.run(main())", stop_at="it began").raised == "KeyboardInterrupt"
    assert text_of(kernel, "last_run().status, last_run().node_results") == "('cancelled', {'quick': 1})"
    left = "[t for t in asyncio.all_tasks() if 'main' in repr(t.get_coro()) and 'shell' not in repr(t.get_coro())]"
    assert text_of(kernel, left) == "[]"
    assert results(kernel, ["asyncio.run(asyncio.sleep(0.1, 1))", "await asyncio.sleep(0, 2)"]) == ["1", "2"]
