"""What changed between two runs, and how that is shown."""

from __future__ import annotations

import asyncio
import pickle
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, LinusError, load_run
from linus_nb import events as ev
from linus_nb.analysis.noted import NotedFrame
from linus_nb.analysis.runs.diff import DIFF_DTYPES, diff, merged
from linus_nb.analysis.runs.diff_frame import MOST_LINES_SHOWN, MOST_NODES_SHOWN
from linus_nb.analysis.runs.many import RUN_DTYPES
from linus_nb.errors import NotARunError
from tests.analysis_records import running_dag, running_result
from tests.virtual_time import run

SECRET = "sk-proj-a1b2c3d4e5f6a7b8c9d0e1f2"


def chain(name: str = "chain", **nodes: Any) -> AgentDAG:
    """A chain of nodes that return values, raise errors, or are functions."""
    dag = AgentDAG(name)
    for node, value in nodes.items():
        dag.add_node(AgentNode(node, value if callable(value) else returning(value), output_key=node))
    for source, target in zip(list(nodes), list(nodes)[1:], strict=False):
        dag.add_edge(source, target)
    return dag


def returning(value: Any) -> Any:
    def answer() -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return answer


def ran(state: Any = None, dag: AgentDAG | None = None, **nodes: Any) -> Any:
    return DAGExecutor(dag or chain(**nodes)).execute(state)


def working(seconds: float, tokens: int, cost: float | None) -> Any:
    async def work() -> str:
        await asyncio.sleep(seconds)
        ev.report(ev.ModelCalled("m", seconds, tokens, 10, cost=cost))
        return "done"

    return work


def changes(a: Any, b: Any) -> dict[str, str]:
    found: dict[str, str] = diff(a, b)["change"].to_dict()
    return found


# -- rows -----------------------------------------------------------------------------------------------------------


def test_equal_runs_are_said_to_be_the_same() -> None:
    a, b = ran(x=[1, {2}], y="text"), ran(x=[1, {2}], y="text")
    table = diff(a, b)
    assert table["change"].tolist() == ["same", "same"]
    assert not table["output_changed"].any()
    assert table["output_diff"].tolist() == ["", ""]
    assert table.notes[0] == "a and b are the same: each node has the same status, output and error."
    assert (table.attrs["run_id_a"], table.attrs["run_id_b"]) == (a.record.run_id, b.record.run_id)


def test_an_output_that_changed_is_told_line_by_line() -> None:
    table = diff(ran(x={"city": "Paris", "km": 7}, y=1), ran(x={"city": "Lyon", "km": 7}, y=1))
    assert table["change"].tolist() == ["changed", "same"]
    assert table.loc["x", "output_diff"].splitlines() == [
        "  {",
        "-     'city': 'Paris',",
        "+     'city': 'Lyon',",
        "      'km': 7,",
        "  }",
    ]
    assert table.notes[0] == "1 node of 2 changed."


def test_a_changed_status_or_error_is_a_change_without_two_outputs() -> None:
    table = diff(ran(x="fine", y=2), ran(x=ValueError("no <b>"), y=2))
    assert table["status_a"].tolist() == ["completed", "completed"]
    assert table["status_b"].tolist() == ["failed", "skipped"]
    assert table.loc["x", ["error_a", "error_b"]].tolist() == ["", "ValueError: no <b>"]
    assert table["output_diff"].tolist() == ["- fine", "- 2"]
    assert "The status of a is 'success', that of b 'failed'." in table.notes
    other = diff(ran(x=ValueError("one")), ran(x=ValueError("two")))
    assert other.loc["x", ["change", "output_changed"]].tolist() == ["changed", False]


def test_nodes_come_in_the_order_of_b_and_those_of_a_alone_where_they_stood() -> None:
    a, b = ran(first=1, gone=2, last=3), ran(first=1, new=4, last=3)
    table = diff(a, b)
    assert table.index.tolist() == ["first", "gone", "new", "last"]
    assert table["change"].tolist() == ["same", "only in a", "only in b", "same"]
    assert table["output_diff"].tolist() == ["", "- 2", "+ 4", ""]
    assert table.loc["gone", ["status_a", "status_b"]].tolist() == ["completed", ""]
    assert table.loc["gone", ["duration_b_s", "duration_change_s", "tokens_b", "cost_b"]].isna().all()
    assert "Only in a: 'gone'." in table.notes
    assert "Only in b: 'new'." in table.notes
    assert not any("the same" in note for note in table.notes)


