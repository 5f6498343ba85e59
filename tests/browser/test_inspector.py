"""The inspector as a person uses it: clicks, keys, the search box and the slider, in a file opened offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import inspector_samples as samples
from tests.browser.inspected import chosen, focused, inspected, move_slider, node, statuses

pytestmark = pytest.mark.browser


def test_a_click_shows_what_a_node_got_called_tried_and_gave(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        node(page, "search").click()
        about = page.locator(".li-about")
        assert "search ✓ completed 1.20 s, level 2, on the critical path" in _glyphs(page, about)
        assert "'for': 'search'" in about.inner_text()
        page.get_by_role("tab", name="Calls 3").click()
        assert "gpt-4o-mini · 0.310 s · 820 → 141 tokens · $0.0002" in about.inner_text()
        assert "<b>Measured</b>" in about.inner_text()
        page.get_by_role("button", name="2 web_search").click()
        assert 'query="agent graph barriers"' in about.locator(".li-words").inner_text()
        page.get_by_role("tab", name="Attempts 2").click()
        assert "ConnectionError: reset" in about.inner_text()
        assert "another attempt" in about.inner_text()
        node(page, "papers").click()
        page.get_by_role("tab", name="State").click()
        assert "topic · agent graph barriers" in about.inner_text()
        assert "only if has pages?: yes" in about.inner_text()
        node(page, "figures").click()
        page.get_by_role("tab", name="Error").click()
        assert "Traceback (most recent call last)" in about.inner_text()
        node(page, "fallback").click()
        assert "upstream 'figures' failed" in about.inner_text()


def _glyphs(page: Any, about: Any) -> str:
    """The text of the pane with its glyphs, which the style sheet draws."""
    glyph = about.locator(".li-title .li-glyph").evaluate("g => getComputedStyle(g, '::before').content.slice(1, -1)")
    text: str = about.inner_text().replace("search  completed", f"search {glyph} completed")
    return text


def test_a_long_value_is_cut_and_shown_whole_and_says_what_the_file_does_not_hold(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        node(page, "papers").click()
        page.get_by_role("tab", name="State").click()
        written = page.locator(".li-value").nth(1)
        assert " 59  Level" not in written.inner_text()
        more = written.get_by_role("button", name="show all 4.32 kB")
        more.click()
        assert " 59  Level" in written.inner_text()
        written.get_by_role("button", name="show less").click()
        assert " 59  Level" not in written.inner_text()
        node(page, "search").click()
        page.get_by_role("tab", name="Values").click()
        page.get_by_role("button", name="show all").click()
        assert "the first 2.00 kB of 4.32 kB; the rest is not in this file" in page.locator(".li-about").inner_text()


def test_arrows_walk_along_edges_and_within_levels_and_enter_and_escape_open_and_close(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        page.locator(".li-search").focus()
        page.keyboard.press("ArrowDown")
        walked = []
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "End"):
            page.keyboard.press(key)
            walked.append(chosen(page))
        assert walked == ["search", "summarise", "claims", "papers", "ingest", "report"]
        assert focused(page).startswith("report, completed")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
        assert chosen(page) == "review"
        page.keyboard.press("Enter")
        assert set(statuses(page)) == {"draft", "check"}
        assert chosen(page) == "draft"
        assert page.locator(".li-crumbs").inner_text().startswith("research › review")
        assert page.locator(".li-row").count() == 2  # the timeline goes along
        page.keyboard.press("ArrowRight")
        assert focused(page).startswith("check, completed")
        page.keyboard.press("Enter")  # nothing to open: to what is known of it
        assert focused(page) == "Values"
        page.keyboard.press("ArrowRight")
        assert focused(page) == "Calls"
        page.keyboard.press("Escape")
        assert focused(page).startswith("check, completed")
        page.keyboard.press("Escape")
        assert chosen(page) == "review"
        assert len(statuses(page)) == 12
        page.keyboard.press("Escape")
        assert chosen(page) == ""
        assert "figures gave no answer" in page.locator(".li-about").inner_text()


def test_a_node_that_ran_per_item_opens_as_a_grid(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        node(page, "pages").dblclick()
        assert list(statuses(page)) == ["[0]", "[1]", "[2]", "[3]"]
        page.keyboard.press("ArrowRight")
        assert chosen(page) == "[1]"
        page.get_by_role("button", name="Close (Escape)").click()
        assert chosen(page) == "pages"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("failed", ["figures"]),
        ("search", ["search"]),
        (">2s", ["summarise", "claims"]),
        ("> 2 s claims", ["claims"]),
        (">$0.0001", ["search"]),
        (">1,000 tokens", ["search"]),
        ("expensive", ["search"]),
        ("no answer", ["figures"]),
        ("retried", ["search"]),
        ("<0.45s completed critical", ["ingest"]),
        ("\"upstream 'figures'\"", ["fallback"]),
        ("draft", ["review"]),  # what is found inside lets its node stand out
        ("nothing like it", []),
    ],
)
def test_the_search_finds_names_statuses_limits_and_errors(browser: Any, tmp_path: Path, typed: str, found: list[str]):
    with inspected(browser, tmp_path, samples.research()) as page:
        page.locator(".li-search").fill(typed)
        assert page.locator(".li-node.li-found bdi").all_inner_texts() == found
        assert page.locator(".li-searched").count()


def test_enter_walks_what_was_found_into_the_graphs_inside_and_escape_ends_it(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        page.keyboard.press("/")
        box = page.locator(".li-search")
        box.evaluate("b => b.focus()")
        box.fill("review")
        assert page.locator(".li-found-count").inner_text() == "3 found"
        walked = []
        for _ in range(4):
            page.keyboard.press("Enter")
            walked.append(chosen(page))
        assert walked == ["review", "draft", "check", "review"]
        page.keyboard.press("Shift+Enter")
        assert chosen(page) == "check"
        assert page.locator(".li-found-count").inner_text() == "3 of 3"
        page.keyboard.press("Escape")
        assert box.input_value() == ""
        assert page.locator(".li-searched").count() == 0


def test_the_slider_moves_diagram_and_timeline_together(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        node(page, "figures").click()
        move_slider(page, 2.0)
        shown = statuses(page)
        assert shown["ingest"] == "completed"
        assert shown["summarise"] == "running"
        assert shown["figures"] == "waiting"
        assert shown["report"] == "pending"
        rows = page.locator(".li-row")
        assert "is-running" in rows.nth(4).get_attribute("class")
        curtain = page.locator(".li-curtain").evaluate("c => getComputedStyle(c).getPropertyValue('--li-at')")
        assert 28 < float(curtain.rstrip("%")) < 29  # 2 of 7 seconds
        assert page.locator(".li-about .li-status").inner_text().strip() == "waiting"
        assert page.locator(".li-slider").get_attribute("aria-valuetext") == "2.00 s of 6.51 s"
        assert node(page, "summarise").locator(".li-line").inner_text() == "0.389 s"  # so far; a step is 6.51 ms
        move_slider(page, 6.51)
        assert statuses(page)["figures"] == "failed"
        assert page.locator(".li-curtain").is_hidden()


def test_space_plays_and_pauses_and_the_speed_is_chosen(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        node(page, "ingest").click()
        assert page.locator(".li-speed option").all_inner_texts() == ["×1", "×2", "×5", "×10"]
        page.locator(".li-speed").select_option("10")
        node(page, "ingest").focus()
        page.keyboard.press(" ")
        assert page.get_by_role("button", name="Pause").count() == 1
        page.wait_for_function("() => document.querySelector('.li-node.is-running')")
        page.keyboard.press(" ")
        at = page.locator(".li-slider").input_value()
        assert 0 < float(at) < 6.51
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("() => document.querySelector('.li-moment').textContent === '6.51 s'")
        assert page.get_by_role("button", name="Play").count() == 1
        assert statuses(page)["report"] == "completed"


def test_less_motion_is_fewer_pictures_and_no_transitions(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research(), reduced_motion="reduce") as page:
        duration = "n => getComputedStyle(n).transitionDuration"
        assert page.locator(".li-node").first.evaluate(duration) == "0s"
        page.evaluate(
            """() => { window.moves = 0;
              new MutationObserver(() => { window.moves += 1; }).observe(
                document.querySelector('.li-slider'), {attributeFilter: ['aria-valuetext']}); }"""
        )
        page.locator(".li-speed").select_option("2")
        page.get_by_role("button", name="Play").click()
        page.wait_for_function("() => document.querySelector('.li-moment').textContent === '6.51 s'")
        assert page.evaluate("window.moves") < 12  # of about 200 frames


def test_zoom_by_keys_buttons_and_wheel_and_pan_by_dragging(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        percent = page.locator(".li-percent")
        fitted = percent.inner_text()
        node(page, "search").click()
        page.keyboard.press("+")
        assert int(percent.inner_text()[:-2]) > int(fitted[:-2])
        page.keyboard.press("-")
        assert percent.inner_text() == fitted
        page.get_by_role("button", name="Zoom in").click(click_count=3)
        zoomed = percent.inner_text()
        box = page.locator(".li-viewport").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + 30, steps=4)
        page.mouse.up()
        assert page.locator(".li-viewport").evaluate("v => v.scrollLeft") > 100
        page.keyboard.down("Control")
        page.mouse.wheel(0, -50)
        page.keyboard.up("Control")
        page.wait_for_function("z => document.querySelector('.li-percent').textContent !== z", arg=zoomed)
        node(page, "search").focus()
        page.keyboard.press("0")
        assert percent.inner_text() == fitted


def test_a_pointer_over_a_bar_tells_its_figures_and_a_click_selects_the_node(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        bar = page.locator(".li-row", has_text="figures")
        bar.hover()
        tip = page.locator(".li-tip")
        assert "2.20 s to 4.20 s: ran 2.00 s\nwaited 0.910 s for a limit" in tip.inner_text()
        bar.click()
        assert chosen(page) == "figures"
        page.keyboard.press("ArrowDown")
        assert chosen(page) == "pages"
        page.locator(".li-edge.li-conditional .li-hit").first.hover(force=True)
        assert "only if" in tip.inner_text()


def test_grid_and_curtain_reach_down_to_the_last_row(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.large(100)) as page:
        move_slider(page, 1.0)
        page.locator(".li-rows").evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
        last = page.locator(".li-row").last.bounding_box()
        for part in (".li-grid", ".li-curtain"):
            box = page.locator(part).bounding_box()
            assert box["y"] + box["height"] == pytest.approx(last["y"] + last["height"], abs=1)


def test_waiting_slack_and_the_critical_path_are_told_apart(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.research()) as page:
        drawn = page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll('.li-row')].map(r => [
              r.textContent, [...r.querySelectorAll('.li-track > *')].map(b => b.className)]))"""
        )
        assert drawn["search"] == ["li-wait", "li-ran", "li-ran"]  # two attempts, and between them a wait
        assert drawn["figures"] == ["li-wait", "li-ran"]
        assert drawn["papers"] == ["li-ran", "li-slack"]
        critical = page.locator(".li-row.li-critical bdi").all_inner_texts()
        assert critical == list(samples.ON_PATH)


