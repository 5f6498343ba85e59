"""Run every benchmark: ``python -m benchmarks``."""

from __future__ import annotations

import asyncio

from benchmarks import imports, makespan, overhead

if __name__ == "__main__":
    asyncio.run(overhead.main())
    print()
    asyncio.run(makespan.main())
    print()
    imports.main()
