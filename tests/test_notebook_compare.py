"""``%%compare``: in a real kernel, under other magics, and without a kernel."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.error import UsageError

from linus_nb import AgentDAG, AgentNode, benchmark_sync
from linus_nb.notebook.statements import functions_of_statements
from tests.kernels import outcome, run_cell, started_kernel, text_of

SETUP = """
%load_ext linus_nb
import asyncio, time
tasks = [1, 2, 3]

async def agent(task):
    await asyncio.sleep(0.01)
    return 2 * task
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    with started_kernel() as client:
        run_cell(client, SETUP)
        yield client


# -- statements ------------------------------------------------------------------------------------------------------


def test_statements_are_called_by_what_they_assign_or_by_their_own_text():
    source = (
        "a = 1\nb: int = 2\nc, d = 3, 4\nx.y = 5\nf(1,\n  2)\nfor i in z:\n    g(i)\n# nothing\nawait h()\n" + "k" * 60
    )
    labels = list(functions_of_statements(source, {}))
    assert labels == ["a", "b", "c, d = 3, 4", "x.y = 5", "f(1, …", "for i in z: …", "await h()", "k" * 47 + "…"]


def test_equal_statements_are_told_apart():
    assert list(functions_of_statements("f()\nf()\nf()", {})) == ["f()", "f() (2)", "f() (3)"]


def test_a_function_gives_the_value_and_sets_the_variable():
    """Of statements that await, and of one that does not."""
    variables: dict[str, Any] = {"asyncio": asyncio, "n": 20}
    plain, awaiting, deep = functions_of_statements(
        "a = n + 1\nb = await asyncio.sleep(0, n + 2)\n[await asyncio.sleep(0, k) for k in range(2)]", variables
    ).values()
    assert (asyncio.run(plain()), asyncio.run(awaiting()), asyncio.run(deep())) == (21, 22, [0, 1])
    assert (variables["a"], variables["b"]) == (21, 22)


def test_annotations_are_what_they_are_in_a_cell():
    variables: dict[str, Any] = {}
    (define,) = functions_of_statements("def f(x: int): ...", variables).values()
    asyncio.run(define())
    assert variables["f"].__annotations__ == {"x": int}


def test_what_a_statement_only_makes_is_not_run():
    ran: list[str] = []
    dag = AgentDAG("one").add_node(AgentNode("node", lambda: ran.append("node")))
    table = benchmark_sync(functions_of_statements("made = dag", {"dag": dag}), repeats=1, progress=False)
    assert (table["status"].tolist(), ran) == (["success"], [])


def test_a_forgotten_await_fails_instead_of_being_fast():
    async def agent() -> None: ...

    table = benchmark_sync(functions_of_statements("x = agent()", {"agent": agent}), repeats=1, progress=False)
    assert table["status"].tolist() == ["failed"]
    assert "makes a coroutine that nothing awaits; write await before the call" in table.notes[0]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a = 1\n\nreturn a", "line 4 of the cell: 'return' outside function"),
        ("def f(): await a", "line 2 of the cell: 'await' outside async function"),
        ("", "the cell holds no statement; write one for each way of doing it below its first line"),
        ("# only this", "the cell holds no statement"),
        ("a = 1\nb = = 2", "line 3 of the cell: invalid syntax"),
    ],
)
def test_a_cell_that_cannot_be_compared_says_why(source: str, sentence: str):
    with pytest.raises(UsageError, match=sentence):
        functions_of_statements(source, {})


# -- in a kernel -----------------------------------------------------------------------------------------------------


@pytest.mark.kernel
def test_the_table_is_shown_once_and_kept_and_the_variables_hold_what_the_last_run_gave(kernel: Any):
    run_cell(kernel, "one_by_one = gathered = None")
    cell = (
        "%%compare\none_by_one = [await agent(t) for t in tasks]\ngathered = await asyncio.gather(*map(agent, tasks))"
    )
    ended = outcome(kernel, cell)
    assert ended.result == {}
    assert len(ended.shown) == 1
    assert "&#x27;gathered&#x27; is " in ended.shown[0]["text/html"]
    assert text_of(kernel, "one_by_one, gathered") == "([2, 4, 6], [2, 4, 6])"
    assert text_of(kernel, "_compared.index.tolist()") == "['one_by_one', 'gathered']"
    assert (
        text_of(kernel, "bool(_compared.same_result.all()), _compared.loc['gathered', 'verdict']") == "(True, 'faster')"
    )


@pytest.mark.kernel
def test_its_options_are_those_of_benchmark(kernel: Any):
    outcome(kernel, "%%compare --repeats 2 --warmup 0 --seed 7 --to mine\nawait agent(1)\nawait agent(2)")
    assert text_of(kernel, "mine.runs.tolist(), mine.attrs['warmup'], mine.attrs['seed']") == "([2, 2], 0, 7)"


