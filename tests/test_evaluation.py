"""Cases put to agents, graphs and functions: rows, figures, failures, concurrency, Stop."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading

import pandas as pd
import pytest

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor, last_response, last_run
from linus_nb.analysis.evaluating.evaluation import evaluate, evaluate_sync, last_evaluation
from linus_nb.analysis.evaluating.table import EVALUATION_DTYPES
from linus_nb.engine.result import ExecutionResult
from linus_nb.events import ModelCalled, report
from linus_nb.testing import ScriptedModel
from tests.evaluations import KEY, of, shouting, sums, waits
from tests.virtual_time import run

# -- what comes out -----------------------------------------------------------------------------------------------


def test_an_agent_gives_a_row_for_each_case_in_their_order_with_answers_and_figures():
    table = of(shouting(), [("paris", "PARIS"), ("rome", "ROM"), "oslo"])
    assert list(table.index) == ["1", "2", "3"]
    assert list(table["output"]) == ["PARIS", "ROME", "OSLO"]
    assert list(table["score"][:2]) == [1.0, 0.0]
    assert pd.isna(table["score"]["3"])
    assert set(table["status"]) == {"success"}
    calls = table["llm_calls"]
    assert (calls > 0).all()
    assert list(table["input_tokens"]) == list(10 * calls)
    assert list(table["output_tokens"]) == list(3 * calls)
    assert list(table["cost"]) == [0.0] * 3
    assert str(table.results["2"]) == "ROME"
    assert table.results["2"].metrics.llm_calls == calls["2"]


def test_a_case_that_fails_is_kept_with_its_error_and_what_it_cost_until_then():
    agent = Agent(llm=ScriptedModel([ConnectionError("gone")] * 9, usage=(10, 3)))

    async def half_way(question):
        response = await shouting().arun("paris")
        if question == "bad":
            raise ValueError(f"no {KEY}\nplease")
        return response.result

    table = of(half_way, ["bad", "good"])
    assert list(table["status"]) == ["failed", "success"]
    assert table["error"]["1"] == "ValueError: no sk-••••e1f2 please"
    assert table["output"]["1"] is None
    assert table["llm_calls"]["1"] == table["llm_calls"]["2"] > 0
    assert table["input_tokens"]["1"] == table["input_tokens"]["2"]
    assert "Failed: '1'." in table.notes
    assert list(of(agent, ["x"])["error"]) == ["ConnectionError: gone"]


@pytest.mark.parametrize("width", [1, 3])
def test_what_an_agent_had_done_before_it_failed_is_in_the_results(width):
    def fetch(page: str) -> str:
        """Fetch a page."""
        return page.upper()

    def reply(messages, schema):
        if schema is None:
            raise ConnectionError("gone")
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "fetch", "description": "fetch it", "depends_on": []}]}
        if "complete" in schema["properties"]:
            return {"complete": "yes", "missing": ""}
        return {"page": next(name for name in ("paris", "rome", "oslo") if name in str(messages))}

    before = shouting().run("ada")
    agent = Agent([fetch], llm=ScriptedModel(reply, usage=(10, 3)))
    table = of(agent, [{"input": name, "name": name} for name in ("paris", "rome", "oslo")], max_concurrency=width)
    assert set(table["error"]) == {"ConnectionError: gone"}
    for name, response in table.results.items():
        assert [step.result for step in response.execution_history] == [name.upper()]
        assert response.completion_status == "ConnectionError: gone"
        assert response.metrics.total_input_tokens == table["input_tokens"][name] > 0
    assert "Failed: 'paris', 'rome', 'oslo' (see .results['paris'])." in table.notes
    assert last_response() is before


def test_what_an_agent_had_done_before_it_was_stopped_is_in_the_results():
    stopped_after(1, shouting(model={"latency_s": 3.0}), ["paris"])
    assert last_evaluation().results["1"].completion_status == "stopped before there was an answer"


def test_a_graph_gives_what_its_nodes_wrote_and_a_failed_run_can_be_looked_at():
    table = of(sums(), [{"x": 1, "expected": {"doubled": 2}}, {"x": 2, "name": "zero"}])
    assert list(table["input"]) == [{"x": 1}, {"x": 2}]
    assert list(table["output"]) == [{"doubled": 2, "rest": -0.5}, {"doubled": 4}]
    assert table["score"]["1"] == 1.0
    assert table["error"]["zero"] == "node 'halve': ZeroDivisionError: division by zero"
    assert isinstance(table.results["zero"], ExecutionResult)
    assert table.results["zero"].node_results == {"double": 4}


def test_what_a_graph_writes_over_an_initial_value_is_output_and_a_value_that_stays_is_not():
    dag = AgentDAG("d").add_node(AgentNode("next", lambda x: x + 1, output_key="x"))
    dag.add_node(AgentNode("never", lambda: 1, output_key="y")).add_edge("next", "never", lambda _: False)
    assert list(of(dag, [{"x": 1, "y": 7, "z": 8}])["output"]) == [{"x": 2}]


def test_errors_that_a_graph_waved_through_make_a_case_partial_and_it_is_scored():
    dag = AgentDAG("d").add_node(AgentNode("bad", lambda: 1 / 0, on_error="continue", output_key="y"))
    table = of(dag, [{}], score=lambda output: output == {"y": None})
    assert list(table["status"]) == ["partial"]
    assert list(table["score"]) == [1.0]
    assert table["error"]["1"].startswith("node 'bad': ZeroDivisionError")


def test_an_agent_that_does_not_complete_its_task_is_partial_and_says_why():
    def look() -> str:
        """Look."""
        return "nothing"

    def reply(_, schema):
        if schema is None:
            return "I do not know"
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "look", "description": "look", "depends_on": []}]}
        return {"complete": "no", "missing": "everything"} if "complete" in schema["properties"] else {}

    table = of(Agent([look], llm=ScriptedModel(reply), max_iterations=1), ["where?"])
    assert list(table["status"]) == ["partial"]
    assert table["error"]["1"].startswith("not completed: ")


def test_a_function_may_be_plain_or_async_and_what_it_returns_is_understood():
    assert list(of(str.upper, ["a"])["output"]) == ["A"]
    assert list(of(waits, [3])["duration_s"]) == [3.0]
    table = of(lambda x: sums()({"x": x}), [2, 1])
    assert list(table["status"]) == ["failed", "success"]
    assert any(note.startswith("No model call was heard of") for note in table.notes)


def test_calls_that_a_plain_function_makes_in_its_thread_are_counted():
    agent = shouting()
    table = of(lambda question: agent.run(question).result, ["paris", "rome"])
    assert list(table["output"]) == ["PARIS", "ROME"]
    assert (table["input_tokens"] == 10 * table["llm_calls"]).all()
    assert (table["llm_calls"] > 0).all()


def test_an_executor_brings_its_limits_and_keeps_its_own_last_result():
    async def wait(x):
        await asyncio.sleep(1)

    dag = AgentDAG("d").add_node(AgentNode("a", wait, resources={"gpu": 1})).add_node(AgentNode("b", wait))
    executor = DAGExecutor(dag, max_concurrency=1, resources={"gpu": 1})
    assert list(of(executor, [{"x": 1}])["duration_s"]) == [2.0]
    assert executor.last_result is None
    with pytest.raises(ValueError, match=r"case 1 cannot be run: .*'gpu'"):
        of(dag, [{"x": 1}])


def test_inside_a_node_the_cases_count_for_its_run_and_are_told_in_the_thread_of_its_loop():
    threads = set()

    def spend(tokens):
        report(ModelCalled("a model", 0.1, input_tokens=tokens))

    async def assess(cases):
        return await evaluate(spend, cases, progress=False)

    dag = AgentDAG("d").add_node(AgentNode("assess", assess))
    executor = DAGExecutor(dag, observers=[lambda _: threads.add(threading.get_ident())])
    result = run(executor.aexecute({"cases": [10, 20]}))
    assert list(result.node_results["assess"]["input_tokens"]) == [10, 20]
    assert result.to_frame()["input_tokens"]["assess"] == 30
    assert threads == {threading.get_ident()}


def test_the_blocking_twin_gives_the_same_also_beside_a_running_loop():
    async def beside():
        return evaluate_sync(str.upper, ["a"], progress=False)

    for table in (evaluate_sync(str.upper, ["a"], progress=False), asyncio.run(beside())):
        assert list(table["output"]) == ["A"]
        assert table.attrs["finished"]


# -- the table ----------------------------------------------------------------------------------------------------


def test_columns_and_dtypes_are_the_same_for_every_outcome_and_for_no_case_at_all():
    schema = {name: str(dtype) for name, dtype in of(shouting(), []).dtypes.items()}
    assert schema == EVALUATION_DTYPES
    assert list(schema) == list(EVALUATION_DTYPES)
    with_score = [*list(schema)[:3], "right", *list(schema)[3:]]
    for cases in ([], ["paris"], ["boom"], ["paris", "boom", ("rome", 3)]):
        table = of(shouting(), cases, score={"right": lambda output: output == "PARIS"})
        assert list(table.columns) == with_score
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {"right": "float64", **EVALUATION_DTYPES}
        assert table.index.name == "case"
        assert table.index.dtype == "string"


def test_values_are_kept_as_they_are_whatever_their_kind():
    values = [1, None, [1, 2], {"a": 1}, pd.DataFrame({"a": [1]}), float("nan")]
    table = of(lambda k: values[k], [{"input": k, "expected": values[k]} for k in range(6)])
    assert all(a is b for a, b in zip(table["output"], values, strict=True))
    assert table["expected"]["1"] == 1
    assert type(table["expected"]["1"]) is int
    assert [k for k, row in enumerate(table["expected"]) if row is None] == [1, 5]


def test_the_runs_behind_the_rows_survive_a_selection_and_are_left_out_of_a_pickle():
    table = of(sums(), [{"x": 1}, {"x": 2}])
    failed = table[table["status"] == "failed"][["error"]]
    assert failed.results["2"].status == "failed"
    assert failed.copy(deep=True).results["2"] is table.results["2"]
    read = pickle.loads(pickle.dumps(table))
    assert not read.results
    assert read.notes == table.notes
    pd.testing.assert_frame_equal(pd.DataFrame(read), pd.DataFrame(table))


def test_attrs_are_plain_values_and_name_what_was_asked_and_where():
    table = of(shouting(name="ada"), ["paris"], max_concurrency=2)
    facts = json.loads(json.dumps(table.attrs))
    assert facts["target"] == "ada"
    assert (facts["cases"], facts["max_concurrency"], facts["finished"]) == (1, 2, True)
    assert {"python", "versions", "asyncio_patched", "loop"} <= facts.keys()


def test_no_secret_is_shown_or_saved_with_the_table():
    def leak(question):
        raise ValueError(question)

    asked = [{"input": f"key {KEY}", "expected": {"api_key": "hunter2hunter2"}, "name": f"n {KEY}"}]
    for table in (of(leak, asked), of(lambda q: {"password": "hunter2hunter2", "said": q}, asked)):
        for text in (repr(table), table._repr_html_(), table[["input", "error"]].to_csv()):
            assert KEY not in text
            assert "hunter2hunter2" not in text
        assert "••••" in repr(table)


def test_markup_in_what_is_said_is_escaped():
    html = of(lambda _: "<script>alert(1)</script>", [{"input": "x", "name": "<b>"}])._repr_html_()
    assert "<script>alert" not in html
    assert "<b>" not in html.replace("<b>Note", "")


# -- how many at once, and in which order ------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "longest_s"), [(1, 10.0), (2, 5.0), (4, 4.0)])
def test_never_more_cases_run_at_once_than_asked_and_rows_keep_the_order_of_the_cases(width, longest_s):
    going_on: list[int] = []
    most = 0

    async def work(seconds):
        nonlocal most
        going_on.append(seconds)
        most = max(most, len(going_on))
        await asyncio.sleep(seconds)
        going_on.remove(seconds)
        return seconds

    async def timed():
        start = asyncio.get_running_loop().time()
        table = await evaluate(work, [4, 3, 2, 1], max_concurrency=width, progress=False)
        return table, asyncio.get_running_loop().time() - start

    table, took_s = run(timed())
    assert most == width
    assert took_s == longest_s
    assert list(table["output"]) == [4, 3, 2, 1]
    assert list(table["duration_s"]) == [4.0, 3.0, 2.0, 1.0]


def test_cases_are_not_the_runs_that_a_person_looks_for():
    DAGExecutor(AgentDAG("mine").add_node(AgentNode("a", lambda: 1))).execute()
    of(sums(), [{"x": 1}])
    assert last_run().name == "mine"


# -- Stop -----------------------------------------------------------------------------------------------------------


def stopped_after(seconds, target, cases, **options):
    """Cancel an evaluation; return how long its end took after that."""

    async def stopped():
        task = asyncio.create_task(evaluate(target, cases, progress=False, **options))
        await asyncio.sleep(seconds)
        before = asyncio.get_running_loop().time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert "linus_nb.last_evaluation()" in caught.value._render_traceback_()[0]
        return asyncio.get_running_loop().time() - before

    return run(stopped())


def test_a_cancelled_evaluation_keeps_what_had_ended_and_what_was_spent_on_what_had_not():
    async def two_questions(seconds):
        await shouting().arun("paris")
        await asyncio.sleep(seconds)
        return seconds

    stopped_after(2.5, two_questions, [1, 2, 100, 100, 100], max_concurrency=2, score=lambda output: output)
    table = last_evaluation()
    assert list(table["status"]) == ["success", "success", "cancelled", "cancelled"]
    assert list(table["score"][:2]) == [1.0, 2.0]
    assert (table["llm_calls"] > 0).all()
    assert table["duration_s"]["3"] == 1.5
    assert not table.attrs["finished"]
    assert table.notes[0] == "Not finished: 2 of 5 cases ended, 2 cut off; 1 without a row."


def test_a_case_that_will_not_end_does_not_hold_up_stop_and_is_said_to_be_cancelled():
    async def stubborn(_):
        while True:
            try:
                await asyncio.sleep(1000)
                return "late"
            except asyncio.CancelledError:
                continue

    assert stopped_after(1, stubborn, ["a"]) < 1
    assert list(last_evaluation()["status"]) == ["cancelled"]


def test_the_run_of_a_graph_that_was_cut_off_can_be_looked_at():
    dag = AgentDAG("d").add_node(AgentNode("one", lambda x: 1, output_key="a"))
    dag.add_node(AgentNode("two", lambda a: waits(100), output_key="b")).add_edge("one", "two")
    stopped_after(1, dag, [{"x": 1}])
    assert last_evaluation().results["1"].node_results == {"one": 1}
    assert list(last_evaluation()["output"]) == [None]


def test_an_evaluation_that_goes_on_can_be_looked_at():
    async def look():
        task = asyncio.create_task(evaluate(waits, [1, 3], progress=False))
        await asyncio.sleep(2)
        so_far = last_evaluation()
        await task
        return so_far

    so_far = run(look())
    assert list(so_far.index) == ["1"]
    assert so_far.notes[0] == "Not finished: 1 of 2 cases ended; 1 without a row."
    assert last_evaluation().attrs["finished"]


def test_a_cancellation_that_comes_out_of_the_target_is_an_error_of_that_case():
    async def gives_up(question):
        if question == "b":
            raise asyncio.CancelledError("by the client")

    table = of(gives_up, ["a", "b", "c"])
    assert list(table["status"]) == ["success", "failed", "success"]
    assert table["error"]["2"] == "CancelledError: by the client"


def test_an_interrupt_out_of_a_case_goes_on_and_what_had_ended_is_kept():
    async def interrupted(question):
        if question == "b":
            raise KeyboardInterrupt
        return question

    with pytest.raises(KeyboardInterrupt) as caught:
        evaluate_sync(interrupted, ["a", "b", "c"], max_concurrency=1, progress=False)
    assert "last_evaluation()" in caught.value._render_traceback_()[0]
    assert last_evaluation()["status"]["1"] == "success"


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [3, "agent", None, lambda: 1, lambda a, b: 1, waits(0)])
def test_what_cannot_be_asked_one_thing_is_refused(target):
    with pytest.raises(TypeError, match="cannot be evaluated; give an Agent"):
        of(target, ["a"])
    if asyncio.iscoroutine(target):
        target.close()


@pytest.mark.parametrize("width", [0, -1, True, 1.5, "4", None])
def test_a_concurrency_that_makes_no_sense_is_refused(width):
    with pytest.raises(ValueError, match=r"max_concurrency is .*; give a whole number from 1"):
        of(str.upper, ["a"], max_concurrency=width)


@pytest.mark.local_model
def test_the_embedded_model_answers_cases(real_model):
    table = asyncio.run(
        evaluate(
            Agent(llm=real_model),
            [("Is the sky blue? Answer yes or no.", "yes"), "Say hello."],
            score=lambda output, expected: None if expected is None else expected in output.lower(),
            max_concurrency=2,
            progress=False,
        )
    )
    assert set(table["status"]) <= {"success", "partial"}
    assert (table["output_tokens"] > 0).all()
    assert list(table["cost"]) == [0.0, 0.0]
    assert table["score"].notna().tolist() == [True, False]
    assert not any("script" in note for note in table.notes)