def test_no_markup_of_a_run_is_ever_markup_of_the_page(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.hostile()) as page:
        for k in range(page.locator(".li-node").count()):
            page.locator(".li-node").nth(k).click()
            for name in ("Values", "Calls", "Attempts", "State", "Error"):
                page.get_by_role("tab", name=name).click()
                if name == "Calls":
                    page.locator(".li-call").first.click()
                assert samples.MARKUP in page.locator(".li-about").text_content()
        page.locator(".li-row").first.hover()
        page.locator(".li-search").fill("constructor")
        assert page.locator(".li-found bdi").first.inner_text() == "constructor"
        assert page.locator("img, a, b, iframe, #linus-page script").count() == 0
        assert page.title() == f"{samples.MARKUP}, looked into"


def test_levels_that_no_picture_can_carry_fold_into_groups_that_open(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.folded()) as page:
        assert page.locator(".li-folded").inner_text() == "3,000 nodes in 10 levels, folded into 2 groups."
        assert statuses(page) == {"levels 1–5": "completed", "levels 6–10": "failed"}
        node(page, "levels 6–10").dblclick()
        assert page.locator(".li-node").count() == 600
        assert "the search finds the others" in page.locator(".li-folded").inner_text()
        page.locator(".li-search").fill("n2999")
        page.keyboard.press("Enter")
        assert "n2999" in page.locator(".li-about").inner_text()
        page.locator(".li-close").click()
        assert chosen(page) == "levels 6–10"


def test_a_graph_that_has_not_run_has_no_timeline_and_no_slider(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.before()) as page:
        assert "not run yet" in page.locator(".li-head").inner_text()
        assert page.locator(".li-timeline").is_hidden()
        assert page.locator(".li-player").is_hidden()
        node(page, "papers").click()
        page.get_by_role("tab", name="Calls").click()
        assert "It did not run." in page.locator(".li-about").inner_text()
