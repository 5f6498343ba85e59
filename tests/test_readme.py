"""Every Python block of the README runs as it stands, one after the other, with await at the top as in a notebook."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.local_model
def test_the_readmes_blocks_run():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {}

    async def run_all() -> None:
        for block in blocks:
            code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            value = eval(code, names)
            if inspect.isawaitable(value):
                await value

    asyncio.run(run_all())
    assert "714" in str(names["response"])
    assert names["result"].final_state["report"] == "barriers I: all about barriers; barriers II: all about barriers"


def test_the_readmes_pictures_and_links_are_there():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)]+)\)", readme) if not t.startswith("http")]
    assert targets
    assert not [t for t in targets if not (ROOT / t).exists()]
    assert "@@" not in readme
