"""What `validate` finds before anything runs: every kind of problem, all in one report, each with its remedy."""

from __future__ import annotations

import operator
from typing import Any

import pytest

from linus_nb import AgentDAG, AgentNode, DAGExecutor, SharedState
from linus_nb.errors import GraphError, LinusError, ValidationError
from tests.modes import Mode, every_mode


def problems(dag: AgentDAG, state: Any = None, **options: Any) -> tuple[str, ...]:
    """The problems of a graph; none where it can run."""
    try:
        dag.validate(state, **options)
    except ValidationError as error:
        return error.problems
    return ()


def one(agent: Any, **options: Any) -> AgentDAG:
    return AgentDAG("d").add_node(AgentNode("n", agent, **options))


class Agent:
    def run(self, task):
        return task


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_that_nothing_writes_is_told_with_the_nearest_and_two_remedies():
    dag = one(lambda topci, tone: 0)
    (problem,) = problems(dag, {"topic": 0, "tone": 0})
    assert problem == (
        "node 'n' reads 'topci', which nothing writes; did you mean 'topic'? (keys it can see: 'tone', 'topic') "
        "pass 'topci' in initial_state, or give some node before it output_key='topci'"
    )
    assert problems(dag, {"topci": 0, "tone": 0}) == ()


def test_every_missing_key_of_every_node_is_told():
    dag = AgentDAG().add_node(AgentNode("a", lambda p, q: 0)).add_node(AgentNode("b", lambda r, s: 0))
    assert [problem.split(",")[0] for problem in problems(dag)] == [
        "node 'a' reads 'p'",
        "node 'a' reads 'q'",
        "node 'b' reads 'r'",
        "node 'b' reads 's'",
    ]


@pytest.mark.parametrize("agent", [lambda one_thing: 0, Agent(), len, lambda: 0, lambda *rest: 0, lambda **more: 0])
def test_who_takes_the_whole_or_nothing_lacks_nothing(agent):
    assert problems(one(agent)) == ()


def test_a_key_read_from_a_node_that_does_not_come_before_asks_for_an_edge():
    dag = AgentDAG().add_node(AgentNode("writes", lambda: 0, output_key="k"))
    dag.add_node(AgentNode("reads", lambda k, other: 0))
    (problem,) = problems(dag, {"other": 0})
    assert "'reads' reads 'k' from 'writes', which does not come before it" in problem
    assert "add an edge 'writes' -> 'reads'" in problem
    assert problems(dag, {"other": 0, "k": 0}) == ()  # the initial state has it
    assert problems(dag.add_edge("writes", "reads"), {"other": 0}) == ()


def test_an_ancestor_need_not_be_a_neighbour():
    dag = AgentDAG().add_node(AgentNode("writes", lambda: 0, output_key="k")).add_node(AgentNode("between", lambda: 0))
    dag.add_node(AgentNode("reads", lambda k, j=0: 0)).add_edge("writes", "between").add_edge("between", "reads")
    assert problems(dag) == ()


def test_a_node_does_not_read_what_it_writes_itself():
    (problem,) = problems(one(lambda k, other: 0, output_key="k"), {"other": 0})
    assert "reads 'k', which nothing writes" in problem


def test_a_node_below_does_not_write_for_those_above():
    dag = (
        AgentDAG().add_node(AgentNode("reads", lambda k, other: 0)).add_node(AgentNode("w", lambda: 0, output_key="k"))
    )
    (problem,) = problems(dag.add_edge("reads", "w"), {"other": 0})
    assert "'k'" in problem
    assert "add an edge 'w' -> 'reads'" not in problem  # it would close a circle


# -- input_mapping ----------------------------------------------------------------------------------------------------


def test_a_mapped_key_that_nothing_writes_is_told():
    for agent in (Agent(), lambda a: 0, lambda **more: 0):
        (problem,) = problems(one(agent, input_mapping={"a": "txet"}), {"text": 0})
        assert "reads 'txet', which nothing writes; did you mean 'text'?" in problem


def test_names_that_a_function_does_not_take_are_told_with_the_nearest():
    (problem,) = problems(one(lambda text, tone="dry": 0, input_mapping={"text": "x", "tnoe": "x"}), {"x": 0})
    assert "its input_mapping gives 'tnoe', which its function does not take; did you mean 'tone'?" in problem
    assert "(its parameters: 'text', 'tone')" in problem
    assert problems(one(lambda text, **more: 0, input_mapping={"text": "x", "tnoe": "x"}), {"x": 0}) == ()
    assert problems(one(Agent(), input_mapping={"any": "x", "thing": "x"}), {"x": 0}) == ()


