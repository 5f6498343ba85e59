"""What a live view shows at each moment of a run, made from its events alone."""

from __future__ import annotations

import asyncio

from linus_nb import Agent, AgentDAG, AgentNode, DAGExecutor
from linus_nb.events import ModelCalled, report
from linus_nb.rendering.live_page import LivePage
from linus_nb.rendering.live_panes import LONGEST_PANE, MOST_PANES
from linus_nb.testing import ScriptedModel
from tests.virtual_time import run


def pages_of(dag, at_s, *, look, state=None, stream=True):
    """Run a graph in virtual time and return what ``look`` makes of its page at these moments."""

    async def looked_at():
        page = LivePage()
        going = DAGExecutor(dag, observers=[page.take], stream=stream).start(state, "dataflow")
        seen, now_s = [], 0.0
        for moment_s in at_s:
            await asyncio.sleep(moment_s - now_s)
            now_s = moment_s
            seen.append(look(page))
        going.cancel()
        await going
        return seen

    return run(looked_at())


def nodes_of(page):
    return list(page.whole()["nodes"].values())


def lasting(seconds, *errors):
    left = list(errors)

    async def work():
        await asyncio.sleep(seconds)
        if left:
            raise left.pop(0)
        return seconds

    return work


def test_each_node_has_its_status_and_a_time_from_which_the_page_counts():
    dag = AgentDAG("two").add_node(AgentNode("a", lasting(2))).add_node(AgentNode("b", lasting(3))).add_edge("a", "b")
    first, second = pages_of(dag, (1, 4), look=nodes_of)
    assert first == [
        {"status": "running", "line": "", "since_s": 0.0, "until_s": None},
        {"status": "pending", "line": "after a", "since_s": None, "until_s": None},
    ]
    assert second == [
        {"status": "completed", "line": "2.00 s", "since_s": None, "until_s": None},
        {"status": "running", "line": "", "since_s": 2.0, "until_s": None},
    ]


def test_a_node_that_waits_for_another_try_says_until_when():
    dag = AgentDAG("again").add_node(AgentNode("a", lasting(2, ValueError("once")), retry_count=1))
    [[node]] = pages_of(dag, (2.01,), look=nodes_of)
    assert node["status"] == "running"
    assert node["line"] == "2 tries"
    assert 2.0 < node["until_s"] < 20.0


def test_a_node_with_items_says_how_many_are_done():
    async def slow(each):
        await asyncio.sleep(each)

    dag = AgentDAG("items").add_node(AgentNode("a", slow, map_over="numbers", map_item="each"))
    [[node]] = pages_of(dag, (2.5,), look=nodes_of, state={"numbers": [1, 2, 3, 4]})
    assert (node["status"], node["line"], node["since_s"]) == ("running", "2 of 4 items", 0.0)


def test_the_first_line_counts_nodes_tokens_and_dollars():
    async def dear():
        report(ModelCalled("big", 1.0, 1000, 234, cost=0.5))
        report(ModelCalled("big", 1.0, 0, 0, error=ValueError("no")))
        await asyncio.sleep(5)

    dag = AgentDAG("dear").add_node(AgentNode("a", dear)).add_node(AgentNode("b", lasting(1)))
    [head] = pages_of(dag, (2,), look=lambda page: page.whole()["head"])
    assert head == {
        "name": "dear",
        "before": "dataflow · running",
        "after": "1 of 2 nodes · 1,234 tokens · $0.50",
        "done": 1,
        "total": 2,
        "left_s": None,
    }


def test_the_cost_of_models_without_a_price_is_not_guessed():
    async def unknown():
        report(ModelCalled("mine", 1.0, 10, 5, estimated=True, cost=None))
        await asyncio.sleep(5)

    dag = AgentDAG("unknown").add_node(AgentNode("a", unknown))
    [head] = pages_of(dag, (2,), look=lambda page: page.whole()["head"])
    assert head["after"] == "0 of 1 node · about 15 tokens"


def test_the_summary_says_in_one_line_what_goes_on():
    dag = AgentDAG("sum")
    for name in "abcde":
        dag.add_node(AgentNode(name, lasting(3)))
    dag.add_node(AgentNode("bad", lasting(1, ValueError("no"))))
    [summary] = pages_of(dag, (2,), look=lambda page: page.whole()["summary"])
    assert summary == "sum: running, 1 of 6 nodes done, 1 failed, now a, b, c and 2 more"


