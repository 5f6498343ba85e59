"""What a node gets to see: the same in every mode."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Mapping

import pytest

from linus_nb import AgentDAG, AgentNode
from linus_nb.errors import MissingInputError, ValidationError
from tests.modes import Mode, every_mode

pytestmark = pytest.mark.usefixtures("straight_path")


class OnlyRun:
    def run(self, task):
        return f"run({dict(task)})"


class OnlyArun:
    async def arun(self, task):
        return f"arun({dict(task)})"


class AsyncRun:
    async def run(self, task, return_metrics=True):
        assert return_metrics is False
        return f"async run({dict(task)})"


class Runnable:
    def invoke(self, task):
        return task["x"] + 1

    async def ainvoke(self, task):
        return task["x"] + 1


async def async_double(x):
    await asyncio.sleep(0.01)
    return 2 * x


def returns_a_coroutine(x):
    return async_double(x)


@every_mode
def test_everything_a_node_may_hold_runs_in_one_graph(mode: Mode):
    inner = AgentDAG("inner").add_node(AgentNode("triple", lambda x: 3 * x, output_key="tripled"))
    dag = AgentDAG("mixed")
    for name, thing in {
        "plain": lambda x: x + 1,
        "async": async_double,
        "awaitable": returns_a_coroutine,
        "run": OnlyRun(),
        "arun": OnlyArun(),
        "async_run": AsyncRun(),
        "runnable": Runnable(),
        "dag": inner,
        "no_input": lambda: "nothing",
        "whole_view": lambda seen: sorted(seen),
    }.items():
        dag.add_node(AgentNode(name, thing))
    assert mode(dag, {"x": 20, "y": 0}).raise_for_failure().node_results == {
        "plain": 21,
        "async": 40,
        "awaitable": 40,
        "run": "run({'x': 20, 'y': 0})",
        "arun": "arun({'x': 20, 'y': 0})",
        "async_run": "async run({'x': 20, 'y': 0})",
        "runnable": 21,
        "dag": {"tripled": 60},
        "no_input": "nothing",
        "whole_view": ["x", "y"],
    }


@every_mode
def test_input_mapping_gives_a_dict_by_keyword_or_whole(mode: Mode):
    dag = AgentDAG()
    dag.add_node(AgentNode("keyword", lambda a: a, input_mapping={"a": "x"}))
    dag.add_node(AgentNode("whole", lambda given: given, input_mapping={"a": "x", "b": "y"}))
    dag.add_node(AgentNode("agent", OnlyRun(), input_mapping={"question": "x"}))
    dag.add_node(AgentNode("empty", OnlyRun(), input_mapping={}))
    assert mode(dag, {"x": None, "y": 0}).node_results == {
        "keyword": None,
        "whole": {"a": None, "b": 0},
        "agent": "run({'question': None})",
        "empty": "run({})",
    }


@every_mode
def test_a_node_sees_what_its_ancestors_wrote_and_no_more(mode: Mode):
    dag = AgentDAG()
    dag.add_node(AgentNode("a", lambda: 1, output_key="from_a"))
    dag.add_node(AgentNode("aside", lambda: 2, output_key="from_aside"))
    dag.add_node(AgentNode("b", lambda seen: dict(seen), output_key="from_b"))
    dag.add_node(AgentNode("c", lambda seen: dict(seen)))
    dag.add_edge("a", "b").add_edge("b", "c")
    results = mode(dag, {"given": 0}).node_results
    assert results["b"] == {"given": 0, "from_a": 1}
    assert results["c"] == {"given": 0, "from_a": 1, "from_b": {"given": 0, "from_a": 1}}


@every_mode
def test_the_last_ancestor_in_plan_order_is_heard(mode: Mode):
    dag = AgentDAG()
    for name in "abc":
        dag.add_node(AgentNode(name, lambda name=name: name, output_key="who"))
    dag.add_node(AgentNode("reader", lambda who: who))
    dag.add_edge("a", "b").add_edge("b", "c").add_edge("b", "reader")
    result = mode(dag)
    assert result.node_results["reader"] == "b"
    assert result.final_state == {"who": "c"}


@every_mode
def test_a_reducer_folds_over_the_initial_value_and_the_writes_a_reader_may_see(mode: Mode):
    dag = AgentDAG(reducers={"found": operator.add})
    for name in "ab":
        dag.add_node(AgentNode(name, lambda name=name: [name], output_key="found"))
    dag.add_node(AgentNode("both", lambda found: list(found)))
    dag.add_node(AgentNode("one", lambda found: list(found)))
    dag.add_edge("a", "both").add_edge("b", "both").add_edge("b", "one")
    result = mode(dag, {"found": ["start"]})
    assert result.node_results["both"] == ["start", "a", "b"]
    assert result.node_results["one"] == ["start", "b"]
    assert result.final_state["found"] == ["start", "a", "b"]


@every_mode
def test_a_key_whose_writer_was_skipped_takes_the_default_or_fails_by_name(mode: Mode):
    def breaks():
        raise OSError

    dag = AgentDAG().add_node(AgentNode("writer", breaks, on_error="skip", output_key="text"))
    dag.add_node(AgentNode("default", lambda text="none": text))
    dag.add_node(AgentNode("needs", lambda text: text))
    dag.add_edge("writer", "default").add_edge("writer", "needs")
    result = mode(dag)
    assert result.node_results == {"default": "none"}
    assert isinstance(result.errors["needs"], MissingInputError)
    assert "'needs' reads 'text'" in str(result.errors["needs"])


@every_mode
def test_a_reducer_that_raises_at_the_end_loses_nothing(mode: Mode, caplog):
    dag = AgentDAG(reducers={"found": operator.add})
    dag.add_node(AgentNode("number", lambda: 1, output_key="found"))
    dag.add_node(AgentNode("text", lambda: "two", output_key="found"))
    result = mode(dag)
    assert result.node_results == {"number": 1, "text": "two"}
    assert result.final_state["found"] == [1, "two"]
    assert "the reducer of 'found' raised TypeError" in caplog.text


# -- how a function is called -----------------------------------------------------------------------------------------


def keyword_only(*, x, y=0, absent=9):
    return x, y, absent


def with_rest(*rest, **more):
    return rest, more


class Made:
    def __init__(self, x):
        self.x = x


@every_mode
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: "nothing", "nothing"),
        (lambda x: x, 1),
        (lambda y, x: (x, y), (1, 2)),
        (lambda x, y=0: (x, y), (1, 2)),
        (lambda x, absent=9: (x, absent), (1, 9)),
        (lambda absent=9: absent, 9),
        (lambda y=0: y, 2),
        (lambda whole: sorted(whole), ["x", "y"]),
        (lambda whole, y=0: (sorted(whole), y), (["x", "y"], 0)),
        (lambda given, /: sorted(given), ["x", "y"]),
        (keyword_only, (1, 2, 9)),
        (with_rest, ((), {})),
        (lambda x, **more: (x, more), (1, {})),
        (len, 2),
        (sorted, ["x", "y"]),
        (dict, {"x": 1, "y": 2}),
        (operator.itemgetter("y"), 2),
    ],
)
def test_a_function_is_called_by_the_keys_it_names_or_with_the_whole(mode: Mode, function, expected):
    assert mode(AgentDAG().add_node(AgentNode("n", function)), {"x": 1, "y": 2}).node_results == {"n": expected}


class Empty:
    """Callable, and false where its truth is asked for."""

    def __call__(self, x):
        return x

    def __len__(self):
        return 0


class EmptyAgent(Empty):
    def run(self, task):
        return task["x"]


@every_mode
def test_what_is_false_is_called_all_the_same(mode: Mode):
    dag = AgentDAG().add_node(AgentNode("function", Empty())).add_node(AgentNode("agent", EmptyAgent()))
    assert mode(dag, {"x": 1}).node_results == {"function": 1, "agent": 1}


@every_mode
def test_a_class_is_a_function_that_makes_an_object(mode: Mode):
    made = mode(AgentDAG().add_node(AgentNode("n", Made)), {"x": 1}).node_results["n"]
    assert made.x == 1


@every_mode
@pytest.mark.parametrize("mapping", [None, {"a": "a", "b": "b"}])
def test_several_parameters_by_position_only_are_filled_or_named_as_a_problem(mode: Mode, mapping):
    dag = AgentDAG().add_node(AgentNode("n", operator.sub, input_mapping=mapping))
    try:
        outcome = str(mode(dag, {"a": 5, "b": 3}).node_results)
    except ValidationError as error:
        outcome = str(error)
    assert outcome == "{'n': 2}" or ("'a'" in outcome and "'b'" in outcome)


@every_mode
def test_a_mapped_dict_holds_just_the_mapped_keys_and_none_for_an_empty_mapping(mode: Mode):
    dag = AgentDAG()
    dag.add_node(AgentNode("rest", lambda a, **more: (a, more), input_mapping={"a": "x", "b": "y"}))
    dag.add_node(AgentNode("renamed", lambda a, y=0: (a, y), input_mapping={"a": "x"}))
    dag.add_node(AgentNode("empty", lambda a=7: a, input_mapping={}))
    assert mode(dag, {"x": 1, "y": 2, "a": 3}).node_results == {"rest": (1, {"b": 2}), "renamed": (1, 0), "empty": 7}


class NoInput:
    def run(self):
        return "ran"


class Strict:
    """Any keyword would be one too many."""

    def run(self, task):
        return sorted(task)


class Forwards:
    def run(self, task, **options):
        return options


@every_mode
def test_return_metrics_goes_where_the_signature_has_it_and_input_where_there_is_room(mode: Mode):
    dag = AgentDAG()
    for thing in (NoInput(), Strict(), Forwards()):
        dag.add_node(AgentNode(type(thing).__name__, thing))
    assert mode(dag, {"x": 1}).node_results == {"NoInput": "ran", "Strict": ["x"], "Forwards": {}}


# -- what it sees -----------------------------------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize("value", [None, 0, False, "", [], {}], ids=repr)
def test_falsy_values_and_none_pass(mode: Mode, value):
    dag = AgentDAG().add_node(AgentNode("write", lambda: value, output_key="v"))
    dag.add_node(AgentNode("named", lambda v="default": [v])).add_edge("write", "named")
    dag.add_node(AgentNode("viewed", lambda seen: [seen["v"], "v" in seen])).add_edge("write", "viewed")
    dag.add_node(AgentNode("given", lambda first="default": [first]))
    results = mode(dag, {"first": value}).node_results
    assert results == {"write": value, "named": [value], "viewed": [value, True], "given": [value]}


@every_mode
def test_the_view_is_a_read_only_mapping(mode: Mode):
    found = {}

    def looks(seen):
        found.update(
            is_mapping=isinstance(seen, Mapping),
            keys=list(seen),
            length=len(seen),
            items=dict(seen.items()),
            get=(seen.get("a"), seen.get("missing"), seen.get("missing", 7)),
            has=(seen.has("a"), seen.has("missing"), "a" in seen, "later" in seen, 5 in seen),
            equal=seen == {"x": 1, "a": 2},
        )
        with pytest.raises(TypeError):
            seen["x"] = 2
        with pytest.raises(TypeError):
            del seen["x"]
        with pytest.raises(KeyError, match="missing"):
            seen["missing"]
        with pytest.raises(KeyError, match="later"):
            seen["later"]

    dag = AgentDAG().add_node(AgentNode("a", lambda: 2, output_key="a"))
    dag.add_node(AgentNode("looks", looks, output_key="later")).add_edge("a", "looks")
    assert mode(dag, {"x": 1}).raise_for_failure().status == "success"
    assert found == {
        "is_mapping": True,
        "keys": ["x", "a"],
        "length": 2,
        "items": {"x": 1, "a": 2},
        "get": (2, None, 7),
        "has": (True, False, True, False, False),
        "equal": True,
    }


@every_mode
def test_values_are_passed_by_reference(mode: Mode):
    thing = object()
    dag = AgentDAG().add_node(AgentNode("same", lambda x: x, output_key="y"))
    dag.add_node(AgentNode("after", lambda seen: seen["y"] is seen["x"])).add_edge("same", "after")
    result = mode(dag, {"x": thing})
    assert result.node_results["after"] is True
    assert result.final_state["y"] is thing


@every_mode
def test_a_key_whose_last_writer_was_skipped_has_the_value_of_the_one_before(mode: Mode):
    def breaks():
        raise OSError

    dag = AgentDAG().add_node(AgentNode("first", lambda: "first", output_key="text"))
    dag.add_node(AgentNode("second", breaks, on_error="skip", output_key="text")).add_edge("first", "second")
    dag.add_node(AgentNode("reads", lambda text: text)).add_edge("second", "reads")
    result = mode(dag, {"text": "initial"})
    assert result.node_results["reads"] == "first"
    assert result.final_state == {"text": "first"}


@every_mode
def test_a_mapped_key_whose_writer_was_skipped_is_left_out(mode: Mode):
    def breaks():
        raise OSError

    dag = AgentDAG().add_node(AgentNode("writer", breaks, on_error="skip", output_key="text"))
    dag.add_node(AgentNode("agent", Strict(), input_mapping={"a": "text", "b": "x"}))
    dag.add_node(AgentNode("keyword", lambda a="default": a, input_mapping={"a": "text"}))
    dag.add_node(AgentNode("needs", lambda a: a, input_mapping={"a": "text"}))
    for name in ("agent", "keyword", "needs"):
        dag.add_edge("writer", name)
    result = mode(dag, {"x": 1})
    assert result.node_results == {"agent": ["b"], "keyword": "default"}
    error = result.errors["needs"]
    assert type(error) is MissingInputError
    assert (error.node, error.key) == ("needs", "text")


@every_mode
def test_a_prompt_template_is_filled_with_what_its_node_sees(mode: Mode):
    from langchain_core.prompts import ChatPromptTemplate

    dag = AgentDAG().add_node(AgentNode("one", ChatPromptTemplate.from_template("Say {x}.")))
    dag.add_node(AgentNode("two", ChatPromptTemplate.from_template("Say {x} and {y}.")))
    found = mode(dag, {"x": "tea", "y": "milk"}).raise_for_failure().node_results
    assert {name: value.to_string() for name, value in found.items()} == {
        "one": "Human: Say tea.",
        "two": "Human: Say tea and milk.",
    }


@every_mode
@pytest.mark.parametrize("retry_count", [0, 1], ids=["short", "long"])
def test_a_coroutine_that_an_async_function_returns_is_awaited_too(mode: Mode, retry_count):
    async def inner():
        return "found"

    async def outer():
        return inner()

    dag = AgentDAG().add_node(AgentNode("outer", outer, retry_count=retry_count))
    assert mode(dag).node_results == {"outer": "found"}