def test_parameters_that_the_mapping_does_not_give_are_told():
    (problem,) = problems(one(lambda a, b, c=0: 0, input_mapping={"a": "x"}), {"x": 0, "b": 0})
    assert "needs 'b', which its input_mapping does not give" in problem
    (problem,) = problems(one(lambda a: 0, input_mapping={}))
    assert "needs 'a'" in problem


@pytest.mark.parametrize("mapping", [None, {"b": "x"}])
def test_a_builtin_with_several_parameters_lacks_them_by_name(mapping):
    found = problems(one(operator.add, input_mapping=mapping), {"x": 0, "b": 0})
    assert any("'a'" in problem for problem in found)


# -- writers ----------------------------------------------------------------------------------------------------------


def rivals(**options: Any) -> AgentDAG:
    dag = AgentDAG(**options).add_node(AgentNode("a", lambda: [1], output_key="k"))
    return dag.add_node(AgentNode("b", lambda: [2], output_key="k"))


def test_two_unordered_writers_of_one_key_are_told_with_three_remedies():
    (problem,) = problems(rivals())
    assert "nodes 'a' and 'b' both write 'k', and neither comes before the other" in problem
    assert problems(rivals().add_edge("a", "b")) == ()
    assert problems(rivals(reducers={"k": operator.add})) == ()
    assert len(problems(rivals(reducers={"other": operator.add}))) == 1


def test_a_third_writer_that_is_ordered_with_one_of_them_helps_nothing():
    dag = rivals().add_node(AgentNode("c", lambda: 0, output_key="k")).add_edge("a", "c")
    assert any("both write 'k'" in problem for problem in problems(dag))
    assert problems(dag.add_edge("a", "b").add_edge("b", "c")) == ()


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_an_empty_graph_says_how_to_add_a_node():
    (problem,) = problems(AgentDAG())
    assert "dag.add_node(AgentNode('name', function))" in problem


def test_a_list_that_nothing_writes_is_told_for_a_node_that_maps_over_it():
    (problem,) = problems(one(lambda page: 0, map_over="pagse"), {"pages": []})
    assert "reads 'pagse', which nothing writes; did you mean 'pages'?" in problem
    (problem,) = problems(one(lambda page, tone: 0, map_over="pages"), {"pages": []})
    assert "'tone'" in problem


def test_a_list_written_by_a_node_that_does_not_come_before_asks_for_an_edge():
    dag = AgentDAG().add_node(AgentNode("finds", list, output_key="pages"))
    dag.add_node(AgentNode("each", lambda page: 0, map_over="pages"))
    (problem,) = problems(dag)
    assert "add an edge 'finds' -> 'each'" in problem


def test_problems_inside_a_graph_are_told_with_its_node_at_every_depth():
    deep = AgentDAG("deep").add_node(AgentNode("reads", lambda x, nowhere: 0))
    between = AgentDAG("between").add_node(AgentNode("deeper", deep)).add_node(AgentNode("empty", AgentDAG("e")))
    dag = AgentDAG("d").add_node(AgentNode("holds", between))
    found = problems(dag, {"x": 0})
    assert len(found) == 2
    assert any(p.startswith("inside 'holds': inside 'deeper': node 'reads' reads 'nowhere'") for p in found)
    assert any(p.startswith("inside 'holds': inside 'empty': it has no nodes") for p in found)
    assert problems(AgentDAG("d").add_node(AgentNode("holds", deep)), {"x": 0, "nowhere": 0}) == ()


def test_a_graph_inside_is_asked_with_the_keys_that_its_node_sees():
    inner = AgentDAG("inner").add_node(AgentNode("reads", lambda a, b: 0))
    dag = AgentDAG().add_node(AgentNode("writes", lambda: 0, output_key="a"))
    dag.add_node(AgentNode("holds", inner, input_mapping={"a": "a", "b": "a"})).add_edge("writes", "holds")
    assert problems(dag) == ()
    mapped = AgentDAG().add_node(AgentNode("holds", inner, map_over="xs", map_item="a"))
    assert problems(mapped, {"xs": [], "b": 0}) == ()
    assert any("'b'" in problem for problem in problems(mapped, {"xs": []}))


def test_a_change_to_a_graph_inside_is_seen_by_the_next_check():
    inner = AgentDAG("inner").add_node(AgentNode("fine", lambda: 0))
    dag = AgentDAG().add_node(AgentNode("holds", inner))
    assert problems(dag) == ()
    inner.add_node(AgentNode("late", lambda nowhere, other: 0))
    assert any("'nowhere'" in problem for problem in problems(dag))


def test_a_change_to_the_graph_is_seen_by_the_next_check():
    dag = one(lambda: 0)
    assert problems(dag) == ()
    dag.add_node(AgentNode("late", lambda nowhere, other: 0))
    assert len(problems(dag)) == 2


