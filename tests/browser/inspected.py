"""The inspector's page in a browser, as a file that is opened without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linus_nb.rendering.inspector.standalone import standalone_page
from tests.inspector_samples import Payload

Opened = Callable[..., Any]


@contextmanager
def inspected(browser: Any, folder: Path, payload: Payload, **context: Any) -> Iterator[Any]:
    """Open the page of a payload, and see that it asked for nothing and raised nothing."""
    file = folder / "run.html"
    file.write_text(standalone_page(payload), encoding="utf-8")
    opened = browser.new_context(viewport={"width": 1200, "height": 860}, offline=True, **context)
    try:
        page = opened.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url == file.as_uri() else troubles.append(request.url))
        page.goto(file.as_uri())
        page.locator(".li-node").first.wait_for()
        yield page
        assert troubles == []
    finally:
        opened.close()


def node(page: Any, name: str) -> Any:
    return page.locator(".li-node").filter(has=page.get_by_text(name, exact=True))


def statuses(page: Any) -> dict[str, str]:
    """The status of each node that is drawn, by its name."""
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.li-node')].map(
          n => [n.querySelector('bdi').textContent, [...n.classList].find(c => c.startsWith('is-')).slice(3)]))"""
    )
    return found


def chosen(page: Any) -> str:
    """The name of the node that the diagram shows as chosen; empty for none."""
    names = page.locator(".li-node[aria-selected=true] bdi").all_inner_texts()
    return names[0] if names else ""


def focused(page: Any) -> str:
    label: str = page.evaluate(
        "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    )
    return label


def move_slider(page: Any, at: float) -> None:
    page.locator(".li-slider").evaluate(
        "(slider, at) => { slider.value = at; slider.dispatchEvent(new Event('input')); }", at
    )
