"""Items, graphs inside nodes, given results and stalls: in the picture, the card and the text."""

from __future__ import annotations

import base64
from itertools import combinations
from types import SimpleNamespace as Stub
from xml.etree import ElementTree

import pytest

from linus_nb import events as ev
from linus_nb.engine.record import RunRecord
from linus_nb.events import GraphShape, NodeShape
from linus_nb.rendering import draw, inside
from linus_nb.rendering.bundle import dag_bundle, record_card
from linus_nb.rendering.dot_source import dot_source
from linus_nb.rendering.layout import STACK_STEP, STACKED
from linus_nb.rendering.picture import page_size, picture
from linus_nb.rendering.sentences import what_happened
from linus_nb.rendering.text import graph_text
from tests import nested_samples as samples
from tests.nested_samples import BAD_CITY, DRAFTING, HEAD, PRESS, items, nested, ran, run_of, story
from tests.rendering_samples import HOSTILE_NAMES
from tests.test_rendering_cards import Page, card_of
from tests.test_rendering_picture import RENDERERS, SVG, laid_out, node_group


def shown(shape: GraphShape) -> Page:
    return Page(dag_bundle(Stub(shape=lambda: shape))["text/html"])


def lines_of(record: RunRecord | None, shape: GraphShape = PRESS) -> dict[str, str]:
    svg = draw.svg(shape, record)
    return {n.name: node_group(svg, shape, n.name).findall(f"{SVG}text")[2].text or "" for n in shape.nodes}


def summaries(page: Page) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in page.tags if tag == "details"]


# -- the picture --------------------------------------------------------------------------------------------------


def test_before_a_run_the_second_line_says_what_a_node_is() -> None:
    assert lines_of(None) == {
        "plan": "function",
        "fetch": "for each of urls",
        "notes": "function",
        "review": "graph of 4 nodes",
        "languages": "for each of langs · 2 nodes",
        "report": "function",
    }


def test_while_a_node_runs_it_says_how_much_is_done() -> None:
    assert lines_of(samples.press_running())["fetch"] == "3 of 8 items · 1 failed"
    assert lines_of(samples.review_running())["review"] == "2 of 4 nodes"


def test_after_a_run_it_says_how_many_there_were_and_how_many_failed() -> None:
    done = lines_of(samples.press_run())
    assert done["fetch"] == "8 items · 1.50 s"
    assert done["review"] == "4 nodes · 2.00 s"
    assert done["languages"] == "3 items · 3.00 s"
    assert done["notes"] == "given"
    failed = lines_of(samples.press_failed())
    assert failed["fetch"] == "8 items · 2 failed"
    assert failed["review"] == "4 nodes · 1 failed"
    assert failed["languages"] == "upstream failed"


def test_a_node_without_items_and_a_stopped_one_say_so() -> None:
    shape = GraphShape("g", (NodeShape("fetch", 0, over="urls"),), ())
    assert (
        lines_of(run_of(shape, [*ran("fetch", 0.0, 0.5), *items("fetch", [])]), shape)["fetch"] == "no items · 0.500 s"
    )
    stop = ev.NodeCancelled(**HEAD, at=1.0, node="fetch", reason="Stop")
    events = [ran("fetch", 0.0, 1.0)[0], *items("fetch", [(0.0, 0.5, None), (0.5, None, None)]), stop]
    assert lines_of(run_of(shape, events, "cancelled"), shape)["fetch"] == "1 of 2 items"


