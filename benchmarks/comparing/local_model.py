"""A small graph on the embedded model: what running its branches at once gains where two processors do it all.

python -m benchmarks.comparing.local_model [--repeats 7] [--slots 2]
"""

from __future__ import annotations

import argparse
import asyncio

from benchmarks.comparing.seed import COLUMNS
from linus_nb import AgentDAG, AgentNode, benchmark, models

SHOTS = {
    "mood": "Is the mood of the text good or bad? Reply with one word.\n\nText: {text}\nMood:",
    "topic": "What is the text about? Reply with at most five words.\n\nText: {text}\nTopic:",
    "place": "Which place is named in the text? Reply with its name only.\n\nText: {text}\nPlace:",
}
TEXT = (
    "We walked along the river in Ljubljana until it rained, and then sat for hours in a café where an old man played "
    "the accordion. I would go back tomorrow."
)


def graph(slots: int) -> AgentDAG:
    """The seed's diamond: the text is trimmed, three questions are asked of it, the answers are put together."""
    model = models.local(slots=slots, max_tokens=24)
    dag = AgentDAG(f"diamond on the embedded model, {slots} slots")
    dag.add_node(AgentNode("trim", lambda text: text.strip(), output_key="trimmed"))

    def asking(prompt: str) -> object:
        async def ask(trimmed: str) -> str:
            return str((await model.ainvoke(prompt.format(text=trimmed))).text)

        return ask

    for name, prompt in SHOTS.items():
        dag.add_node(AgentNode(name, asking(prompt), output_key=name))
        dag.add_edge("trim", name)
    dag.add_node(AgentNode("card", lambda mood, topic, place: f"{place}: {topic} ({mood})", output_key="card"))
    for name in SHOTS:
        dag.add_edge(name, "card")
    return dag


async def main(repeats: int, slots: int) -> None:
    dag = graph(slots)
    table = await benchmark(dag, {"text": TEXT}, repeats=repeats, warmup=2)
    print(f"\n{dag.name}\n")
    print(table[[*COLUMNS, "peak_concurrency", "llm_calls", "tokens", "same_result"]])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--slots", type=int, default=2)
    given = parser.parse_args()
    asyncio.run(main(given.repeats, given.slots))
