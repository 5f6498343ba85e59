"""Hundreds of random runs against servers that misbehave at random; ``tests/model_campaign.py`` says what must hold."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from unittest.mock import patch

from linus_nb.models import real_models_allowed
from tests.model_campaign import campaign


def main() -> None:
    """Print what the runs came to; one that breaks a rule raises, after its seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    given = parser.parse_args()
    came: Counter[str] = Counter()
    began = time.monotonic()
    with real_models_allowed(), patch("linus_nb.backoff.backoff_s", lambda attempt: 0.01):
        for seed in range(given.first, given.first + given.runs):
            try:
                came += campaign(seed)
            except BaseException:
                print(f"seed {seed}", flush=True)
                raise
    print(f"{given.runs} runs in {time.monotonic() - began:.0f} s: {dict(came)}")


if __name__ == "__main__":
    main()