def test_names_merge_also_where_the_order_is_another() -> None:
    assert merged([], ["a"]) == ["a"]
    assert merged(["a", "b"], []) == ["a", "b"]
    assert merged(["p", "a", "q", "b", "r"], ["b", "a"]) == ["p", "b", "r", "a", "q"]


def test_times_tokens_and_costs_of_both_stand_beside_each_other() -> None:
    a = run(chain(x=working(2.0, 100, 0.5))())
    b = run(chain(x=working(0.5, 30, None))())
    row = diff(a, b).loc["x"]
    assert row[["duration_a_s", "duration_b_s", "duration_change_s"]].tolist() == [2.0, 0.5, -1.5]
    assert row[["tokens_a", "tokens_b", "cost_a"]].tolist() == [110, 40, 0.5]
    assert row[["cost_b"]].isna().all()
    assert row["change"] == "same"
    sentence = "From a to b: 2.00 s → 0.500 s (-75%), model calls 1 → 1, tokens 110 → 40, cost $0.5000 → not known."
    assert sentence in diff(a, b).notes


@pytest.mark.parametrize("kind", ["same", "changed", "only in one", "still running"])
def test_columns_and_dtypes_are_the_same_for_whatever_runs(kind: str) -> None:
    others = {"same": ran(x=1), "changed": ran(x=2), "only in one": ran(y=2), "still running": running_result()}
    for table in (diff(ran(x=1), others[kind]), diff(others[kind], ran(x=1))):
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == DIFF_DTYPES
        assert (table.index.name, str(table.index.dtype)) == ("node", "string")
    assert not set(RUN_DTYPES) & {"output_diff"}


# -- what is compared -----------------------------------------------------------------------------------------------


class Thing:
    def __init__(self, value: Any) -> None:
        self.value = value