def test_a_node_that_failed_for_a_reason_of_its_own_names_that() -> None:
    shape = GraphShape("g", (NodeShape("fetch", 0, over="urls"), NodeShape("sub", 0, inner=DRAFTING)), ())
    record = run_of(shape, [*ran("fetch", 0.0, 0.1, TypeError("no list")), *ran("sub", 0.0, 0.1, KeyError("k"))])
    assert lines_of(record, shape) == {"fetch": "TypeError", "sub": "KeyError"}


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_stack_of_boxes_and_a_doubled_outline_have_room_in_every_layout(renderer: str) -> None:
    column = tuple(NodeShape(f"mapped {k}", 0, over="urls", inner=DRAFTING if k % 2 else None) for k in range(5))
    shape = GraphShape("g", (*column, NodeShape("after", 1)), ())
    layout = laid_out(shape, renderer)
    assert not any(text.endswith("…") for text in lines_of(None, shape).values())
    svg = picture(shape, layout)
    away = STACKED * STACK_STEP
    width, height = page_size(shape, layout)
    for i, (node, box) in enumerate(zip(shape.nodes, layout.boxes, strict=True)):
        group = node_group(svg, shape, node.name)
        kinds = [rect.get("class") for rect in group.findall(f"{SVG}rect")]
        assert kinds == ["behind"] * (STACKED if node.over else 0) + [None] + ["within"] * bool(node.inner), i
        assert box.left + box.width + away < width
        assert box.top + box.height + away < height
    for a, b in combinations(layout.boxes, 2):
        beside = abs(a.x - b.x) > (a.width + b.width) / 2 + away
        assert beside or abs(a.y - b.y) > (a.height + b.height) / 2 + away


def test_source_for_graphviz_tells_them_apart_too() -> None:
    source = dot_source(PRESS).splitlines()
    lines = {n.name: next(x for x in source if x.startswith(f"  n_{i} [")) for i, n in enumerate(PRESS.nodes)}
    assert "shape=box3d" in lines["fetch"]
    assert "peripheries" not in lines["fetch"]
    assert "peripheries=2" in lines["review"]
    assert "shape=box3d, peripheries=2" in lines["languages"]
    assert "box3d" not in lines["plan"] + lines["review"]
    assert "for each of urls" in lines["fetch"]


def test_tooltips_tell_what_is_inside_and_what_became_of_it() -> None:
    def tips(record: RunRecord | None) -> dict[str, list[str]]:
        svg = draw.svg(PRESS, record)
        return {
            n.name: (node_group(svg, PRESS, n.name).findtext(f"{SVG}title") or "").splitlines() for n in PRESS.nodes
        }

    assert tips(None)["fetch"] == ["fetch", "gets a page", "runs once for each of 'urls'"]
    assert tips(None)["review"][-1] == "graph of 4 nodes: outline, draft, facts, polish"
    done = tips(samples.press_run())
    assert done["fetch"][3:] == ["completed in 1.50 s", "8 items: 8 completed", "the slowest, fetch[7], took 0.700 s"]
    assert done["notes"][-1] == "given: its result was handed to the run, it did not run itself"
    failed = tips(samples.press_failed())
    assert "8 items: 6 completed, 2 failed" in failed["fetch"]
    assert "4 nodes: 2 completed, 1 failed, 1 skipped" in failed["review"]


# -- the card -----------------------------------------------------------------------------------------------------


def test_a_card_has_a_foldable_picture_of_each_graph_inside() -> None:
    page = card_of(samples.press_run())
    assert "inside ✓ review 4 nodes · 2.00 s" in page.text
    assert "inside ✓ languages[2] the slowest of 3 items · 2 nodes · 2.60 s" in page.text
    assert ["open" in details for details in summaries(page)] == [False, False]
    assert [tag for tag, _ in page.tags].count("summary") == 2
    alternatives = [image["alt"] or "" for image in page.images()]
    assert sum(alt.startswith("drafting: 4 nodes") for alt in alternatives) == 2
    assert sum(alt.startswith("translating: 2 nodes") for alt in alternatives) == 2


def test_where_something_failed_inside_it_is_open() -> None:
    page = card_of(samples.press_failed())
    assert "inside ✕ review 4 nodes · 1.60 s · 2 completed, 1 failed, 1 skipped" in page.text
    assert ["open" in details for details in summaries(page)] == [True]


def test_a_graph_that_did_not_run_shows_what_is_inside_too() -> None:
    page = shown(PRESS)
    assert "inside review 4 nodes" in page.text
    assert "inside languages for each of langs · 2 nodes" in page.text
    assert ["open" in details for details in summaries(page)] == [False, False]


