"""``%%agent NAME``: the text of a cell goes to an agent, and its answer is shown as it comes."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from linus_nb.agent import Agent
from linus_nb.errors import nearest
from linus_nb.notebook.answering import answered, stopped_briefly
from linus_nb.notebook.cell_magic import CellMagic, awaited_or_blocking, checked_variable, magic_options, usage_error

LATEST = "_agent"


def agent_magic(shell: Any) -> CellMagic:
    """Return the magic for a shell."""
    options = _agent_options()

    def agent(line: str, cell: str) -> Coroutine[Any, Any, None] | None:
        given = options.parse_argstring(line)
        asked = _agent_named(given.name, shell.user_ns)
        checked_variable(given.to)
        text = (_expanded(cell, shell.user_ns) if given.expand else cell).strip()
        if not text:
            raise usage_error("the cell holds no text; write what to ask below its first line")

        async def answer() -> None:
            shell.push({given.to: await answered(asked, given.name, text)})

        with stopped_briefly():
            return awaited_or_blocking(given, answer())

    agent.__doc__ = options.format_help()  # what %%agent? shows
    return agent


def _agent_options() -> Any:
    parser = magic_options("agent", "Send the text of the cell to an agent, and show the answer as it comes.")
    parser.add_argument("name", metavar="NAME", help="the name of a variable that holds an Agent")
    parser.add_argument(
        "--to", metavar="VARIABLE", default=LATEST, help=f"where the response is kept; {LATEST} unless given"
    )
    parser.add_argument(
        "--expand",
        action="store_true",
        help="fill in {expressions} from the notebook's variables; {{ and }} are then braces",
    )
    return parser


def _agent_named(name: str, variables: dict[str, Any]) -> Agent:
    found = variables.get(name)
    if isinstance(found, Agent):
        return found
    agents = [other for other, value in variables.items() if isinstance(value, Agent) and not other.startswith("_")]
    if name in variables:
        instead = f"; run it with: await {name}" if hasattr(found, "__await__") else ""
        problem = f"{name!r} is no Agent but of type {type(found).__name__!r}{instead}"
    else:
        problem = f"no agent {name!r}"
    known = ", ".join(map(repr, agents)) or "none yet; make one: from linus_nb import Agent"
    close = "" if name in variables else nearest(name, agents)
    raise usage_error(f"{problem}; {close}(agents: {known})" if close else f"{problem} (agents: {known})")


def _expanded(text: str, variables: dict[str, Any]) -> str:
    from IPython.utils.text import FullEvalFormatter

    try:
        filled: str = FullEvalFormatter().vformat(text, (), variables)
    except Exception as error:  # an expression may raise anything
        raise usage_error(
            f"an {{expression}} of the cell raised {type(error).__name__}: {error}; leave --expand out, or write {{{{ "
            "and }} for braces"
        ) from error
    return filled