@pytest.mark.kernel
def test_a_statement_that_raises_fails_in_its_row(kernel: Any):
    outcome(kernel, "%%compare\nawait agent(1)\n1 / 0")
    assert text_of(kernel, "_compared.status.tolist()") == "['success', 'failed']"
    assert "'1 / 0' failed in 5 of 5 runs: ZeroDivisionError" in text_of(kernel, "_compared.notes[0]")


STOP = """
from linus_nb import last_benchmark
calls, steps = [], []

def seconds():
    calls.append("one")
    if len(calls) < 3:
        return 0
    print("go")
    return 45

def spin():
    end = time.monotonic() + seconds()
    while time.monotonic() < end:
        steps.append("one")
"""


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("statement", "raised"),
    [
        ("await asyncio.sleep(seconds())", "CancelledError"),
        ("time.sleep(seconds())", "KeyboardInterrupt"),
        ("spin()", "KeyboardInterrupt"),
    ],
)
def test_stop_ends_it_and_keeps_what_was_measured(kernel: Any, statement: str, raised: str):
    run_cell(kernel, STOP)
    stopped = outcome(kernel, f"%%compare --warmup 0\nquick = 'done'\n{statement}", stop_at="go")
    assert stopped.raised == raised
    assert "What was measured is kept: linus_nb.last_benchmark()" in stopped.said
    assert "Traceback" not in stopped.said
    assert stopped.stopped_after_s < 10
    kept = text_of(kernel, "last_benchmark().attrs['finished'], quick, *last_benchmark().runs.tolist()")
    assert kept in ("(False, 'done', 2, 2)", "(False, 'done', 3, 2)")  # the turns are in random order


@pytest.mark.kernel
def test_a_statement_that_was_stopped_does_not_go_on_behind_the_notebook(kernel: Any):
    run_cell(kernel, STOP + "calls += ['one', 'two']")
    assert outcome(kernel, "%%compare --warmup 0\nspin()", stop_at="go").raised == "KeyboardInterrupt"
    assert text_of(kernel, "before = len(steps); await asyncio.sleep(0.1); before > 0, len(steps) - before") == (
        "(True, 0)"
    )
    assert text_of(kernel, "await agent(4)") == "8"  # the kernel's loop lives


@pytest.mark.kernel
def test_its_picture_is_shown_once(kernel: Any):
    run_cell(kernel, "%%compare --repeats 1 --to pictured\nawait agent(1)")
    ended = outcome(kernel, "pictured.plot()")
    assert [list(bundle) for bundle in ended.shown] == [["text/plain", "image/png"]]
    assert ended.result["text/plain"].startswith("<Axes: ")
    assert len(outcome(kernel, "1 + 1").shown) == 0


@pytest.mark.kernel
def test_its_help_names_the_options(kernel: Any):
    text = outcome(kernel, "print(get_ipython().find_cell_magic('compare').__doc__)").printed
    for word in ("--repeats", "--warmup", "--seed", "--to VARIABLE", "last_benchmark()"):
        assert word in text
    assert "--awaited" not in text


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("%%compare\n# nothing", "the cell holds no statement"),
        ("%%compare\nx = = 3", "line 2 of the cell: invalid syntax"),
        ("%%compare --repeats many\n1", "argument --repeats: invalid int value: 'many'"),
        ("%%compare --repeats 0\n1", "repeats is 0; give a whole number from 1"),
        ("%%compare --to 3\n1", "--to '3' is no name for a variable"),
    ],
)
def test_mistakes_are_a_sentence_and_no_traceback(kernel: Any, cell: str, sentence: str):
    ended = outcome(kernel, cell)
    assert f"UsageError: {sentence}" in ended.printed
    assert "Traceback" not in ended.printed + ended.said
    assert ended.shown == []


@pytest.mark.kernel
def test_under_another_magic_it_blocks_and_gives_the_same(kernel: Any):
    ended = outcome(kernel, "%%time\n%%compare --repeats 2\na = await agent(4)")
    assert "Wall time" in ended.printed
    assert len(ended.shown) == 1
    assert text_of(kernel, "a") == "8"


def test_without_a_kernel_it_blocks():
    code = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
shell.run_cell({SETUP!r}).raise_error()
shell.run_cell("%%compare --repeats 2\\na = [await agent(t) for t in tasks]\\nb = 3").raise_error()
print(shell.user_ns["a"], shell.user_ns["_compared"].runs.tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[2, 4, 6] [2, 2]"
    assert "verdict" in done.stdout
