"""The command line: ``linus-nb demo``, ``linus-nb lab``, ``linus-nb doctor``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from linus_nb import __version__
from linus_nb.errors import LinusError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 (something is missing), 2 (an error said why), 130 (interrupted)."""
    parser = argparse.ArgumentParser(prog="linus-nb", description="Agents and graphs of agents in a notebook.")
    parser.add_argument("--version", action="version", version=f"linus-nb {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="run the quickstart notebook here: an agent, a graph, its picture, its timings"
    )
    demo.add_argument("--folder", default="linus-nb-demo", help="where the picture and the notebook go (%(default)s)")

    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks; what follows goes to jupyter lab")
    lab.add_argument("--folder", default=None, help="another folder than the project's notebooks")

    commands.add_parser("doctor", help="what is there, and how to get what is not")

    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "lab":
        parser.error(f"unknown argument {rest[0]!r}; see linus-nb {options.command} --help")
    try:
        if options.command == "demo":
            from linus_nb.cli.demo import demo as run_demo

            return run_demo(options.folder)
        if options.command == "lab":
            from linus_nb.cli.lab import lab as open_lab

            return open_lab(options.folder, rest)
        from linus_nb.cli.doctor import doctor

        return doctor()
    except LinusError as error:
        print(f"linus-nb: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("linus-nb: interrupted; what was written is kept", file=sys.stderr)
        return 130
