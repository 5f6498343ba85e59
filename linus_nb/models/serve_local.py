"""The program that serves a GGUF file over HTTP on this machine, and ends when its parent does.

It is run by its path, in a process of its own: a crash in native code does not take the user's kernel with it. It
imports nothing of this package. Its stdout carries one line of JSON with the address, once the model is loaded; all
that the library prints goes to stderr. Its stdin is a pipe that nobody writes to: its end is the parent's end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

KEY_ENV = "LINUS_NB_SERVER_KEY"  # in the environment: an argument would be seen by every user of the machine


def main() -> None:
    """Load the model, say where it listens, and serve until stdin ends."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context-tokens", type=int, required=True, help="per slot")
    parser.add_argument("--threads", type=int, default=0, help="0: one per core, at most four")
    asked = parser.parse_args()

    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # native code prints to stdout, too
    key = os.environ.pop(KEY_ENV)
    # threads that spin while they wait starve each other on a busy machine; must be set before the library loads
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = asked.model
    params.port = 0
    params.api_keys = [key]
    params.ui = False
    params.n_parallel = asked.slots
    params.n_ctx = asked.slots * asked.context_tokens
    params.cache_ram_mib = 256  # of prompts seen; the library would take up to 8192
    threads = asked.threads or min(os.cpu_count() or 1, 4)
    params.cpuparams_batch.n_threads = threads
    # one token after another is too little work to wake threads for: 2 wrote 40 tokens a second, and 1 wrote 62
    params.cpuparams.n_threads = max(1, threads // 2)
    try:
        server = xllamacpp.Server(params)  # returns when the model is loaded and the port is open
    except RuntimeError as error:
        sys.exit(str(error))  # no traceback: what the library printed before it is what helps
    with report:
        json.dump({"address": server.listening_address}, report)
        report.write("\n")

    sys.stdin.buffer.read()
    os._exit(0)  # nobody is left to answer, so requests that are under way need no tidy end


if __name__ == "__main__":
    main()
