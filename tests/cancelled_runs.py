"""A graph with everything in it that can be cut short, and what must hold of its run whenever that happens."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from linus_nb import AgentDAG, AgentNode, DAGExecutor, ExecutionResult, last_run
from linus_nb import events as ev
from linus_nb.engine.record import RunRecord, walk
from linus_nb.engine.run import Run
from tests.virtual_time import CountingLoop

Tick = Callable[[str], None]
FINAL = (ev.NodeFinished, ev.NodeFailed, ev.NodeSkipped, ev.NodeCancelled)
LIMITS: dict[str, dict[str, Any]] = {
    "free": {},
    "limited": {"max_concurrency": 3, "resources": {"gpu": 1}},
}
PATIENCE_S = 1000.0  # virtual seconds in which nothing more must happen
SCHEDULES = ["sequential", "levels", "dataflow"]


@dataclass
class Work:
    """What the nodes of the graph do: they tell ``ticks`` whenever they run, and may be disturbed there."""

    ticks: list[str] = field(default_factory=list)
    disturb: Tick | None = None
    stubborn: str = ""  # "once" or "long": how nodes take a cancellation; empty: as they should
    flaky: int = 0

    def tick(self, where: str) -> None:
        self.ticks.append(where)
        if self.disturb is not None:
            self.disturb(where)

    async def pause(self, seconds: float) -> None:
        """Sleep, and take a cancellation badly if these nodes do."""
        if not self.stubborn:
            await asyncio.sleep(seconds)
            return
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                if self.stubborn == "once":
                    await asyncio.sleep(0.05)  # ends with a value while the run still waits for it
                    return
                end += 1.0

    def steps(self, name: str, *seconds: float) -> Callable[[], Any]:
        async def work() -> str:
            self.tick(name)
            for pause in seconds:
                await self.pause(pause)
                self.tick(name)
            return name

        return work

    def item(self, name: str, breaks: int | None = None) -> Callable[[int], Any]:
        async def work(item: int) -> str:
            self.tick(f"{name}[{item}]")
            await self.pause(0.1 * (item + 1))
            self.tick(f"{name}[{item}]")
            if item == breaks:
                raise ValueError(item)
            return f"{name}[{item}]"

        return work

    async def flaky_node(self) -> str:
        self.tick("flaky")
        self.flaky += 1
        await self.pause(0.1)
        if self.flaky < 3:
            raise ConnectionError
        return "flaky"

    async def breaks(self) -> None:
        self.tick("breaks")
        await self.pause(0.15)
        raise OSError("breaks")

    async def hangs(self) -> None:
        self.tick("hangs")
        await self.pause(3600 if not self.stubborn else 2)

    async def is_true(self, _: object) -> bool:
        self.tick("condition")
        await self.pause(0.05)
        self.tick("condition")
        return True


def everything(work: Work, *, gpu: bool) -> AgentDAG:
    """Return a graph of all kinds of nodes that await."""
    needs = {"gpu": 1.0} if gpu else None
    dag = AgentDAG("everything")
    inner = AgentDAG("inner").add_node(AgentNode("first", work.steps("inner first", 0.1, 0), output_key="first"))
    inner.add_node(AgentNode("second", work.steps("inner second", 0.1), output_key="second", resources=needs))
    inner.add_node(AgentNode("beside", work.steps("inner beside", 0.25), output_key="beside"))
    inner.add_edge("first", "second", work.is_true)
    each = AgentDAG("each").add_node(AgentNode("a", work.item("each a"), output_key="a"))
    each.add_node(AgentNode("b", work.item("each b"), output_key="b")).add_edge("a", "b")
    for node in (
        AgentNode("root", work.steps("root", 0, 0.1, 0), output_key="root"),
        AgentNode("timed", work.steps("timed", 0.2), timeout_seconds=1, output_key="timed", resources=needs),
        AgentNode("hangs", work.hangs, timeout_seconds=0.3, on_error="skip", output_key="hangs"),
        AgentNode("flaky", work.flaky_node, retry_count=3, output_key="flaky"),
        AgentNode("mapped", work.item("mapped", breaks=2), map_over="xs", map_concurrency=2, on_error="skip",
                  output_key="mapped", resources=needs),
        AgentNode("nested", inner, output_key="nested"),
        AgentNode("nested in time", inner, timeout_seconds=5, output_key="nested in time"),
        AgentNode("for each", each, map_over="few", map_concurrency=2, output_key="for each"),
        AgentNode("breaks", work.breaks, output_key="breaks"),
        AgentNode("below", work.steps("below", 0.1)),
        AgentNode("always", work.steps("always", 0.1), trigger="always", output_key="always", priority=2),
        AgentNode("last", work.steps("last", 0.1), trigger="always", output_key="last"),
    ):  # fmt: skip
        dag.add_node(node)
    dag.add_edge("root", "flaky", work.is_true).add_edge("root", "mapped").add_edge("root", "nested")
    dag.add_edge("timed", "for each").add_edge("root", "nested in time", work.is_true)
    dag.add_edge("breaks", "below").add_edge("below", "always").add_edge("mapped", "always")
    for name in ("always", "flaky", "nested", "for each", "hangs"):
        dag.add_edge(name, "last")
    return dag


STATE = {"xs": [0, 1, 2, 3, 4], "few": [0, 1, 2]}


@dataclass
class Case:
    """A run of that graph on a loop of its own.

    Args:
        way: how the run is awaited: "run" (a handle) or "aexecute".
        within: of so many virtual seconds.
    """

    schedule: str
    limits: str
    way: str = "run"
    work: Work = field(default_factory=Work)
    observers: tuple[Callable[[ev.Event], None], ...] = ()
    within: float | None = None
    executor: DAGExecutor = field(init=False)
    run: Run | None = field(init=False, default=None)
    task: asyncio.Task[Any] | None = field(init=False, default=None)
    raised: BaseException | None = field(init=False, default=None)
    ticks_at_end: int = field(init=False, default=0)
    result: ExecutionResult = field(init=False)
    callbacks: int = field(init=False, default=0)  # of the run, when nothing disturbs it
    left: list[str] = field(init=False, default_factory=list)

    async def _go(self) -> None:
        try:
            if self.way == "run":
                self.run = self.executor.start(STATE, self.schedule)  # type: ignore[arg-type]  # one of the three
                await self.run
            else:
                async with asyncio.timeout(self.within):
                    await self.executor.aexecute(STATE, schedule=self.schedule)  # type: ignore[arg-type]  # as above
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit, TimeoutError) as error:
            self.raised = error

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        self.task = asyncio.create_task(self._go())
        await asyncio.wait([self.task])  # no timeout: a run that hangs is an error of the loop's
        self.callbacks = loop.count
        loop.before = None
        result = self.executor.last_result
        if result is None:  # the task was cancelled before it began
            return
        self.result = result
        before = [repr(result.final_state), repr(result.node_results), str(result.status), len(list(result.events))]
        self.ticks_at_end = len(self.work.ticks)
        await asyncio.sleep(PATIENCE_S)
        after = self.executor.last_result
        assert after is not None
        assert before == [repr(after.final_state), repr(after.node_results), str(after.status), len(list(after.events))]
        self.left = [t.get_name() for t in asyncio.all_tasks() if t is not asyncio.current_task()]

    def play(self, before: Callable[[int], None] | None = None) -> None:
        """Run the graph; ``before`` is called before each callback of the loop."""
        dag = everything(self.work, gpu=self.limits == "limited")
        self.executor = DAGExecutor(dag, observers=self.observers, **LIMITS[self.limits])
        loops: list[CountingLoop] = []

        def factory() -> CountingLoop:
            loops.append(CountingLoop(before))
            return loops[0]

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._main())
        assert not loops[0].complaints


# -- what must hold ------------------------------------------------------------------------------------------------


def is_whole(case: Case, undisturbed: Case | None = None) -> None:
    """Assert all that must hold of a run that has ended, whatever was done to it."""
    result = case.result
    events = list(result.events)
    _is_gapless(events)
    record = result.record
    _is_final(record)
    _ends_once(events, record)
    latest = last_run()
    assert latest is not None
    assert latest.events is result.events
    assert result.status == record.status
    assert not case.left, case.left
    asked = [seq for seq, event in enumerate(events) if isinstance(event, ev.CancelRequested)]
    if asked:
        assert record.status == "cancelled"
        late = [e for e in flat(events[asked[0] :]) if isinstance(e, ev.NodeStarted | ev.ItemStarted)]
        assert not late, late
    if undisturbed is not None:
        assert asked or record.status == undisturbed.result.status
        for name, value in result.node_results.items():
            assert value == undisturbed.result.node_results[name]
        for key, value in result.final_state.items():
            assert value == undisturbed.result.final_state[key]
    finished = {event.node for event in events if isinstance(event, ev.NodeFinished)}
    assert set(result.node_results) == finished


def flat(events: list[ev.Event]) -> list[ev.Event]:
    return [e for event in events
            for e in (flat([event.event]) if isinstance(event, ev.NestedReported) else [event])]  # fmt: skip


def _is_gapless(events: list[ev.Event]) -> None:
    assert [event.seq for event in events] == list(range(len(events)))
    assert isinstance(events[0], ev.RunStarted)
    assert isinstance(events[-1], ev.RunFinished)
    assert sum(isinstance(event, ev.RunFinished) for event in events) == 1
    assert all(a.at <= b.at for a, b in pairwise(events))
    inner: dict[str, list[ev.Event]] = defaultdict(list)
    for event in events:
        if isinstance(event, ev.NestedReported):
            inner[event.event.run_id].append(event.event)
    for part in inner.values():
        _is_gapless(part)


def _is_final(record: RunRecord) -> None:
    assert record.status != "running"
    for step in walk(record):
        assert step.record.status.final, step.path
        if step.record.inner is not None:
            assert step.record.inner.status != "running", step.path


def _ends_once(events: list[ev.Event], record: RunRecord) -> None:
    """Assert that each node ends once, and that nothing is heard of it afterwards but what its edges decide."""
    ended: set[str] = set()
    for event in events:
        if isinstance(event, ev.LoopStalled):  # noticed when the node has let go of the loop
            continue
        assert getattr(event, "node", None) not in ended, event
        if isinstance(event, FINAL):
            ended.add(event.node)
    assert ended == set(record.nodes)
