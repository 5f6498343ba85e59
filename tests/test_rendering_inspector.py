"""The inspector's script and page as texts; what they do in a browser is in tests/browser."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from linus_nb.rendering.inspector import assets
from linus_nb.rendering.inspector.framed import framed
from linus_nb.rendering.inspector.standalone import json_text, standalone_page
from linus_nb.rendering.inspector.style import inspector_style
from linus_nb.rendering.palette import RUN_LOOKS, STATUSES
from tests import inspector_samples as samples

FOLDER = Path(assets.__file__).parent


def test_every_module_is_joined_after_those_it_imports_from():
    assert sorted(assets.MODULES) == sorted(path.stem for path in FOLDER.glob("*.js"))
    for k, name in enumerate(assets.MODULES):
        assert set(assets.imported_by(name)) <= set(assets.MODULES[:k])


def test_the_joined_script_imports_nothing_and_exports_one_thing():
    assert not re.search(r"^\s*import\b", assets.widget_module(), re.MULTILINE)
    assert re.findall(r"^export .*", assets.widget_module(), re.MULTILINE) == [
        "export default { render: hosts$.render };"
    ]
    assert not re.search(r"^export\b", assets.page_script(), re.MULTILINE)


def test_the_script_makes_no_markup_of_texts_and_asks_no_network():
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "fetch(",
        "XMLHttp",
        "http",
    ):
        found = [name for name in assets.MODULES if forbidden in assets.module_text(name).replace(_SVG_NAME, "")]
        assert found == []


_SVG_NAME = "http://www.w3.org/2000/svg"  # the name of a kind of markup, which nobody asks for


def test_the_policy_names_the_very_script_and_style_sheet_of_the_page():
    page = standalone_page(samples.research())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for text, rule in ((script, "script-src"), (style, "style-src")):
        digest = b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")
        assert rules.pop(rule) == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}


def test_markup_in_values_cannot_end_the_data_of_the_page():
    page = standalone_page(samples.hostile())
    (data,) = re.findall(r'<script type="application/json" id="linus-payload">(.*?)</script>', page, re.DOTALL)
    assert "<" not in data
    assert json.loads(data) == json.loads(json.dumps(samples.hostile()))
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page


def test_what_json_does_not_know_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"duration_s": float("nan")})


def test_a_lone_surrogate_is_written_as_an_escape():
    page = standalone_page({"title": "t", "sentence": "lone \ud800"})
    assert "\\ud800" in page
    assert page.encode("utf-8")


def test_the_frame_is_a_sandbox_that_holds_the_whole_page():
    html = framed(samples.hostile(), "<b>the card</b>")
    (source,) = re.findall(r'srcdoc="([^"]*)"', html)
    assert unescape(source) == standalone_page(samples.hostile())
    assert re.findall(r'sandbox="([^"]*)"', html) == ["allow-scripts"]
    assert html.index("</iframe>") < html.index("<b>the card</b>")
    assert "<script" not in html


def test_the_style_sheet_paints_each_status_in_both_themes():
    style = inspector_style()
    for name, look in STATUSES.items():
        assert f"--li-{name}-fill:{look.light.fill}" in style
        assert style.count(f"--li-{name}-fill:{look.dark.fill}") >= 2  # in a dark notebook, and on a dark system
    for name in STATUSES | RUN_LOOKS:
        assert f".is-{name}" in style
    assert "url(" not in style
    assert "@import" not in style


def test_five_hundred_nodes_are_under_two_megabytes():
    assert len(standalone_page(samples.large(500)).encode("utf-8")) < 2_000_000
