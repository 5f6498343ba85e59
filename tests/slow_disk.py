"""A disk that is slow, for the file of a memory."""

from __future__ import annotations

import threading
import time


def slow(memory_file, seconds, where=None):
    """Let every transaction take so long, and note in ``where`` which thread waits; the event says that one began."""
    within, began = memory_file._within, threading.Event()

    def slowly(connection, begin, work):
        def and_wait(there):
            done = work(there)
            if begin != "BEGIN":
                began.set()
            time.sleep(seconds)  # the disk
            return done

        if where is not None:
            where.append(threading.get_ident())
        return within(connection, begin, and_wait)

    memory_file._within = slowly
    return began
