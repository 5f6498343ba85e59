"""What can go wrong with a memory, each with what to do."""

from __future__ import annotations

from linus_nb.errors import LinusError


class MemorySizeError(LinusError, ValueError):
    """A token budget or a number of recent turns that no memory can keep to."""

    def __init__(self, name: str, value: object, least: int) -> None:
        super().__init__(
            f"{name}={value!r} is not a number that a memory can keep to; give a whole number from {least}"
        )


class MemoryFileError(LinusError, OSError):
    """A file that cannot hold a memory, or stopped to; ``path`` is None for a memory without a file."""

    def __init__(self, path: object, reason: str, advice: str) -> None:
        self.path = path
        where = f"the memory file {str(path)!r}" if path is not None else "the memory"
        super().__init__(f"{where} cannot be used: {reason}; {advice}")


class NotAMemoryError(LinusError, ValueError):
    """A text that `Memory.export` did not write."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"this is not an exported memory: {reason}; give the text that memory.export() returned")


class MemoryInUseError(LinusError, ValueError):
    """An import into a memory that holds turns already."""

    def __init__(self, turns: int) -> None:
        super().__init__(
            f"the memory holds turns already ({turns}), and an import would mix them up; "
            "clear() it first, or use Memory.from_export(text)"
        )


class MemoryClosedError(LinusError, RuntimeError):
    """A memory that was closed, and is asked for something."""

    def __init__(self, path: object) -> None:
        again = f"open it again with Memory(path={str(path)!r})" if path is not None else "make a new one with Memory()"
        super().__init__(f"the memory is closed; {again}")