def test_of_many_items_the_first_that_failed_is_shown() -> None:
    shape = GraphShape("g", (NodeShape("sub", 0, over="xs", inner=DRAFTING),), ())
    runs = [samples.drafted(KeyError("k") if k in (3, 5) else None) for k in range(9)]
    spans = [(0.0, 2.0, KeyError("k") if k in (3, 5) else None) for k in range(9)]
    events = [*ran("sub", 0.0, 2.0, KeyError("k")), *items("sub", spans)]
    record = run_of(shape, [*events, *(e for k, run in enumerate(runs) for e in nested("sub", 0.0, run, k))], "failed")
    page = card_of(record)
    assert "inside ✕ sub[3] the first of 2 that failed, of 9 items · 4 nodes" in page.text
    assert len(summaries(page)) == 1
    assert "sub failed: 2 of 9 items; sub[3]/draft raised KeyError: 'k'." in page.text


def deep(levels: int) -> GraphShape:
    shape = GraphShape("innermost", (NodeShape("leaf", 0),), ())
    for level in range(levels):
        shape = GraphShape(f"g{level}", (NodeShape(f"n{level}", 0, inner=shape),), ())
    return shape


def test_graphs_within_graphs_are_shown_down_to_a_depth_and_no_more_than_so_many() -> None:
    page = shown(deep(6))
    assert len(summaries(page)) == inside.DEEPEST
    assert "inside n5/n4 1 node" in page.text
    assert "1 more graph inside is not drawn." in page.text
    wide = GraphShape("wide", tuple(NodeShape(f"n{k}", 0, inner=DRAFTING) for k in range(20)), ())
    page = shown(wide)
    assert len(summaries(page)) == inside.MOST_GRAPHS
    assert "8 more graphs inside are not drawn." in page.text


def test_the_sentence_names_the_innermost_that_failed_and_says_it_once() -> None:
    text = Page(what_happened(samples.press_failed())).text
    assert text.startswith("review failed: in its graph, draft raised KeyError: 'headline'.")
    assert (
        "fetch erred, and the run went on: 2 of 8 items; fetch[2] raised ValueError: no city <b>called</b> {x}." in text
    )
    assert text.count("headline") == 1
    assert text.count("{x}") == 1


def test_a_failure_two_graphs_down_is_found() -> None:
    outer = GraphShape("outer", (NodeShape("review", 0, inner=DRAFTING),), ())
    shape = GraphShape("g", (NodeShape("top", 0, inner=outer),), ())
    error = KeyError("headline")
    review = [*ran("review", 0.0, 1.6, error), *nested("review", 0.0, samples.drafted(error))]
    record = run_of(
        shape, [*ran("top", 0.0, 1.6, error), *nested("top", 0.0, story(outer, review, "failed"))], "failed"
    )
    assert Page(what_happened(record)).text == "top failed: in its graph, review/draft raised KeyError: 'headline'."
    page = card_of(record)
    assert ["open" in details for details in summaries(page)] == [True, True]
    assert "inside ✕ top/review" in page.text


def test_an_error_that_was_waved_through_inside_is_told_with_its_path() -> None:
    shape = GraphShape("g", (NodeShape("review", 0, inner=DRAFTING),), ())
    waved = [ran("draft", 0.0, 1.0)[0], ev.NodeFinished(**HEAD, at=1.0, node="draft", error=BAD_CITY)]
    inner = story(DRAFTING, waved, "partial")
    text = Page(what_happened(run_of(shape, [*ran("review", 0.0, 1.0), *nested("review", 0.0, inner)]))).text
    assert text.startswith("review/draft erred, and the run went on: ValueError: no city")


def test_a_node_that_kept_the_loop_busy_is_named_with_the_remedy() -> None:
    text = card_of(samples.press_run()).text
    told = "kept the event loop busy for 0.350 s: nothing else could run; make it a plain def, which runs in a thread"
    assert f"review/facts {told}" in text
    assert text.count("kept the event loop busy") == 1


def test_of_a_stall_inside_a_stalled_node_the_innermost_is_named_and_of_many_the_longest() -> None:
    shape = GraphShape("g", (NodeShape("review", 0, inner=DRAFTING), *(NodeShape(f"n{k}", 1) for k in range(4))), ())
    stalls = [ev.LoopStalled(**HEAD, at=2.0, node=f"n{k}", duration_s=1.0 + k) for k in range(4)]
    outer = ev.LoopStalled(**HEAD, at=2.0, node="review", duration_s=9.0)
    inner = nested("review", 0.0, samples.drafted(stalled="facts"))
    text = Page(what_happened(run_of(shape, [*ran("review", 0.0, 2.0), outer, *inner, *stalls]))).text
    assert "n3 kept the event loop busy for 4.00 s" in text
    assert "n2 kept the event loop busy for 3.00 s" in text
    assert "3 more did the same." in text
    assert "9.00 s" not in text