VALUES: list[Any] = [
    {"a": (1, 2)}, {1, 2}, Thing(3), [float("nan")], "text\nof lines", None, {"password": "hunter22"}, SECRET,
    [Thing(1)],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_run_is_the_same_as_itself_saved_and_loaded_whatever_its_values(value: Any) -> None:
    result = ran(x=value)
    loaded = load_run(result.to_jsonl())
    for a, b in ((result, loaded), (loaded, result), (loaded, loaded), (result, pickle.loads(pickle.dumps(result)))):
        assert changes(a, b) == {"x": "same"}


def test_a_loaded_run_differs_where_the_run_that_was_saved_did() -> None:
    a, b = ran(x={1, 2}, y=Thing(1)), load_run(ran(x={1, 3}, y=Thing(2)).to_jsonl())
    table = diff(a, b)
    assert table["change"].tolist() == ["changed", "same"]  # of y nothing but its class was saved
    assert table.loc["x", "output_diff"] == "- {1, 2}\n+ {1, 3}"
    assert "The state is not compared: a saved run keeps what nodes returned, and no state." in table.notes


def test_things_are_compared_and_shown_by_what_they_hold() -> None:
    assert changes(ran(x=Thing([1])), ran(x=Thing([1]))) == {"x": "same"}
    shown = diff(ran(x=Thing("old")), ran(x=Thing("new"))).loc["x", "output_diff"]
    assert shown.splitlines() == ["  Thing(", "-     value='old',", "+     value='new',", "  )"]


def test_the_handle_of_a_run_is_taken_as_it_stands() -> None:
    async def looked_at() -> Any:
        handle = DAGExecutor(running_dag()).start()
        await asyncio.sleep(1)
        table = diff(handle, running_before)
        handle.cancel()
        await handle
        return table

    running_before = running_result()
    table = run(looked_at())
    assert set(table["change"]) == {"same"}
    assert "a and b had not ended when this was taken." in table.notes


@pytest.mark.parametrize("wrong", [None, "run.jsonl", {"x": 1}])
def test_what_is_no_run_is_refused_by_name(wrong: Any) -> None:
    for pair in ((wrong, ran(x=1)), (ran(x=1), wrong)):
        with pytest.raises(NotARunError, match="is no run; give what a graph's run returned") as caught:
            diff(*pair)
        assert isinstance(caught.value, LinusError)


# -- what is inside, and around -------------------------------------------------------------------------------------


def test_items_that_changed_are_named() -> None:
    def mapped(values: list[Any]) -> Any:
        dag = AgentDAG("mapped").add_node(AgentNode("each", lambda item: item * 2, map_over="xs"))
        return DAGExecutor(dag).execute({"xs": values})

    row = diff(mapped([1, 2, 3, 4]), mapped([1, 5, 3])).loc["each"]
    assert row["change"] == "changed"
    assert row["inside_changed"] == "each[1], each[3]"
    assert diff(mapped(list(range(9))), mapped([-1] * 9)).loc["each", "inside_changed"].endswith(" and 4 more")


def test_nodes_of_a_graph_inside_that_changed_are_named() -> None:
    def outer(value: int) -> Any:
        return ran(dag=AgentDAG("outer").add_node(AgentNode("held", chain(one=1, two=value))))

    row = diff(outer(2), outer(3)).loc["held"]
    assert row["inside_changed"] == "held/two"
    assert "-     'two': 2," in row["output_diff"]


def test_another_initial_state_is_told_and_what_nodes_wrote_is_not() -> None:
    def passed(state: Any) -> Any:
        return ran(state, chain(start=lambda topic: topic, end="fixed"))

    a, b = passed({"topic": "barriers", "k": 1}), passed({"topic": "bridges", "k": 1, "more": 2})
    told = [note for note in diff(a, b).notes if "state" in note]
    assert told == [
        "In the state, apart from what nodes returned: 'topic' ('barriers' → 'bridges'), 'more' (nothing → 2)."
    ]


def test_nodes_that_came_to_the_same_from_another_state_are_not_said_to_be_the_same_runs() -> None:
    table = diff(ran({"k": 1}, x="fixed"), ran({"k": 2}, x="fixed"))
    assert table.notes[0] == "Each node of both has the same status, output and error."


def test_other_graphs_schedules_and_edges_are_told() -> None:
    apart = chain("apart", x=1)
    apart.add_node(AgentNode("y", returning(2), output_key="y"))
    a, b = ran(x=1, y=2), run(DAGExecutor(apart).aexecute())
    notes = diff(a, b).notes
    assert "The graph of a is 'chain', that of b 'apart'." in notes
    assert "The schedule of a is 'sequential', that of b 'levels'." in notes
    assert "Edges only in a: 'x' → 'y'." in notes


# -- how it is shown ------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))


def html_of(table: Any) -> str:
    found = table._repr_html_()
    assert found is not None
    return str(found)


def test_the_text_shows_figures_then_sentences_then_each_changed_output() -> None:
    text = repr(diff(ran(x="old", y=1), ran(x="new", y=1)))
    assert text.index("status_a") < text.index("1 node of 2 changed.") < text.index("x: output")
    assert text.endswith("x: output\n  - old\n  + new")
    assert "output_diff" not in text


def test_the_page_marks_lines_by_sign_and_colour_and_words_within_them() -> None:
    html = html_of(diff(ran(x="The sky is blue today."), ran(x="The sky is grey today.")))
    assert "x: output</summary>" in html
    assert '- The sky is <span style="background-color:rgba(248,81,73,0.38)">blue</span> today.</div>' in html
    assert '+ The sky is <span style="background-color:rgba(46,160,67,0.42)">grey</span> today.</div>' in html


def test_lines_that_stand_for_no_other_line_are_marked_as_a_whole() -> None:
    html = html_of(diff(ran(x=["a", "b"]), ran(x=["a"])))
    assert 'background-color:rgba(248,81,73,0.16)">-     &#x27;b&#x27;,</div>' in html
    assert "0.38" not in html


def test_nothing_of_a_users_becomes_markup_or_is_told_that_is_secret() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    a = ran(
        {"api_key": "abcdefgh1"}, x=f"{hostile} <script> {SECRET}", y={"password": "hunter22"}, z=ValueError(hostile)
    )
    b = ran({"api_key": "abcdefgh2"}, x=f"{hostile} b {SECRET}", y={"password": "hunter33"}, z=ValueError("none"))
    table = diff(a, b)
    named = diff(ran(**{SECRET: 1}), ran(dag=chain(SECRET, x=1)))
    shown = html_of(table) + repr(table) + table.to_csv() + repr(named) + str(named.attrs)
    for secret in (SECRET, "hunter", "abcdefgh"):
        assert secret not in shown
    assert table.loc["y", "output_diff"].startswith("(both read the same")
    allowed = {
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "details",
        "summary",
        "pre",
        "span",
        "style",
    }
    assert {tag for tag, _ in Tags(html_of(table)).tags} <= allowed
    assert hostile in table.loc["x", "output_diff"]


def test_long_diffs_and_many_of_them_are_cut_and_said_to_be() -> None:
    many = {f"n{k}": k for k in range(MOST_NODES_SHOWN + 3)}
    a, b = ran(big=list(map(str, range(200))), **many), ran(big=[], **{name: -k - 1 for name, k in many.items()})
    table = diff(a, b)
    lines = len(table.loc["big", "output_diff"].splitlines())
    for shown in (repr(table), html_of(table).replace("&#x27;", "'")):
        assert f"… {lines - MOST_LINES_SHOWN} more lines: table.loc['big', 'output_diff']" in shown
        assert "4 more outputs changed: see the column 'output_diff'" in shown


def test_it_is_a_table_whose_parts_keep_its_sentences() -> None:
    table = diff(ran(x=1, y=1), ran(x=2, y=1))
    part = table[table["change"] == "changed"]
    assert isinstance(part, NotedFrame)
    assert repr(part).endswith("x: output\n  - 1\n  + 2")
    assert "- 1" not in repr(table[table["change"] == "same"])
    assert "1 node of 2 changed." in repr(table[["duration_a_s"]])
    assert "<pre" not in html_of(table[["duration_a_s"]])


class Document:
    """Shows nothing of what it holds."""

    def __init__(self, text: str) -> None:
        self.text = text


def changed_array() -> np.ndarray:
    array = np.arange(2000.0)
    array[1000] += 1e-12
    return array


def changed_table() -> pd.DataFrame:
    table = pd.DataFrame({"a": range(200), "text": "x" * 80})
    table.loc[100, "text"] = "x" * 79 + "y"
    return table


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.arange(2000.0), changed_array()),
        (np.array([0.1 + 0.2]), np.array([0.3])),
        (pd.DataFrame({"a": range(200), "text": "x" * 80}), changed_table()),
        (pd.Series(["a"] * 200), pd.Series([*["a"] * 100, "b", *["a"] * 99])),
    ],
)
def test_saved_arrays_and_tables_that_differ_where_their_repr_leaves_out_are_not_the_same(a, b, tmp_path):
    ran_a, ran_b = (
        DAGExecutor(AgentDAG("g").add_node(AgentNode("n", lambda value=v: value))).execute() for v in (a, b)
    )
    saved_a, saved_b = saved_and_loaded(ran_a, tmp_path), saved_and_loaded(ran_b, tmp_path)
    assert diff(saved_a, saved_b)["change"].tolist() == ["changed"]
    assert diff(saved_a, ran_b)["change"].tolist() == ["changed"]
    assert diff(saved_a, ran_a)["change"].tolist() == ["same"]


def test_what_a_file_keeps_only_a_part_of_is_not_called_the_same(tmp_path):
    runs = [
        DAGExecutor(AgentDAG("g").add_node(AgentNode("n", lambda text=text: [Document(text)]))).execute()
        for text in ("yes", "no")
    ]
    table = diff(*(saved_and_loaded(run, tmp_path) for run in runs))
    assert table.notes[0] == "Of the output of 'n' a file keeps a part only: what was kept is the same."
    assert not any("same status, output" in note for note in table.notes)


def saved_and_loaded(result, folder):
    path = folder / f"{result.record.run_id}.jsonl"
    result.save_jsonl(path)
    return load_run(path)
