"""What a reader of a comparison has to know before believing it, in sentences."""

from __future__ import annotations

from asyncio import CancelledError
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from linus_nb.agent import Agent
from linus_nb.analysis.comparing.comparison import ENOUGH_RUNS, NEGLIGIBLE, is_comparable, paired_ratios, verdict
from linus_nb.analysis.comparing.measurement import Measurement
from linus_nb.analysis.comparing.resampling import median_interval
from linus_nb.brief import brief
from linus_nb.dag import AgentDAG
from linus_nb.engine.executor import DAGExecutor
from linus_nb.events import ModelCalled
from linus_nb.masking import masked
from linus_nb.models.prices import total_cost
from linus_nb.numbers import plural

if TYPE_CHECKING:
    from linus_nb.analysis.comparing.comparison_frame import Comparison


def notes(table: Comparison, measured: Sequence[Measurement], remarks: Sequence[str]) -> list[str]:
    """Return the sentences that stand below a table: what it says, what it does not, and how it was taken.

    Args:
        table: with its ``attrs``.
        measured: every run, those that only warmed up, too: they were paid as well.
        remarks: about what was measured.
    """
    facts = table.attrs
    runs = [run for run in measured if run.repeat >= 0]
    by_mode = {mode: [run for run in runs if run.mode == mode] for mode in table.index}
    said: list[str] = []
    if not facts["finished"]:
        wanted = (facts["repeats"] + facts["warmup"]) * len(table)
        said.append(f"Not finished: {len(measured)} of {plural(wanted, 'run')}.")
    said += _fastest(table, by_mode)
    said += _failures(by_mode)
    said += [f"{sentence}; the timings compare runs that did not do the same." for sentence in facts["differences"]]
    said += _incomplete(by_mode)
    said += reply_notes([call for run in runs for call in run.calls])
    said += remarks
    said += _spent(measured)
    return [masked(sentence) for sentence in [*said, _how(facts)]]


def _fastest(table: Comparison, by_mode: dict[str, list[Measurement]]) -> Iterator[str]:
    """Yield which mode was the fastest, how sure that is, and which differences are no differences."""
    timed = [mode for mode, own in by_mode.items() if is_comparable(own)]
    baseline = table.attrs["baseline"]
    if len(timed) < 2 or baseline not in timed:
        return
    few = [mode for mode in timed if table.at[mode, "verdict"] == "too few runs"]
    first, second, *_ = table.loc[timed].sort_values("median_s").index
    if table.at[first, "verdict"] == "faster":
        row = table.loc[first]
        share = f", {row['efficiency']:.0%} of what the critical path allows" if row["efficiency"] > 0 else ""
        yield f"{first!r} is {_times(row)} as fast as {baseline!r}{share}."
        if second != baseline:
            yield from _runner_up(first, second, by_mode)
    elif not few and not any(table.at[mode, "verdict"] == "faster" for mode in timed):
        yield f"Nothing is clearly faster than {baseline!r}."
    unclear = [f"{mode!r} {_times(table.loc[mode])}" for mode in timed if table.at[mode, "verdict"] == "unclear"]
    if unclear:
        yield (
            f"Neither clearly faster nor clearly slower than {baseline!r}: {', '.join(unclear)}; "
            f"the difference is no larger than its spread, or than {NEGLIGIBLE:.0%}."
        )
    if few:
        pairs = min(len(by_mode[mode]) for mode in few)
        yield (
            f"{plural(pairs, 'run')} of a mode cannot tell a difference from chance: "
            f"give repeats={ENOUGH_RUNS} or more."
        )


def _runner_up(first: str, second: str, by_mode: dict[str, list[Measurement]]) -> Iterator[str]:
    ratios = paired_ratios(by_mode[first], by_mode[second])
    said = verdict(ratios)
    if said == "same":
        yield f"{first!r} and {second!r} took the same time, within {NEGLIGIBLE:.0%}."
    elif said != "faster":
        low, high = median_interval(ratios)
        yield f"{first!r} is not clearly faster than {second!r} ({low:.2f}–{high:.2f} times)."


def _times(row: Any) -> str:
    return f"{row['speedup']:.2f} times ({row['speedup_low']:.2f}–{row['speedup_high']:.2f})"


