"""Run the benchmarks that need nothing but this project: ``python -m benchmarks``.

Beside them stand ``python -m benchmarks.scale`` (up to 100,000 nodes) and ``python -m benchmarks.peers`` (other
engines, after ``pip install -e '.[peers]'``).
"""

from __future__ import annotations

import asyncio

from benchmarks import imports, makespan, overhead

if __name__ == "__main__":
    asyncio.run(overhead.main())
    print()
    asyncio.run(makespan.main())
    print()
    imports.main()
