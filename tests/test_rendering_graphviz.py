from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from linus_nb.errors import RenderError
from linus_nb.events import EdgeShape, GraphShape, NodeShape
from linus_nb.rendering import draw, graphviz_tools
from linus_nb.rendering.dot_source import dot_source, layout_source
from linus_nb.rendering.type_setting import printable
from tests.rendering_samples import HOSTILE_NAMES, failed_run, hostile, research

SVG = "{http://www.w3.org/2000/svg}"
needs_scripts = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins of this test are shell scripts")


@pytest.fixture(autouse=True)
def _fresh_search() -> Iterator[None]:
    graphviz_tools.programs.cache_clear()
    draw.layout_of.cache_clear()
    yield
    graphviz_tools.programs.cache_clear()
    draw.layout_of.cache_clear()


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch, no_dot: None) -> None:
    monkeypatch.setattr(graphviz_tools, "_stand_in", lambda: None)


def fake_dot(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Put a ``dot`` first on the PATH that answers ``-V`` and otherwise does as ``script`` says."""
    program = folder / "dot"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = "-V" ]; then echo "dot - graphviz version 9.9.9 (0)" >&2; exit 0; fi\n{script}\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def a_graphviz() -> graphviz_tools.Program:
    found = graphviz_tools.programs()
    if not found:
        pytest.skip("neither dot nor graphviz-pure is installed here")
    return found[0]


def test_source_with_hostile_names_is_drawn_by_graphviz_as_text() -> None:
    for program in (a_graphviz(), *graphviz_tools.programs()):
        answer = graphviz_tools.run(program.command, ["-Kdot", "-Tsvg"], dot_source(hostile()))
        texts = [(t.text or "").replace("\xa0", " ") for t in ElementTree.fromstring(answer).iter(f"{SVG}text")]
        squeezed = [" ".join(text.split()) for text in texts]
        for name in HOSTILE_NAMES[:-1]:
            assert "○ " + " ".join(printable(name).split()) in squeezed


def test_source_says_status_dashes_and_tooltips() -> None:
    source = dot_source(failed_run().graph, failed_run(), critical={("ingest", "search")})
    assert "rankdir=LR" in source
    assert "{rank=same; n_1; n_2}" in source
    lines = source.splitlines()
    failed = next(line for line in lines if line.startswith("  n_4 ["))
    assert 'class="failed"' in failed
    assert "✕  figures\\nTimeoutError" in failed
    assert "the figures step" in failed
    conditional = next(line for line in lines if "id=e_7" in line)
    assert "style=dashed" in conditional
    assert 'label="empty?"' in conditional
    bold = next(line for line in lines if "id=e_0" in line)
    assert "penwidth=2" in bold


def test_source_for_the_layout_holds_no_word_of_the_users() -> None:
    nodes = (NodeShape("secret-a", 0), NodeShape("secret-b", 1))
    shape = GraphShape("secret", nodes, (EdgeShape("secret-a", "secret-b", conditional=True, label="secret?"),))
    assert "secret" not in layout_source(shape)


def test_without_dot_the_stand_in_draws(no_dot: None) -> None:
    if graphviz_tools._stand_in() is None:
        pytest.skip("graphviz-pure has no wheel for this platform")
    assert draw.renderer().startswith("graphviz-pure ")
    assert draw.layout_of(research()).drawn_by.startswith("graphviz-pure ")


def test_with_neither_the_built_in_layout_draws(no_graphviz: None) -> None:
    assert draw.renderer() == "built in"
    assert draw.layout_of(research()).drawn_by == "built in"
    assert "summarise" in draw.svg(research())
    assert draw.png(research()) is None


@needs_scripts
@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 3", "exit status 3"), ("echo nonsense", "no layout"), ("exec sleep 30", "in 0.2 s")],
    ids=["fails", "answers nonsense", "hangs"],
)
def test_a_renderer_that_fails_gives_way_and_is_logged(
    script: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    no_graphviz: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake_dot(monkeypatch, tmp_path, script)
    assert draw.renderer() == "dot 9.9.9"
    monkeypatch.setattr(graphviz_tools, "TIMEOUT_S", 0.2)
    assert draw.layout_of(research()).drawn_by == "built in"
    assert said in caplog.text


@needs_scripts
def test_a_dot_that_does_not_even_start_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_graphviz: None, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/nowhere/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert draw.renderer() == "built in"
    assert "does not answer" in caplog.text


def test_large_graphs_are_laid_out_by_level() -> None:
    count = draw.MOST_NODES_FOR_DOT + 1
    shape = GraphShape("large", tuple(NodeShape(f"n{i}", i // 20) for i in range(count)), ())
    assert draw.layout_of(shape).drawn_by == "built in"


def test_pictures_are_saved_by_their_ending(tmp_path: Path) -> None:
    record = failed_run()
    assert draw.save(record.graph, record, tmp_path / "a.svg").read_text("utf-8").startswith("<svg")
    assert draw.save(record.graph, record, str(tmp_path / "a.dot")).read_text("utf-8").startswith("digraph")
    a_graphviz()
    assert draw.save(record.graph, record, tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RenderError, match=r"'a\.jpg'; end the name in \.svg"):
        draw.save(record.graph, record, tmp_path / "a.jpg")


def test_without_graphviz_a_png_is_refused_with_the_way_out(no_graphviz: None, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"'a\.png' needs Graphviz.*save as \.svg"):
        draw.save(research(), None, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