def test_given_results_are_told() -> None:
    assert "Given to the run, and not run: notes." in card_of(samples.press_run()).text


def test_where_something_ran_inside_the_next_step_is_the_table_that_shows_it() -> None:
    assert "result.to_frame('steps')" in card_of(samples.press_failed()).text
    shape = GraphShape("g", (NodeShape("a", 0),), ())
    assert "result.to_frame()" in card_of(run_of(shape, ran("a", 0.0, 1.0))).text


def test_tokens_spent_inside_are_counted_and_nodes_inside_are_not() -> None:
    text = card_of(samples.press_run()).text
    assert "6 completed · 8,250 tokens" in text


def test_hostile_names_inside_are_shown_as_text() -> None:
    inner = GraphShape("in", tuple(NodeShape(name, 0) for name in HOSTILE_NAMES), ())
    shape = GraphShape("g", tuple(NodeShape(n, 0, inner=inner, over=n) for n in HOSTILE_NAMES[:4]), ())
    error = ValueError(HOSTILE_NAMES[0])
    run = list(story(inner, [e for name in HOSTILE_NAMES for e in ran(name, 0.0, 1.0, error)], "failed"))
    events = [
        event
        for node in shape.nodes
        for event in [
            *ran(node.name, 0.0, 1.0, error),
            *items(node.name, [(0.0, 1.0, error)]),
            *nested(node.name, 0.0, run, 0),
            ev.LoopStalled(**HEAD, at=1.0, node=node.name, duration_s=1.0),
        ]
    ]
    for page in (shown(shape), card_of(run_of(shape, events, "failed"))):
        assert {tag for tag, _ in page.tags} == {"div", "style", "b", "span", "img", "code", "details", "summary"} - (
            set() if "Next" in page.text else {"code"}
        )
        for image in page.images():
            drawn = ElementTree.fromstring(base64.b64decode((image["src"] or "").partition(",")[2]))
            allowed = {"svg", "title", "desc", "rect", "g", "path", "text"}
            assert {element.tag.removeprefix(SVG) for element in drawn.iter()} <= allowed
    assert "<script>" not in graph_text(shape).replace(HOSTILE_NAMES[0], "")


def test_ten_thousand_items_do_not_make_a_large_card() -> None:
    record = samples.many_items(10_000, frozenset(range(0, 10_000, 100)))
    html = record_card(record)
    assert len(html) < 60_000
    assert "fetch erred, and the run went on: 100 of 10,000 items; fetch[0] raised" in Page(html).text


# -- the text -----------------------------------------------------------------------------------------------------


def test_text_tells_items_and_the_nodes_inside() -> None:
    record = samples.press_failed()
    lines = graph_text(record.graph, record).splitlines()
    at = lines.index("      inside review ✕ 4 nodes · 1.60 s")
    assert lines[at - 2] == "  level 2  ✓ fetch  8 items · 2 failed   ✓ notes  0.200 s"
    assert lines[at - 1] == "  level 3  ✕ review  4 nodes · 1 failed"
    assert lines[at + 2] == "      level 2  ✕ draft  KeyError   ✓ facts  0.600 s"
    assert all(len(line) <= 100 for line in lines)


def test_text_of_a_graph_that_did_not_run_says_what_its_nodes_hold() -> None:
    lines = graph_text(PRESS).splitlines()
    assert "  level 2  ○ fetch  for each of urls · after plan   ○ notes" in lines
    assert "  level 3  ○ review  graph of 4 nodes · after fetch, notes" in lines
    assert "      inside languages for each of langs · 2 nodes" in lines


def test_text_of_graphs_inside_is_bounded() -> None:
    chain = GraphShape("chain", tuple(NodeShape(f"n{k}", k) for k in range(30)), ())
    shape = GraphShape("g", tuple(NodeShape(f"n{k}", 0, inner=chain) for k in range(30)), ())
    lines = graph_text(shape).splitlines()
    assert len(lines) < 150
    assert "      … and 22 more levels" in lines
    assert lines[-1] == "  … and 18 more graphs inside"
