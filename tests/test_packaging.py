"""What ships: public names, types, licences, and an import that costs next to nothing."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import linus_nb

ROOT = Path(__file__).parents[1]
TESTS = ".venv/bin/python -m pytest -n auto --dist loadfile"
HEAVY = ("pandas", "langchain_core", "langchain_openai", "IPython", "ipywidgets", "graphviz", "openai", "pydantic")


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, linus_nb, linus_nb.dag; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", linus_nb.__all__)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(linus_nb, name)
    assert inspect.getdoc(thing)
    assert name in dir(linus_nb)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        linus_nb.Agnet  # noqa: B018  looked up for its error


def test_version_types_and_licences():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == linus_nb.__version__
    assert (ROOT / "linus_nb" / "py.typed").exists()
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    third = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=; ]", requirement)[0]
        assert name in third, f"{name} is not in THIRD_PARTY.md"


def test_the_readmes_two_commands_come_first_and_are_what_ci_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, flags=re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("linus-nb demo")
    assert commands[1].endswith(TESTS)
    assert TESTS in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
