"""LangChain's own kinds of tools, as an agent calls them."""

from __future__ import annotations

from langchain_core.tools import BaseTool
from langchain_core.tools import Tool as OneText

from linus_nb.agent.tool_calls import call
from linus_nb.tools.adapt import adapt


def test_a_langchain_tool_that_must_be_awaited_is_awaited_by_blocking_callers_too():
    class OnlyAwaited(BaseTool):
        name: str = "only_awaited"
        description: str = "Double a number."

        def _run(self, number: int) -> int:
            raise NotImplementedError("await it")

        async def _arun(self, number: int) -> int:
            return 2 * number

    assert call(adapt(OnlyAwaited()), {"number": 21}) == 42


def test_what_langchain_calls_a_tool_of_one_text_takes_one_text():
    tool = adapt(OneText(name="shout", func=lambda text: text.upper(), description="Shout."))
    assert tool.schema["properties"] == {"tool_input": {"type": "string"}}
    assert call(tool, {"tool_input": "hello"}) == "HELLO"
