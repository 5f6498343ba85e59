"""The table that `evaluate` returns: a DataFrame that knows the run behind each row."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Any

from linus_nb.analysis.noted import NotedFrame
from linus_nb.brief import brief
from linus_nb.masking import masked


class Evaluation(NotedFrame):
    """A row for each case: `linus_nb.analysis.evaluating.table.evaluation_table` names the columns.

    What is selected from it has the same ``results``; files, and pickles, lose them.

    Attributes:
        results: what each case came to, by its name: the agent's response, the run of the graph, or what a function
            returned; also of cases that failed, as far as there is anything.
    """

    _metadata = ["results"]  # noqa: RUF012  the protocol of pandas: handed on to what is made from this table
    results: Mapping[Hashable, Any] = MappingProxyType({})

    def __repr__(self) -> str:
        return NotedFrame.__repr__(self._readable())

    def _repr_html_(self) -> str | None:
        return NotedFrame._repr_html_(self._readable())

    def _readable(self) -> Evaluation:
        """Return the table as it may be shown: no secrets in what it holds, and no megabytes."""
        return self.map(_cell)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]  # pandas gives a dict, its stubs an object
        return state | {"results": {}}  # they hold what no pickle can: locks, models


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value, 2000)
    return value if isinstance(value, bool | int | float) else brief(value, 200)
