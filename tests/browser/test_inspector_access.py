"""The inspector for everybody: axe finds nothing, keys reach everything, and colours are never alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import inspector_samples as samples
from tests.browser.inspected import focused, inspected, move_slider, node

pytestmark = pytest.mark.browser


def violations(page: Any) -> list[str]:
    """What axe finds wrong with a page, with the first element of each kind."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    found = axe.run(page).response["violations"]
    return [f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['html'][:160]}" for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 700])
def test_axe_finds_nothing_in_any_state_of_the_page(browser: Any, tmp_path: Path, theme: str, width: int):
    with inspected(browser, tmp_path, samples.research(), color_scheme=theme) as page:
        page.set_viewport_size({"width": width, "height": 900})
        found = {"at first": violations(page)}
        for name in ("search", "figures", "fallback"):
            node(page, name).click()
            for tab in ("Values", "Calls", "Attempts", "State", "Error"):
                page.get_by_role("tab", name=tab).click()
                found[f"{name}, {tab}"] = violations(page)
        page.locator(".li-search").fill("completed")
        found["searched"] = violations(page)
        page.locator(".li-search").fill("")
        move_slider(page, 2.0)
        found["replayed"] = violations(page)
        node(page, "review").dblclick()
        found["inside"] = violations(page)
        assert {state: wrong for state, wrong in found.items() if wrong} == {}


def test_axe_finds_nothing_in_what_has_not_run_nor_in_what_is_folded(browser: Any, tmp_path: Path):
    for payload in (samples.before(), samples.folded(), samples.hostile()):
        with inspected(browser, tmp_path, payload) as page:
            assert violations(page) == []


def test_tab_reaches_every_part_once_and_focus_is_seen(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        node(page, "search").click()
        page.evaluate("document.activeElement.blur()")
        page.locator(".li-search").focus()
        reached, unseen = [], []
        while page.evaluate("document.activeElement !== document.body"):
            reached.append(focused(page))
            if page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "none":
                unseen.append(reached[-1])
            page.keyboard.press("Tab")
        assert unseen == []
        wanted = [
            "find nodes",
            "Zoom out (−)",
            "Zoom in (+)",
            "Fit to width (0)",
            "search, completed, 1.20 s · 2 tries",  # one node of twelve
            "search, completed, 1.20 s, waited 0.150 s for another attempt, on the critical path, 3 calls",  # one bar
            "Play (space)",
            "moment of the run",
            "speed of the replay",
        ]
        places = [reached.index(name) for name in wanted]
        assert places == sorted(places)
        assert "Values" in reached[places[-1] :]


def test_what_is_chosen_is_said(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        heard = page.get_by_role("status")
        node(page, "figures").click()
        said = "figures, failed, 2.00 s, waited 0.910 s for a limit, TimeoutError: no answer in 2 s"
        assert heard.text_content() == said
        page.locator(".li-search").fill("completed")
        assert heard.text_content() == "16 found"
        node(page, "review").dblclick()
        assert heard.text_content().startswith("review is open, Escape closes it.")


def test_each_status_has_a_glyph_of_its_own_beside_its_colour(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        move_slider(page, 2.0)
        early = _looks(page)
        move_slider(page, 6.51)
        looks = early | _looks(page)
        assert looks.keys() == {"pending", "waiting", "running", "completed", "failed", "skipped"}
        assert len({glyph for glyph, _ in looks.values()}) == len(looks)
        assert len({border for _, border in looks.values()}) == len(looks)


def _looks(page: Any) -> dict[str, tuple[str, str]]:
    """The glyph and the border of each status that is drawn; colours without what may still be changing."""
    page.wait_for_function("() => document.getAnimations().length === 0")
    found: dict[str, Any] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.li-node')].map(n => [
          [...n.classList].find(c => c.startsWith('is-')).slice(3),
          [getComputedStyle(n.querySelector('.li-glyph'), '::before').content, getComputedStyle(n).borderColor]]))"""
    )
    return {status: (glyph, border) for status, (glyph, border) in found.items()}


@pytest.mark.parametrize("width", [1200, 1000, 830, 660])
def test_a_graph_that_has_not_run_stands_beside_what_is_said_of_it(browser: Any, tmp_path: Path, width: int):
    with inspected(browser, tmp_path, samples.before()) as page:
        page.set_viewport_size({"width": width, "height": 480})  # there is no timeline, and its frame is low
        node(page, "figures").click()
        diagram, about = (page.locator(f".li-{part}").bounding_box() for part in ("viewport", "right"))
        assert diagram["x"] + diagram["width"] <= about["x"] + 1
        assert max(box["y"] + box["height"] for box in (diagram, about)) <= 480 + 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "height", "where"), [
    (1200, 640, "right"), (1000, 640, "middle"), (830, 640, "middle"), (660, 900, "middle"), (400, 900, "below"),
])  # fmt: skip
def test_nothing_is_wider_than_the_page(browser: Any, tmp_path: Path, width: int, height: int, where: str):
    with inspected(browser, tmp_path, samples.research()) as page:
        page.set_viewport_size({"width": width, "height": height})
        node(page, "figures").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [page.locator(f".li-{part}").bounding_box() for part in ("viewport", "player", "right")]
        diagram, player, about = boxes
        assert (diagram["x"] + diagram["width"] <= about["x"] + 1) == (where == "right")
        assert (player["x"] + player["width"] <= about["x"] + 1) == (where != "below")
        assert (diagram["y"] + diagram["height"] <= about["y"] + 1) == (where != "right")
        assert diagram["width"] > (0.55 if where == "right" else 0.9) * width
        if where != "below":  # all of it is seen at once, also in the frame of a saved notebook
            assert max(box["y"] + box["height"] for box in boxes) <= height + 1
