"""What was tried on evaluations: odd cases, expectations, scorers and functions."""

from __future__ import annotations

import asyncio
import io
import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from linus_nb import (
    Agent,
    AgentDAG,
    AgentNode,
    DAGExecutor,
    diff,
    evaluate,
    last_evaluation,
)
from linus_nb.analysis.evaluating.cases import CaseError
from linus_nb.testing import ScriptedModel
from tests.evaluations import KEY, of, waits
from tests.virtual_time import run


def yes() -> Agent:
    return Agent(llm=ScriptedModel(lambda *_: "yes", usage=(10, 3)))


def sums(table: pd.DataFrame) -> tuple[float, ...]:
    return tuple(table[column].sum() for column in ("llm_calls", "input_tokens", "output_tokens"))


# -- evaluate: cases and expectations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        "4\n6",
        "4\n",  # a gap makes numbers of the column floats
        " 4\n6 ",
        "four\nsix",
        "True\nFalse",
    ],
)
def test_what_a_file_of_cases_holds_is_what_an_agent_answers(column: str) -> None:
    answers = column.split("\n")
    lines = [f"q{k},{answer}" for k, answer in enumerate(answers)]
    cases = pd.read_csv(io.StringIO("\n".join(["input,expected", *lines])))
    table = of(lambda question: answers[int(question[1:])].strip(), cases)
    assert table["score"].dropna().tolist() == [1.0 for answer in answers if answer]


@pytest.mark.parametrize("expected", [re.compile("b"), lambda output: "b" in output], ids=["pattern", "function"])
def test_what_no_output_can_equal_is_refused_before_anything_runs(expected: Any) -> None:
    with pytest.raises(CaseError, match="score"):
        of(str, [("abc", expected)])


def test_scores_join_cases_that_have_an_index_of_many_levels() -> None:
    index = pd.MultiIndex.from_tuples([("x", 1), ("x", 2)], names=["part", "number"])
    cases = pd.DataFrame({"input": ["a", "b"]}, index=index)
    assert cases.join(of(str, cases)[["output"]])["output"].tolist() == ["a", "b"]


def test_a_graph_that_reads_a_key_called_name_gets_it_or_is_refused() -> None:
    dag = AgentDAG("g").add_node(AgentNode("greet", lambda name: f"Hello {name}", output_key="text"))
    try:
        table = of(dag, [{"name": "Ann"}])
    except CaseError:
        return
    assert table["output"].tolist() == [{"text": "Hello Ann"}]


def test_two_rows_without_a_label_are_twins() -> None:
    with pytest.raises(CaseError, match=r"case 2 .* as case 1 has"):
        of(str, pd.DataFrame({"input": ["a", "b"]}, index=[float("nan"), float("nan")]))


def test_a_gap_among_numbers_makes_no_fractions_of_names() -> None:
    table = of(str, pd.DataFrame({"input": ["a", "b"], "name": [7, float("nan")]}))
    assert list(table.results) == ["7", 1]


def test_a_table_with_other_columns_is_told_which_to_rename() -> None:
    with pytest.raises(CaseError, match=r"rename\(columns=\{'question': 'input'\}\)"):
        of(str, pd.DataFrame({"question": ["a"], "answer": ["b"]}))


def test_the_table_shows_inputs_as_they_were_before_anything_ran() -> None:
    def grows(x: Any) -> Any:
        x["said"].append("more")
        return x

    table = of(grows, [{"input": {"said": ["once"]}}])
    assert table["input"].tolist() == [{"said": ["once"]}]
    assert table["output"].tolist() == [{"said": ["once", "more"]}]


def test_a_scorer_that_writes_into_a_case_changes_it_for_nobody_else() -> None:
    def writes(case: Any) -> bool:
        case["seen"] = True
        return True

    cases = [{"input": "a", "expected": "a"}]
    table = of(str, cases, score={"first": writes, "second": lambda case: "seen" not in case})
    assert table["second"].tolist() == [1]
    assert cases == [{"input": "a", "expected": "a"}]


# -- evaluate: what cases and scorers do ----------------------------------------------------------------------------


class PanicException(BaseException):
    """As libraries written in Rust raise it."""


def panics(x: Any) -> Any:
    if x == 1:
        raise PanicException("as told")
    return x


@pytest.mark.parametrize("where", ["target", "scorer"])
def test_a_panic_of_one_case_is_its_error_and_the_others_go_on(where: str) -> None:
    if where == "target":
        table = of(panics, [0, 1, 2])
        assert table["status"].tolist() == ["success", "failed", "success"]
    else:
        table = of(lambda x: x, [0, 1, 2], score=lambda output: panics(output) == 0)
        assert table["score"].isna().tolist() == [False, True, False]
    assert "PanicException: as told" in table["error"].iloc[1]


def test_a_function_that_streams_is_no_success() -> None:
    async def streams(x: Any) -> Any:
        yield x

    assert of(streams, ["a"])["status"].tolist() == ["failed"]


def test_notes_name_what_a_scorer_raised() -> None:
    table = of(str, ["a"], score=lambda output: len(output) / 0)
    assert "ZeroDivisionError" in " ".join(table.notes)