def holding_itself(through: bool) -> None:
    dag = AgentDAG("snake")
    inner = AgentDAG("between").add_node(AgentNode("head", dag)) if through else dag
    dag.add_node(AgentNode("tail", inner)).validate()


@pytest.mark.parametrize("through", [False, True])
def test_a_graph_that_holds_itself_is_refused_in_words(through):
    with pytest.raises(GraphError, match="snake"):
        holding_itself(through)


def test_impossible_resources_are_told_for_all_nodes_also_inside():
    inner = AgentDAG("inner").add_node(AgentNode("deep", lambda: 0, resources={"tpu": 1}))
    dag = AgentDAG().add_node(AgentNode("greedy", lambda: 0, resources={"gpu": 4, "disk": 1}))
    dag.add_node(AgentNode("holds", inner))
    with pytest.raises(ValidationError) as caught:
        DAGExecutor(dag, resources={"gpu": 2}).execute()
    found = caught.value.problems
    assert any("'greedy' needs 4 'gpu' and the executor has 2" in problem for problem in found)
    assert any("'greedy' needs 1 'disk' and the executor has 0" in problem for problem in found)
    assert any("'deep' needs 1 'tpu' and the executor has 0" in problem for problem in found)
    assert problems(dag) == ()  # what there is, only the executor knows


# -- the report -------------------------------------------------------------------------------------------------------


@every_mode
def test_all_kinds_come_in_one_report_and_nothing_has_run(mode: Mode):
    ran = []
    inner = AgentDAG("inner").add_node(AgentNode("deep", lambda nowhere, x: 0))
    dag = AgentDAG("all").add_node(AgentNode("root", lambda: ran.append(1), output_key="hits"))
    dag.add_node(AgentNode("rival", lambda: 0, output_key="hits"))
    dag.add_node(AgentNode("misspelt", lambda htis, x: 0)).add_edge("root", "misspelt")
    dag.add_node(AgentNode("unordered", lambda hits, x: 0))
    dag.add_node(AgentNode("untaken", lambda a: 0, input_mapping={"a": "x", "z": "x"}))
    dag.add_node(AgentNode("ungiven", lambda a, b: 0, input_mapping={"a": "x"}))
    dag.add_node(AgentNode("each", lambda item: 0, map_over="nothing"))
    dag.add_node(AgentNode("holds", inner))
    dag.add_node(AgentNode("greedy", lambda: 0, resources={"gpu": 1}))
    with pytest.raises(ValidationError) as caught:
        mode(dag, {"x": 0})
    words = [
        "both write 'hits'",
        "'misspelt' reads 'htis'",
        "'unordered' reads 'hits' from 'rival'",
        "gives 'z'",
        "'ungiven' needs 'b'",
        "'each' reads 'nothing'",
        "inside 'holds': node 'deep' reads 'nowhere'",
        "'greedy' needs 1 'gpu'",
    ]
    assert len(caught.value.problems) == len(words)
    for word in words:
        assert sum(word in problem for problem in caught.value.problems) == 1, word
    assert not ran
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, LinusError)
    assert str(caught.value).startswith("'all' cannot run, 8 problems:\n  - ")


def test_one_problem_is_one_sentence():
    with pytest.raises(ValidationError, match=r"^'d' cannot run: node 'n' reads 'a'") as caught:
        one(lambda a, b: 0).validate({"b": 0})
    assert "\n" not in str(caught.value)


def test_a_refused_graph_leaves_a_handed_state_as_it_was():
    state = SharedState({"kept": 1})
    with pytest.raises(ValidationError):
        DAGExecutor(one(lambda a, b: 0), state).execute({"b": 0})
    assert state.to_dict() == {"kept": 1}


def test_the_keys_of_a_handed_state_count():
    executor = DAGExecutor(one(lambda a, b: a + b), SharedState({"a": 1}))
    assert executor.execute({"b": 2}).node_results == {"n": 3}
    with pytest.raises(ValidationError, match="'b'"):
        DAGExecutor(one(lambda a, b: a + b), SharedState({"a": 1})).execute()


def test_validate_asks_for_keys_only_and_returns_the_graph():
    dag = one(lambda a, b: 0)
    assert dag.validate({"a": None, "b": None}) is dag
    assert dag.validate(dict.fromkeys("ab")) is dag
    for _ in range(2):  # a check that failed is not remembered as one that passed
        assert len(problems(dag, {"a": 0})) == 1


def test_by_name_turns_a_lone_parameter_that_is_no_key_into_a_problem():
    assert problems(one(lambda whole: 0), {"x": 0}) == ()
    (problem,) = problems(one(lambda whole: 0, by_name=True), {"x": 0})
    assert "'whole'" in problem
