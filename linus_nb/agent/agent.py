"""The agent: a description (a model, tools, instructions), and the ways to ask it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, overload

from linus_nb.agent.agent_run import AgentRun
from linus_nb.agent.approval import Approval, Approve, checked
from linus_nb.agent.budgeted import out_of_budget, time_left
from linus_nb.agent.drivers import adrive, drive
from linus_nb.agent.kept import kept
from linus_nb.agent.loop import answer
from linus_nb.agent.memory import Memory
from linus_nb.agent.remembering import answer_with_memory
from linus_nb.agent.requests import Steps
from linus_nb.agent.response import AgentResponse
from linus_nb.agent.stream import AgentEvent, streamed
from linus_nb.agent.structured import Structure
from linus_nb.agent.turns import answer_in_turns
from linus_nb.brief import brief
from linus_nb.budget import Budget, checked_budget, spending_on
from linus_nb.display import Shown
from linus_nb.engine.interrupts import nobody, told_to
from linus_nb.engine.threads import in_thread
from linus_nb.errors import BudgetError, LinusError
from linus_nb.graph.given import as_text
from linus_nb.masking import keep_secrets_of
from linus_nb.models.governing.usual import as_asked
from linus_nb.tools.adapt import adapt_all
from linus_nb.tools.checks import name_checked

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable


class Agent(Shown):
    """A chat model that plans, uses tools, checks what it did and answers.

    An agent holds nothing of a run: one agent may answer many questions at the same time.

    Args:
        tools: Functions with type hints and a docstring (sync or async), LangChain tools, or tools of
            `linus_nb.tools`.
        llm: Any LangChain chat model; `linus_nb.models.default_model()`, once it is needed, where none is given.
        name: What the agent is called.
        instructions: What the model is told in every question: a role, a style, a language.
        max_iterations: Rounds of planning and doing before the agent gives what it has.
        strategy: ``"reasoning"``: it plans tasks, fills in arguments and checks, each in a question of its own, which
            small models manage, too; ``"tools"``: the model calls tools by its own means, which large ones do best.
        input_schema: A pydantic model (or another type that pydantic knows) that a question has to fit.
        output_schema: The type of the answer: ``response.result`` is then one. The provider is given its JSON schema
            where it takes one.
        approve: ``"ask"``: you are asked before each tool call, by a widget in a notebook, else at the terminal. Or a
            function (sync or async) that gets the tool's name and arguments: True lets it run, False does not, a dict
            of arguments lets it run with those, and ``"ask"`` asks you.
        memory: What it remembers of earlier questions; several agents may share one.
        budget: What each run may spend. One that is out of it gives the latest result that it has, and says so; with
            none, it raises `BudgetError`. A call that blocks (`run`) is waited for, however late it is.

    Raises:
        ToolError: something in ``tools`` is no tool, or two bear one name.
        ValueError: no strategy has that name.
        TypeError: a schema is no type that pydantic knows.

    >>> from linus_nb.testing import ScriptedModel
    >>> agent = Agent(llm=ScriptedModel(["Hello!"]))
    >>> str(agent.run("Say hello"))
    'Hello!'
    """

    _view = "linus_nb.rendering.response:agent_bundle"

    def __init__(
        self,
        tools: Iterable[Any] = (),
        *,
        llm: BaseChatModel | None = None,
        name: str = "agent",
        instructions: str | None = "",
        max_iterations: int = 5,
        strategy: Literal["reasoning", "tools"] = "reasoning",
        input_schema: Any = None,
        output_schema: Any = None,
        approve: Approve | None = None,
        memory: Memory | None = None,
        budget: Budget | None = None,
    ) -> None:
        if llm is not None and not (hasattr(llm, "invoke") and hasattr(llm, "ainvoke")):
            raise _NotAModelError(llm)
        if not isinstance(max_iterations, int) or isinstance(max_iterations, bool) or max_iterations < 1:
            raise _IterationsError(max_iterations)
        if memory is not None and not isinstance(memory, Memory):
            raise _NotAMemoryError(memory)
        if not isinstance(instructions, str | None):
            raise _InstructionsError(instructions)
        if strategy not in _STRATEGIES:
            raise _StrategyError(strategy)
        self.tools = adapt_all(tools)
        if strategy == "tools":
            for tool in self.tools:
                name_checked(tool)  # a provider would refuse it
        self.name = name
        self.instructions = instructions or ""
        self.max_iterations = max_iterations
        self.strategy = strategy
        self.approve = checked(approve)
        self.memory = memory
        self.budget = checked_budget(budget)
        self._input = None if input_schema is None else Structure(input_schema, "input_schema")
        self._output = None if output_schema is None else Structure(output_schema, "output_schema")
        self._llm = llm
        self._choosing = threading.Lock()

    @property
    def llm(self) -> BaseChatModel:
        """The chat model; the default one is chosen, and started, when it is first asked for.

        Raises:
            NoModelError: there is no default model here.
        """
        with self._choosing:
            if self._llm is None:
                from linus_nb.models import default_model

                self._llm = default_model()
            keep_secrets_of(self._llm)
            return self._llm

    async def __call__(self, task: Any) -> AgentResponse:
        """Answer a question: ``await agent("…")``."""
        return await self.arun(task)

    @overload
    async def arun(self, task: Any, return_metrics: Literal[True] = True) -> AgentResponse: ...
    @overload
    async def arun(self, task: Any, return_metrics: Literal[False]) -> Any: ...
    @overload
    async def arun(self, task: Any, return_metrics: bool) -> Any: ...
    async def arun(self, task: Any, return_metrics: bool = True) -> Any:
        """Answer a question.

        Args:
            task: A text; a mapping becomes text (one entry: its value; several: ``key: value`` lines).
            return_metrics: Whether to give the whole response, or the bare answer.

        Raises:
            NoModelError: no model was given, and there is no default one.
            ReplyError: the model's plan, or its answer where it has to fit ``output_schema``, cannot be read, though it
                was asked for twice.
            InputError: the task does not fit ``input_schema``; no model was asked.
        """
        run = self._new_run(task)
        with kept(run), told_to(nobody), spending_on(self.budget) as spending:
            llm = await in_thread(self._ready_model)
            try:
                async with time_left(spending):
                    response = await adrive(self._steps(run), llm)
            except BudgetError as error:
                response = out_of_budget(run, error)
        return response if return_metrics else response.result

    @overload
    def run(self, task: Any, return_metrics: Literal[True] = True) -> AgentResponse: ...
    @overload
    def run(self, task: Any, return_metrics: Literal[False]) -> Any: ...
    @overload
    def run(self, task: Any, return_metrics: bool) -> Any: ...
    def run(self, task: Any, return_metrics: bool = True) -> Any:
        """Answer a question, blocking; needs no event loop and disturbs none. Otherwise as `arun`."""
        run = self._new_run(task)
        with kept(run), spending_on(self.budget):
            try:
                response = drive(self._steps(run), as_asked(self.llm))
            except BudgetError as error:
                response = out_of_budget(run, error)
        return response if return_metrics else response.result

    def stream(self, task: Any) -> AsyncIterator[AgentEvent]:
        """Answer a question and yield what happens as it happens: ``async for event in agent.stream("…")``.

        `PlanMade`, `ToolStarted`, `ToolCalled`, `TokenDelta` (a piece of a reply in words) and `ModelCalled` of
        `linus_nb.events`; the last event, `Answered`, holds the response. Breaking off
        cancels the run; where the loop's body may raise, `contextlib.aclosing` around the stream does.

        Raises:
            NoModelError: as `arun`; likewise ReplyError.
        """
        return streamed(lambda: self.arun(task))

    def _ready_model(self) -> BaseChatModel:
        """Return the model. Choosing it may start a server, and prices must be loaded: no loop should wait for that."""
        from linus_nb.models.prices import load_prices

        llm: BaseChatModel = as_asked(self.llm)
        load_prices(llm)
        import_module("langchain_core.tracers.langchain")  # the first call would, in the loop: 0.1 s from a cold disk
        return llm

    def as_runnable(self) -> Runnable[Any, Any]:
        """Return the agent as a LangChain Runnable, to stand in a chain: ``prompt | agent.as_runnable()``."""
        from langchain_core.runnables import RunnableLambda

        def invoke(task: Any) -> Any:
            return self.run(task, return_metrics=False)

        async def ainvoke(task: Any) -> Any:
            return await self.arun(task, return_metrics=False)

        return RunnableLambda(invoke, ainvoke, name=self.name)

    def _new_run(self, task: Any) -> AgentRun:
        if self._input is not None:
            task = self._input.plain(self._input.checked(task))
        approval = None if self.approve is None else Approval(self.approve, self.name, self.tools)
        return AgentRun(as_text(task), self.tools, self.instructions, self.max_iterations, self._output, approval)

    def _steps(self, run: AgentRun) -> Steps[AgentResponse]:
        strategy = _STRATEGIES[self.strategy]
        return strategy(run) if self.memory is None else answer_with_memory(run, self.memory, strategy)

    def __copy__(self) -> Agent:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Agent:
        """Return the agent itself: it holds nothing of a run, and its model's connections have no copies."""
        return self

    def __reduce__(self) -> Any:
        raise _NotPickledError(self.name)

    def __repr__(self) -> str:
        tools = ", ".join(brief(name).strip("'") for name in islice(self.tools, 20))
        more = f", … {len(self.tools) - 20} more" if len(self.tools) > 20 else ""
        return f"Agent({brief(self.name)}, tools=[{tools}{more}])"


