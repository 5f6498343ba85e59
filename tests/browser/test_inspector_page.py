"""The inspector as a file: its policy lets no other script in, and five hundred nodes are there at once."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest

from linus_nb.rendering.inspector.standalone import standalone_page
from tests import inspector_samples as samples
from tests.browser.inspected import inspected, node

pytestmark = pytest.mark.browser

FOREIGN = """\
<script>document.title = 'owned'</script>
<script src="https://example.org/x.js"></script>
<img src="https://example.org/x.png" onerror="document.title = 'owned'">
<div id="styled" style="color: rgb(1, 2, 3)"></div>
<a id="link" href="javascript:document.title='owned'">link</a>
</body>"""


def test_the_policy_keeps_every_other_script_style_and_address_out(browser: Any, tmp_path: Path):
    file = tmp_path / "run.html"
    file.write_text(standalone_page(samples.research()).replace("</body>", FOREIGN), encoding="utf-8")
    opened = browser.new_context()
    try:
        page = opened.new_page()
        asked: list[str] = []
        refused: list[str] = []
        page.route("http*://**", lambda route: (asked.append(route.request.url), route.abort()))
        page.on("console", lambda message: refused.append(message.text))
        page.goto(file.as_uri())
        page.locator(".li-node").first.wait_for()
        page.locator("#link").evaluate("a => a.click()")
        page.evaluate("() => fetch('https://example.org/data').catch(() => null)")
        assert page.title() == "research, looked into"
        assert asked == []
        assert page.locator("#styled").evaluate("e => getComputedStyle(e).color") != "rgb(1, 2, 3)"
        for directive in ("script-src", "style-src", "img-src", "connect-src", "default-src"):
            assert any("Content Security Policy" in line and directive in line for line in refused), directive
    finally:
        opened.close()


DRAWN_MS = """async () => {
  await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)));
  return performance.now();
}"""
CLICKED_MS = """async k => {
  const began = performance.now();
  document.querySelectorAll('.li-node')[k].click();
  await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)));
  return performance.now() - began;
}"""


def test_five_hundred_nodes_are_drawn_within_a_second_and_a_click_is_answered_at_once(browser: Any, tmp_path: Path):
    drawn, clicked = [], []
    for _ in range(3):  # others use this machine, too
        with inspected(browser, tmp_path, samples.large(500)) as page:
            drawn.append(page.evaluate(DRAWN_MS))
            clicked.append(median(page.evaluate(CLICKED_MS, k) for k in (3, 120, 333, 480, 77)))
            assert page.locator(".li-about .li-title bdi").inner_text() == "node_0077"
    assert min(drawn) < 1000
    assert min(clicked) < 100


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["research", "large"])
def test_the_page_follows_the_readers_theme(browser: Any, tmp_path: Path, screenshots: Path, theme: str, name: str):
    with inspected(browser, tmp_path, getattr(samples, name)(), color_scheme=theme) as page:
        for width in (1200, 700):
            page.set_viewport_size({"width": width, "height": 900})
            page.locator(".li-node").nth(1).click()
            page.screenshot(path=screenshots / f"inspector-{name}-{theme}-{width}.png")
        ground = page.locator(".li-frame").evaluate("f => getComputedStyle(f).backgroundColor")
        assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 29)"}[theme]
        stroke = page.locator(".li-node.is-completed").first.evaluate("n => getComputedStyle(n).borderTopColor")
        assert stroke == {"light": "rgb(26, 127, 75)", "dark": "rgb(76, 195, 138)"}[theme]


def test_without_scripts_the_page_says_so(browser: Any, tmp_path: Path):
    file = tmp_path / "run.html"
    file.write_text(standalone_page(samples.research()), encoding="utf-8")
    opened = browser.new_context(java_script_enabled=False)
    try:
        page = opened.new_page()
        page.goto(file.as_uri())
        assert "needs scripts" in page.locator("#linus-page").inner_text()
    finally:
        opened.close()


def test_a_wide_window_shows_both_panes_and_a_click_keeps_the_page_where_it_is(browser: Any, tmp_path: Path):
    with inspected(browser, tmp_path, samples.large(500)) as page:
        page.locator(".li-search").fill("node_0499")
        page.keyboard.press("Enter")
        assert page.evaluate("window.scrollY") == 0
        seen = node(page, "node_0499").bounding_box()
        around = page.locator(".li-viewport").bounding_box()
        assert around["y"] <= seen["y"] <= around["y"] + around["height"] - seen["height"]
        row = page.locator(".li-row[aria-selected=true]").bounding_box()
        rows = page.locator(".li-rows").bounding_box()
        assert rows["y"] - 1 <= row["y"] <= rows["y"] + rows["height"] - row["height"] + 1
