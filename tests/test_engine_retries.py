"""Attempts after the first: how many, when, and after what: the same in every mode."""

from __future__ import annotations

import asyncio
import threading

import pytest

from linus_nb import AgentDAG, AgentNode, NodeStatus, backoff
from tests.modes import AWAITED, Mode, every_mode
from tests.virtual_time import run

pytestmark = pytest.mark.usefixtures("straight_path")


def raiser(error):
    def raises():
        raise error

    return raises


def async_raiser(error):
    async def raises():
        raise error

    return raises


@every_mode
def test_retries_are_counted_and_end_with_success(mode: Mode, monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 0.001)
    tries = []

    def flaky():
        tries.append(threading.current_thread().name)
        if len(tries) < 3:
            raise ConnectionError
        return "at last"

    result = mode(AgentDAG().add_node(AgentNode("flaky", flaky, retry_count=3)))
    assert result.node_results == {"flaky": "at last"}
    assert result.record.nodes["flaky"].attempts == 3


@every_mode
def test_retry_on_narrows_what_is_tried_again(mode: Mode):
    def breaks():
        raise ValueError

    node = AgentNode("breaks", breaks, retry_count=3, retry_on=(OSError,))
    assert mode(AgentDAG().add_node(node)).record.nodes["breaks"].attempts == 1


@pytest.mark.parametrize("mode", AWAITED)
def test_the_waits_between_attempts_are_kept_and_told(mode: Mode, monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda attempt: 10.0 * attempt)

    async def breaks():
        await asyncio.sleep(1)
        raise OSError("down")

    result = mode(AgentDAG().add_node(AgentNode("flaky", breaks, retry_count=3)))
    retried = [event for event in result.events if type(event).__name__ == "NodeRetried"]
    assert [(event.attempt, event.wait_s, event.at) for event in retried] == [(1, 10, 1), (2, 20, 12), (3, 30, 33)]
    assert all(str(event.error) == "down" for event in retried)
    assert result.execution_time_seconds == 64
    assert (result.record.nodes["flaky"].start_s, result.record.nodes["flaky"].end_s) == (0, 64)


@pytest.mark.parametrize("attempt", [1, 2, 3, 6, 7, 20, 2000])
def test_the_wait_doubles_with_jitter_up_to_a_cap(attempt):
    base = min(0.5 * 2.0 ** min(attempt - 1, 60), 30.0)
    waits = [backoff.backoff_s(attempt) for _ in range(50)]
    assert all(base <= wait <= base + 1 for wait in waits)
    assert len(set(waits)) > 1


@every_mode
@pytest.mark.parametrize("retry_on", [OSError, (OSError, KeyError), (Exception,)])
@pytest.mark.usefixtures("no_backoff")
def test_retry_on_takes_one_type_or_several_and_their_subclasses(mode: Mode, retry_on):
    node = AgentNode("breaks", raiser(ConnectionError()), retry_count=2, retry_on=retry_on)
    assert mode(AgentDAG().add_node(node)).record.nodes["breaks"].attempts == 3


@pytest.mark.parametrize("mode", AWAITED)
def test_a_cancelled_node_is_not_tried_again(mode: Mode):
    tries = []

    async def slow():
        tries.append(1)
        await asyncio.sleep(60)

    async def stop():
        dag = AgentDAG().add_node(AgentNode("slow", slow, retry_count=5, retry_on=(BaseException,)))
        handle = dag.start(schedule=mode.__name__)
        await asyncio.sleep(1)
        handle.cancel()
        result = await handle
        await asyncio.sleep(100)
        return result

    result = run(stop())
    assert result.record.nodes["slow"].status is NodeStatus.CANCELLED
    assert len(tries) == 1


@pytest.mark.parametrize("mode", AWAITED)
def test_a_cancel_between_two_attempts_ends_the_node_at_once(mode: Mode, monkeypatch):
    monkeypatch.setattr("linus_nb.backoff.backoff_s", lambda _: 50.0)
    dag = AgentDAG().add_node(AgentNode("n", async_raiser(OSError()), retry_count=1))

    async def stop():
        handle = dag.start(schedule=mode.__name__)
        await asyncio.sleep(7)
        handle.cancel()
        return await handle

    result = run(stop())
    assert result.execution_time_seconds == 7
    assert result.record.nodes["n"].status is NodeStatus.CANCELLED
    assert result.status == "cancelled"


@every_mode
def test_a_key_that_is_missing_is_not_looked_for_again(mode: Mode):
    def breaks():
        raise OSError

    dag = AgentDAG().add_node(AgentNode("writer", breaks, on_error="skip", output_key="text"))
    dag.add_node(AgentNode("reader", lambda text: text, retry_count=3)).add_edge("writer", "reader")
    reader = mode(dag).record.nodes["reader"]
    assert (reader.status, reader.attempts) == ("failed", 1)