def test_stopped_while_scored_cases_are_not_said_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    async def stopped() -> str:
        score = {"score": lambda output: waits(100)}
        try:
            await asyncio.wait_for(evaluate(str, ["a", "b"], score=score, progress=True), 5)
        except TimeoutError as error:
            return "".join(getattr(error.__cause__, "_render_traceback_")())  # noqa: B009  IPython's protocol
        return ""

    assert "after 0 of 2 cases" in run(stopped())
    assert "100%" not in capsys.readouterr().err
    table = last_evaluation()
    assert table is not None
    assert table.notes[0] == "Not finished: 2 of 2 cases ended, not all of them were scored."


def test_stopped_while_scored_cases_keep_their_status_and_a_second_stop_changes_nothing() -> None:
    async def slowly(output: float) -> bool:
        await asyncio.sleep(5 + output)
        return True

    async def stopped_twice() -> pd.DataFrame:
        going = asyncio.ensure_future(evaluate(waits, [1, 1, 10], score=slowly, progress=False))
        await asyncio.sleep(3)
        going.cancel()
        await asyncio.sleep(0)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        table = last_evaluation()
        assert table is not None
        return table

    table = run(stopped_twice())
    assert table["status"].tolist() == ["success", "success", "cancelled"]
    assert table["score"].isna().all()
    assert not table.attrs["finished"]


def test_two_evaluations_at_once_keep_apart_what_they_spend() -> None:
    async def both() -> list[pd.DataFrame]:
        async with asyncio.TaskGroup() as group:
            going = [group.create_task(evaluate(yes(), cases, progress=False)) for cases in (["a"], ["b", "c"])]
        return [task.result() for task in going]

    assert [sums(table) for table in run(both())] == [(1, 10, 3), (2, 20, 6)]


def test_what_an_evaluation_inside_a_case_spends_is_that_cases() -> None:
    async def inside(question: str) -> Any:
        return await evaluate(yes(), [question, "again"], progress=False)

    table = of(inside, ["1", "2"])
    assert table["llm_calls"].tolist() == [2, 2]
    assert "again" not in table["input"].tolist()


def test_an_evaluation_survives_what_people_do_to_tables() -> None:
    table = of(str, [("a", "a"), ("b", "x")])
    other = of(str.upper, [("c", "C")])
    assert table.groupby("status")["score"].mean().to_dict() == {"success": 0.5}
    assert pd.concat([table, other])["score"].tolist() == [1, 0, 1]
    assert pd.concat([table, other]).results == {}  # none of the two has those of both
    assert table.merge(table, on="input")["score_x"].tolist() == [1, 0]
    assert table.sort_values("score").results == table.copy().results == table.results
    assert pd.read_csv(io.StringIO(table.to_csv()))["score"].tolist() == [1, 0]
    for changed in (table.T, table.describe(), table.iloc[:0], table.drop(columns=table.columns), table.reset_index()):
        assert repr(changed)
        assert "<table" in changed._repr_html_()


class _TextForMathJax(HTMLParser):
    """Gathers the text that is not inside an element with the class that MathJax passes over, nor in a ``pre``."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.read: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag in ("pre", "style") or "mathjax_ignore" in (dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.open):
            self.read.append(data)


def test_what_stands_between_two_dollars_is_no_formula_on_the_page() -> None:
    """JupyterLab would set it as one; `mathjax_ignore` and `tex2jax_ignore` are what its MathJax passes over."""
    dag = AgentDAG("prices").add_node(AgentNode("a", yes(), input_mapping={"q": "q"}))
    runs = [run(DAGExecutor(dag).aexecute({"q": "x"})) for _ in range(2)]
    for page in (diff(*runs)._repr_html_(), of(lambda _: "from $5 to $6", ["a"])._repr_html_()):
        reader = _TextForMathJax()
        reader.feed(page)
        assert "$" in page
        assert "$" not in "".join(reader.read)


def test_a_call_that_a_timeout_cut_off_is_counted() -> None:
    slow = Agent(llm=ScriptedModel(lambda *_: "yes", usage=(10, 3), latency_s=5))
    dag = AgentDAG("slow").add_node(AgentNode("a", slow, timeout_seconds=2, on_error="skip", input_mapping={"q": "q"}))
    result = run(DAGExecutor(dag).aexecute({"q": "x"}))
    assert result.to_frame()["llm_calls"].tolist() == [1]


def test_secrets_inside_values_are_not_in_the_files_of_an_evaluation() -> None:
    dag = AgentDAG("s").add_node(AgentNode("a", lambda q: {"token": KEY, "said": f"it is {q}"}, output_key="y"))
    table = of(dag, [{"q": KEY}])
    for text in (repr(table), table._repr_html_(), table.to_csv(), table.to_html(), repr(table.iloc[0])):
        assert KEY not in text
    assert KEY in str(table.results["1"].node_results)


def test_the_answer_of_a_chat_model_is_its_text() -> None:
    assert of(ScriptedModel(lambda *_: "yes"), [("hi", "yes")])["score"].tolist() == [1]