def test_only_the_nodes_that_look_otherwise_are_told_again():
    dag = AgentDAG("chain")
    for name in "abcd":
        dag.add_node(AgentNode(name, lasting(2)))
    dag.add_edge("a", "b").add_edge("b", "c").add_edge("c", "d")
    first, second, third = pages_of(dag, (1, 3, 3.5), look=lambda page: page.changes()["nodes"])
    assert [(k, node["status"]) for k, node in first.items()] == [(0, "running"), (1, "pending")]
    assert [(k, node["status"]) for k, node in second.items()] == [(0, "completed"), (1, "running"), (2, "pending")]
    assert third == {}


# -- panes -----------------------------------------------------------------------------------------------------------


def test_the_text_that_streams_is_in_a_pane_of_its_node_until_that_has_ended():
    model = ScriptedModel(lambda *_: "one two three four", latency_s=4)
    dag = AgentDAG("talk").add_node(AgentNode("draft", Agent(llm=model))).add_node(AgentNode("b", lasting(9)))
    seen = pages_of(dag, (2.5, 3.5, 5), look=lambda page: page.whole()["panes"], state={"q": "?"})
    assert seen == [
        [{"name": "draft", "text": "one two "}],
        [{"name": "draft", "text": "one two three "}],
        [],
    ]


def test_what_an_agent_does_is_told_line_by_line():
    async def look_up(text: str) -> str:
        """Look something up."""
        await asyncio.sleep(1)
        return text.upper()

    def reply(messages, schema):
        if schema is None:
            return "said so"
        if "tasks" in schema["properties"]:
            tasks = [("look_up", "find a", []), ("look_up", "find b", [1])]
            return {"tasks": [dict(zip(("tool", "description", "depends_on"), t, strict=True)) for t in tasks]}
        return (
            {"text": messages[-1].text.removeprefix("Text: ")[:6]}
            if "text" in schema["properties"]
            else {"complete": "yes", "missing": ""}
        )

    agent = Agent([look_up], llm=ScriptedModel(reply, latency_s=1))
    dag = AgentDAG("agent").add_node(AgentNode("find", agent))
    [[pane]] = pages_of(dag, (6.7,), look=lambda page: page.whole()["panes"], state={"q": "?"})
    assert pane == {
        "name": "find",
        "text": "plan: find a; find b\nlook_up(text=find a) → FIND A\nlook_up(text=find b) → FIND B\nsaid ",
    }


def test_items_and_graphs_inside_have_panes_of_their_own():
    def speaker(latency_s):
        return Agent(llm=ScriptedModel(lambda *_: "hm hm", latency_s=latency_s))

    inner = AgentDAG("inner").add_node(AgentNode("draft", speaker(4)))
    dag = AgentDAG("outer").add_node(AgentNode("review", inner))
    dag.add_node(AgentNode("each", speaker(4), map_over="numbers"))
    [panes] = pages_of(dag, (3,), look=lambda page: page.whole()["panes"], state={"numbers": [1, 2]})
    assert {pane["name"] for pane in panes} == {"review/draft", "each[0]", "each[1]"}


def test_panes_are_few_and_short_and_bear_whatever_a_tool_returns():
    def odd(n: int) -> object:
        """Give something odd."""
        return ["\ud800"] * 100_000

    def reply(_, schema):
        if schema is None:
            return "word \ud800\x00 " * 1000
        if "tasks" in schema["properties"]:
            return {"tasks": [{"tool": "odd", "description": "d", "depends_on": []}]}
        return {"n": 1} if "n" in schema["properties"] else {"complete": "yes", "missing": ""}

    dag = AgentDAG("many").add_node(
        AgentNode("each", Agent([odd], llm=ScriptedModel(reply, latency_s=2)), map_over="numbers")
    )
    [panes] = pages_of(dag, (7.9,), look=lambda page: page.whole()["panes"], state={"numbers": list(range(20))})
    assert len(panes) == MOST_PANES
    assert all(100 < len(pane["text"]) <= LONGEST_PANE for pane in panes)
    assert "".join(pane["text"] for pane in panes).encode()  # a lone surrogate would not go over the wire
