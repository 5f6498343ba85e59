"""Ask the embedded model the small tasks, at temperature 0: ``python -m benchmarks.small_tasks``.

Prints a table and the rates; ``--json`` prints a line for each task in their place. ``--model file.gguf`` asks
another model that runs here; ``--default`` asks what the environment names (OPENAI_API_KEY, OPENAI_BASE_URL), as an
agent would.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.small_tasks import table
from benchmarks.small_tasks.asking import outcomes
from benchmarks.small_tasks.tasks import HALVES
from linus_nb.models import default_model, local


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", help="a GGUF file")
    which.add_argument("--default", action="store_true", help="the model that the environment names")
    parser.add_argument("--strategy", choices=["reasoning", "tools"], default="reasoning")
    parser.add_argument("--half", choices=list(HALVES), default="", help="one half of the tasks only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    llm = default_model() if options.default else local(options.model, slots=1)
    found = []
    if not options.json:
        print(table.HEADER)
    for outcome in outcomes(llm, options.strategy, options.half):
        found.append(outcome)
        print(json.dumps(outcome.as_dict()) if options.json else table.line(outcome), flush=True)
    if not options.json:
        print(f"\n{table.rates(found)}")


if __name__ == "__main__":
    main()
