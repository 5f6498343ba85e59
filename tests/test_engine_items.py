"""Nodes that run once per item of a list: results, failures, limits and records, the same in every mode."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus, last_run
from linus_nb.engine.record import fold
from linus_nb.errors import GraphError, ItemsFailedError, MissingInputError, NodeTimeoutError
from tests.modes import AWAITED, Mode, dataflow, every_mode, levels, sequential
from tests.node_kinds import async_function, graph, sync_function
from tests.real_time import in_time

PARALLEL = [levels, dataflow]
both_functions = pytest.mark.parametrize("make", [sync_function, async_function])


def mapped(agent, **options) -> AgentDAG:
    """One node over the key "xs", and one after it."""
    dag = AgentDAG("d").add_node(AgentNode("each", agent, map_over="xs", output_key="ys", **options))
    return dag.add_node(AgentNode("after", lambda seen: seen.get("ys", "nothing"))).add_edge("each", "after")


# -- what an item's agent gets ----------------------------------------------------------------------------------------


@every_mode
@both_functions
@pytest.mark.parametrize("xs", [[], [1], list(range(50)), (3, 2, 1), range(3), {7: "a"}.keys()], ids=repr)
def test_results_stand_in_the_order_of_the_items(mode: Mode, make, xs):
    result = mode(mapped(make(lambda x: 10 * x)), {"xs": xs})
    expected = [10 * x for x in xs]
    assert result.status == "success"
    assert result.node_results == {"each": expected, "after": expected}
    assert [item.name for item in result.record.nodes["each"].items] == [f"each[{k}]" for k in range(len(expected))]
    assert fold(result.events) == result.record


@pytest.mark.parametrize("mode", PARALLEL)
def test_results_stand_in_order_although_the_last_item_ends_first(mode: Mode):
    async def later_first(x):
        await asyncio.sleep(10 - x)
        return x

    result = mode(mapped(later_first), {"xs": list(range(8))})
    assert result.node_results["each"] == list(range(8))


@every_mode
def test_a_generator_is_read_once(mode: Mode):
    assert mode(mapped(lambda x: x), {"xs": (k for k in range(3))}).node_results["each"] == [0, 1, 2]


class Agent:
    def run(self, task):
        return task if not hasattr(task, "keys") else dict(task)


@every_mode
def test_the_item_goes_where_it_is_wanted_beside_the_other_keys(mode: Mode):
    dag = AgentDAG()
    for name, agent, options in [
        ("first", lambda x, tone: (x, tone), {}),
        ("named", lambda tone, x: (x, tone), {"map_item": "x"}),
        ("optional", lambda tone="d", x=0: (x, tone), {"map_item": "x"}),
        ("mapping", lambda x, a: (x, a), {"input_mapping": {"a": "tone"}}),
        ("builtin", str, {}),
        ("positions", pow, {}),
        ("bare", Agent(), {}),
        ("beside", Agent(), {"map_item": "page"}),
        ("dict", Agent(), {"map_item": "page", "input_mapping": {"a": "tone"}}),
        ("graph", graph(lambda x: x), {"map_item": "x"}),
    ]:
        dag.add_node(AgentNode(name, agent, map_over="xs", **options))
    everything = {"xs": [1, 2], "tone": "dry", "exp": 3}
    assert mode(dag, everything).raise_for_failure().node_results == {
        "first": [(1, "dry"), (2, "dry")],
        "named": [(1, "dry"), (2, "dry")],
        "optional": [(1, "dry"), (2, "dry")],
        "mapping": [(1, "dry"), (2, "dry")],
        "builtin": ["1", "2"],
        "positions": [1, 8],
        "bare": [1, 2],
        "beside": [{"page": 1, **everything}, {"page": 2, **everything}],
        "dict": [{"page": 1, "a": "dry"}, {"page": 2, "a": "dry"}],
        "graph": [{"out": 1}, {"out": 2}],
    }


@every_mode
def test_an_item_hides_a_key_of_its_name(mode: Mode):
    assert mode(mapped(lambda x: x), {"xs": [1, 2], "x": "hidden"}).node_results["each"] == [1, 2]


@every_mode
@both_functions
def test_each_item_starts_in_a_copy_of_the_callers_context(mode: Mode, make):
    tag: ContextVar[str] = ContextVar("tag")
    tag.set("caller")

    def marks(x):
        before = tag.get()
        tag.set(f"item {x}")
        return before

    assert mode(mapped(make(marks)), {"xs": [1, 2, 3]}).node_results["each"] == ["caller"] * 3
    assert tag.get() == "caller"


# -- what cannot be mapped over ---------------------------------------------------------------------------------------


@every_mode
@pytest.mark.parametrize("value", [5, None, "text", b"bytes", {"a": 1}], ids=repr)
@pytest.mark.parametrize("on_error", ["fail", "skip", "continue"])
def test_what_is_no_list_is_the_nodes_error_in_words(mode: Mode, value, on_error):
    result = mode(mapped(lambda x: x, on_error=on_error, retry_count=2), {"xs": value})
    assert type(result.errors["each"]) is TypeError
    assert f"'xs', which is a {type(value).__name__}" in str(result.errors["each"])
    assert (
        result.record.nodes["each"].status == {"fail": "failed", "skip": "skipped", "continue": "completed"}[on_error]
    )
    assert result.node_results.get("after") == {"fail": None, "skip": "nothing", "continue": None}[on_error]


@every_mode
def test_a_list_that_raises_while_it_is_read_is_the_nodes_error(mode: Mode):
    def broken():
        yield 1
        raise OSError("page 2")

    result = mode(mapped(lambda x: x), {"xs": broken()})
    assert str(result.errors["each"]) == "page 2"
    assert result.record.nodes["each"].status is NodeStatus.FAILED


@every_mode
def test_a_list_whose_writer_was_skipped_is_missing_by_name(mode: Mode):
    def breaks():
        raise OSError

    dag = AgentDAG().add_node(AgentNode("writes", breaks, on_error="skip", output_key="xs"))
    dag.add_node(AgentNode("each", lambda x: x, map_over="xs")).add_edge("writes", "each")
    error = mode(dag).errors["each"]
    assert type(error) is MissingInputError
    assert (error.node, error.key) == ("each", "xs")


@pytest.mark.parametrize(
    ("agent", "options", "words"),
    [
        (lambda: 0, {"map_over": "xs"}, "takes no parameter"),
        (lambda x: 0, {"map_over": ""}, "key of a list"),
        (lambda x: 0, {"map_over": ["xs"]}, "key of a list"),
        (lambda x: 0, {"map_over": "xs", "map_item": "y"}, "map_item"),
        (lambda page: 0, {"map_over": "xs", "map_item": "pgae"}, "did you mean 'page'"),
        (lambda x: 0, {"map_item": "x"}, "map_over='key of a list'"),
        (lambda x: 0, {"map_over": "xs", "map_concurrency": 0}, "whole number from 1"),
        (lambda x: 0, {"map_over": "xs", "map_concurrency": True}, "whole number from 1"),
        (lambda x: 0, {"map_over": "xs", "map_concurrency": 2.0}, "whole number from 1"),
    ],
)
def test_what_makes_no_sense_is_refused_when_the_node_is_made(agent, options, words):
    with pytest.raises(GraphError, match="node 'n'") as caught:
        AgentNode("n", agent, **options)
    assert words in str(caught.value)


# -- items that fail --------------------------------------------------------------------------------------------------


def odd_ones_fail(x):
    if x % 2:
        raise ValueError(f"odd {x}")
    return x


@every_mode
@both_functions
@pytest.mark.parametrize(
    ("on_error", "status", "ys"),
    [("fail", "failed", None), ("skip", "partial", [0, 2, 4]), ("continue", "partial", [0, None, 2, None, 4])],
)
def test_items_that_fail_mean_what_on_error_says(mode: Mode, make, on_error, status, ys):
    result = mode(mapped(make(odd_ones_fail), on_error=on_error), {"xs": range(5)})
    error = result.errors["each"]
    assert result.status == status
    assert type(error) is ItemsFailedError
    assert (error.node, sorted(error.errors), error.count) == ("each", [1, 3], 5)
    assert str(error.__cause__) == "odd 1"
    assert "2 of 5 items of 'each' failed, the first of them item 1: ValueError: odd 1" in str(error)
    items = result.record.nodes["each"].items
    assert [item.status.value for item in items] == ["completed", "failed", "completed", "failed", "completed"]
    assert [str(item.error) for item in items if item.error] == ["odd 1", "odd 3"]
    assert [item.result for item in items] == [0, None, 2, None, 4]
    assert result.node_results.get("each") == ys
    assert result.node_results.get("after") == ys


@every_mode
@pytest.mark.parametrize("on_error", ["skip", "continue"])
def test_when_all_items_fail_the_list_is_empty_or_full_of_none(mode: Mode, on_error):
    def breaks(x):
        raise OSError

    result = mode(mapped(breaks, on_error=on_error), {"xs": [1, 2]})
    assert result.node_results["after"] == ([] if on_error == "skip" else [None, None])
    assert result.status == "partial"


@every_mode
@both_functions
@pytest.mark.usefixtures("no_backoff")
def test_attempts_are_counted_per_item(mode: Mode, make):
    tries: dict[int, int] = {}

    def flaky(x):
        tries[x] = tries.get(x, 0) + 1
        if tries[x] <= x:
            raise OSError(x)
        return x

    result = mode(mapped(make(flaky), retry_count=2), {"xs": range(5)})
    items = result.record.nodes["each"].items
    assert [item.attempts for item in items] == [1, 2, 3, 3, 3]
    assert tries == {0: 1, 1: 2, 2: 3, 3: 3, 4: 3}
    assert sorted(result.errors["each"].errors) == [3, 4]
    retried = [event for event in result.events if type(event).__name__ == "NodeRetried"]
    assert sorted((event.item, event.attempt) for event in retried) == [
        (1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)
    ]  # fmt: skip


@pytest.mark.parametrize("mode", AWAITED)
def test_the_time_limit_is_per_item(mode: Mode):
    result = mode(mapped(sleeps, timeout_seconds=5, on_error="continue"), {"xs": [1, 9, 4]})
    assert result.node_results["each"] == [1, None, 4]
    assert type(result.errors["each"].errors[1]) is NodeTimeoutError
    assert result.execution_time_seconds == (10 if mode is sequential else 5)


async def sleeps(x):
    await asyncio.sleep(x)
    return x


@every_mode
@both_functions
def test_fail_fast_starts_no_more_items(mode: Mode, make):
    begun = []

    def breaks_at_1(x):
        begun.append(x)
        if x == 1:
            raise ValueError
        return x

    result = mode(mapped(make(breaks_at_1), map_concurrency=1), {"xs": range(5)}, fail_fast=True)
    assert result.status == "failed"
    assert begun == [0, 1]
    items = result.record.nodes["each"].items
    assert [item.status.value for item in items] == ["completed", "failed", "skipped", "skipped", "skipped"]
    assert all(item.reason for item in items[2:])


@every_mode
@both_functions
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_out_of_an_item_ends_the_run(mode: Mode, make, interrupt):
    def interrupts(x):
        if x == 1:
            raise interrupt
        return x

    with pytest.raises(interrupt):
        in_time(lambda: mode(mapped(make(interrupts), map_concurrency=1), {"xs": range(4)}))
    result = last_run()
    each = result.record.nodes["each"]
    assert result.status == "cancelled"
    assert (each.status, each.reason) == (NodeStatus.CANCELLED, interrupt.__name__)
    assert [item.status.value for item in each.items] == ["completed", "cancelled", "skipped", "skipped"]


@every_mode
def test_an_item_that_raises_cancelled_error_by_itself_has_failed(mode: Mode):
    async def cancels(x):
        raise asyncio.CancelledError

    result = mode(mapped(cancels, on_error="continue", retry_count=2), {"xs": [1, 2]})
    assert result.node_results["each"] == [None, None]
    assert [item.status.value for item in result.record.nodes["each"].items] == ["failed", "failed"]
    assert [item.attempts for item in result.record.nodes["each"].items] == [1, 1]


@pytest.mark.parametrize("mode", PARALLEL)
def test_an_items_task_cancelled_from_outside_before_its_first_step_is_a_failed_item(mode: Mode):
    async def kills():
        for task in asyncio.all_tasks():
            if task.get_name() == "each[1]":
                task.cancel()

    dag = mapped(sleeps, on_error="continue").add_node(AgentNode("kills", kills))
    result = mode(dag, {"xs": [1, 2, 3]})
    assert result.node_results["each"] == [1, None, 3]
    assert list(result.errors["each"].errors) == [1]