def _failures(by_mode: dict[str, list[Measurement]]) -> Iterator[str]:
    """Yield which modes failed, or went on after an error, and why: one sentence for those that did alike."""
    alike: dict[str, list[str]] = {}
    for mode, own in by_mode.items():
        bad = [run for run in own if run.status != "success"]
        if bad:
            verb = "went on after an error" if bad[0].status == "partial" else bad[0].status
            why = f": {bad[0].error}" if bad[0].error else ""
            alike.setdefault(f"{verb} in {len(bad)} of {plural(len(own), 'run')}{why}", []).append(repr(mode))
    for what, modes in alike.items():
        yield f"{', '.join(modes)} {what}"


def _incomplete(by_mode: dict[str, list[Measurement]]) -> Iterator[str]:
    for mode, own in by_mode.items():
        whys = [run.incomplete for run in own if run.incomplete]
        if whys:
            runs = f"{len(whys)} of {plural(len(own), 'run')}"
            yield f"In {runs} of {mode!r} an agent did not complete its task: {whys[0]}"


def reply_notes(calls: Sequence[ModelCalled]) -> Iterator[str]:
    """Yield where replies came from, if not from a model that did all its work each time."""
    sources = Counter(call.served_from for call in calls if call.error is None)
    total = sum(sources.values())
    if sources["script"]:
        yield f"{_part(sources['script'], total)} came from a script: their times are not those of a model."
    if sources["cache"]:
        yield f"{_part(sources['cache'], total)} came from a cache: their times are not those of a model."
    cut = sum(isinstance(call.error, CancelledError) for call in calls)
    if cut:
        yield f"{plural(cut, 'model call')} {'was' if cut == 1 else 'were'} cut off; what that costs is not known."
    kept, read = sum(call.cached_input_tokens for call in calls), sum(call.input_tokens for call in calls)
    if kept:
        yield (
            f"The model's server had {kept:,} of {read:,} input tokens in its own cache of prompts; "
            "without it, each call takes longer."
        )
    estimated = sum(call.estimated for call in calls)
    if estimated:
        yield f"The tokens of {_part(estimated, len(calls)).lower()} are estimated: the provider named none."


def memory_notes(agents: Iterable[Any]) -> list[str]:
    """Return a sentence if agents remember what they were asked, in graphs among them, too."""
    names = [agent.name for agent in _remembering(agents)]
    if not names:
        return []
    who = ", ".join(map(repr, dict.fromkeys(names)))
    return [f"With memory: {who}. Each run adds to it, so that a later one has more to read; and order matters."]


def limit_notes(executor: DAGExecutor) -> list[str]:
    """Return a sentence if a run of this executor may have to wait for a limit of it."""
    limits = [f"max_concurrency={executor.max_concurrency}"] if executor.max_concurrency is not None else []
    limits += [f"resources={brief(executor.resources)}"] if executor.resources else []
    if not limits:
        return []
    return [f"Run with {' and '.join(limits)}: the critical path knows no limits; waiting for one is in overhead_s."]


def _remembering(agents: Iterable[Any]) -> Iterator[Any]:
    for agent in agents:
        if isinstance(agent, AgentDAG):
            yield from _remembering(node.agent for node in agent.plan().nodes)
        elif isinstance(agent, Agent) and agent.memory is not None:
            yield agent


def _part(count: int, total: int) -> str:
    if count == total:
        return "The one reply" if total == 1 else f"All {total:,} replies"
    return f"{count:,} of {total:,} replies"


def _spent(measured: Sequence[Measurement]) -> Iterator[str]:
    calls = [call for run in measured for call in run.calls]
    if not calls:
        return
    cost, tokens = total_cost(calls), sum(run.tokens for run in measured)
    price = "at a price that is not known" if cost is None else f"${cost:,.4f}" if cost else "at no cost"
    yield f"All of this took {plural(len(calls), 'model call')} and {plural(tokens, 'token')}, {price}."


def _how(facts: dict[Any, Any]) -> str:
    patched = (
        "asyncio was patched by nest-asyncio, which makes each task 1.4 to 2.7 times as expensive"
        if facts["asyncio_patched"]
        else "asyncio was not patched"
    )
    debug = ", in debug mode, which makes asyncio many times slower" if facts["loop_debug"] else ""
    versions = ", ".join(f"{package} {version}" for package, version in facts["versions"].items())
    load = facts["load_1min"]
    busy = f", busy (load {load:.1f})" if load is not None and load > facts["cpu_count"] else ""
    return (
        f"{plural(facts['repeats'], 'repeat')} after {plural(facts['warmup'], 'warm-up')}, in random order "
        f"(seed {facts['seed']}); {facts['python']}, {plural(facts['cpu_count'], 'processor')}{busy}, "
        f"{facts['platform']}; {facts['loop']}{debug}; {patched}; {versions}."
    )