_STRATEGIES: dict[str, Callable[[AgentRun], Steps[AgentResponse]]] = {"reasoning": answer, "tools": answer_in_turns}


class _NotAModelError(LinusError, TypeError):
    def __init__(self, llm: object) -> None:
        super().__init__(f"llm={llm!r} is not a chat model; give a LangChain chat model, or leave llm out")


class _IterationsError(LinusError, ValueError):
    def __init__(self, max_iterations: object) -> None:
        super().__init__(f"max_iterations={max_iterations!r} leaves no room for an answer; give a whole number from 1")


class _InstructionsError(LinusError, TypeError):
    def __init__(self, instructions: object) -> None:
        super().__init__(f"instructions={instructions!r} is no text; give what the model is told in every question")


class _NotAMemoryError(LinusError, TypeError):
    def __init__(self, memory: object) -> None:
        super().__init__(f"memory={memory!r} is no memory; give linus_nb.Memory(), or with a file Memory(path=…)")


class _NotPickledError(LinusError, TypeError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the agent {name!r} cannot be pickled, nor can its model and tools; make it where it is used")


class _StrategyError(LinusError, ValueError):
    def __init__(self, strategy: object) -> None:
        super().__init__(f"strategy={strategy!r} is none; choose 'reasoning' or 'tools'")
