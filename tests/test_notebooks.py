"""Every notebook runs from top to bottom in a real kernel, and shows what its text promises."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def executed(name: str, folder: Path) -> list[str]:
    """Return the text of each code cell's outputs, after running the notebook; a failing cell raises."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return [_text(cell) for cell in notebook.cells if cell.cell_type == "code"]


def _text(cell: nbformat.NotebookNode) -> str:
    parts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(parts)


@pytest.mark.kernel
@pytest.mark.local_model
def test_the_quickstart_does_the_main_job_on_the_real_local_model(tmp_path):
    texts = executed("01_quickstart.ipynb", tmp_path)
    everything = "\n".join(texts)
    assert "714" in texts[1]
    assert "letter ✓ success" in everything
    assert re.search(r"Your order came to 228\.", everything)
    assert all(mode in texts[-1] for mode in ("sync", "async", "parallel", "dataflow"))


@pytest.mark.kernel
def test_the_patterns_are_as_much_faster_as_the_text_says(tmp_path):
    everything = "\n".join(executed("02_async_patterns.ipynb", tmp_path))
    gathered, levelled = (float(x) for x in re.findall(r"([\d.]+) times as fast", everything))
    # real seconds on a noisy machine: the bounds are wide, what they tell apart is waiting together and in turn
    assert 2.5 < gathered <= 3.1
    assert 1.4 < levelled <= 1.75


@pytest.mark.kernel
def test_the_graphs_do_what_their_text_says(tmp_path):
    everything = "\n".join(executed("03_graphs.ipynb", tmp_path))
    for shown in (
        "'Barriers I for engineers'",  # the cell that was changed
        "✓ search  given",
        "⊘ thank  not routed",
        "'page': 'three headlines, no weather'",
        "'archive': ConnectionError('the archive is closed on Sundays')",
        "✓ summary  6 items · 1 failed",
        "['draft of Barriers 2: fine', 'draft of Barriers 3: fine']",
        "['left', 'right', 'start']",
        "did you mean 'hits'?",
        "■ cancelled",
        "(10, True)",  # events, and the loaded run's table equals the run's own
    ):
        assert shown in everything
    levels, dataflow = (float(x) for x in re.findall(r"uneven ✓ success · \w+ · ([\d.]+) s", everything))
    assert dataflow < levels  # by 0.3 s of 0.75, in real seconds


@pytest.mark.kernel
@pytest.mark.local_model
def test_the_agents_do_on_the_real_local_model_what_their_text_says(tmp_path):
    everything = "\n".join(executed("04_agents.ipynb", tmp_path))
    for shown in (
        "rain, 4 degrees",  # a function of one's own
        "12 chairs",  # a tool with examples
        "level 1  ✓ 1 weather",  # the plan as a graph, two tasks of it at the same time
        "✓ 2 weather",
        "Person(name='Maria', age=34, town='Lisbon')",
        "teal",  # told in one run, asked for in another
        "weather({'city': 'Rome'}) = sun, 21 degrees",
        "the call of 'weather' was not allowed",
        "the provider is gone",
    ):
        assert shown in everything


@pytest.mark.kernel
def test_a_run_is_watched_stopped_and_continued_as_the_text_says(tmp_path):
    everything = "\n".join(executed("05_watching.ipynb", tmp_path))
    for shown in (
        "research ✓ success · dataflow",
        "✓ search",
        "2 tries",
        "research ■ cancelled · levels",
        "'search': 'three papers about barriers'",  # kept
        "research ✓ success · levels",  # in the background, shown in the cell that began it
        "TokenDelta(text='comes.'",
        "dataflow won't ask.",  # %%agent
        "node 'busy' kept the event loop busy",
        'n1("✓ search<br>given")',
    ):
        assert shown in everything
    assert "widget-view" not in everything


@pytest.mark.kernel
@pytest.mark.local_model
def test_what_is_measured_and_compared_is_what_the_text_says(tmp_path):
    texts = executed("06_benchmarks.ipynb", tmp_path)
    everything = "\n".join(texts)
    speedup, share = re.search(r"'dataflow' is ([\d.]+) times \([^)]*\) as fast as 'sync', (\d+)%", texts[1]).groups()
    assert 1.7 < float(speedup) < 2.1  # real seconds on a noisy machine
    assert int(share) > 85
    assert "Figure size" in texts[3]  # the plot
    assert "input tokens in its own cache of prompts" in texts[4]  # the real local model, whatever it came to
    assert "All 30 replies came from a script: their times are not those of a model." in texts[5]
    assert "'gathered' is" in texts[7]
    assert re.search(r"dataflow: 0\.\d+ s instead of 0\.\d+ s, by this run's durations", texts[8])
    assert "nodes of 4 changed." in everything or "node of 4 changed." in everything
    assert re.search(r"score: [4-8] of 8 cases right", everything)
    assert "Not finished: " in texts[-1]


@pytest.mark.kernel
def test_what_is_governed_is_what_the_text_says(tmp_path):
    texts = executed("08_limits.ipynb", tmp_path)
    assert "book ✓ success" in texts[1]
    assert re.search(r"✓ chapter 0 .*─{8}", texts[2])  # the last to have its turn, as it has no priority
    assert not re.search(r"✓ chapter 7 .*─", texts[2])
    assert "letters ✓ success" in texts[4]
    assert re.search(r"gpt-4o-mini +1 +0\.0+ +gpt-4o ", texts[5])
    assert texts[6].count("budget: 3,844 of 3,000 tokens are spent") >= 2
    assert "sunny in Oslo" in texts[7]
    assert "Not completed: 2 of 2 model calls are made" in texts[7]
    assert texts[8].strip().startswith("sent: 1, from the cache: 9, cost: $0.0035")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.name)
def test_a_notebook_is_committed_with_outputs_and_without_errors_or_paths(path):
    notebook = nbformat.read(path, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(c.execution_count for c in code)
    assert not [o for c in code for o in c.outputs if o.output_type == "error"]
    text = path.read_text(encoding="utf-8")
    for folder in (Path.home(), NOTEBOOKS.parent, Path(tempfile.gettempdir())):
        assert str(folder) not in text


@pytest.mark.kernel
def test_runs_are_looked_into_before_while_and_after_they_run(tmp_path):
    texts = executed("07_inspecting.ipynb", tmp_path)
    everything = "\n".join(texts)
    for shown in (
        "research: 9 nodes, 10 edges, 5 levels",  # before
        "✓ tables  ",
        " · 2 tries",
        "⊘ fallback  not routed",
        "'run.html'",
        "█ ran  ─ waited  · waited for inputs  * critical path",
        "many ✓ success",
    ):
        assert shown in everything
    while_it_runs, from_a_file = texts[-3], texts[-1]
    assert while_it_runs == from_a_file  # what the run came to, and the same read back
