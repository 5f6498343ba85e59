"""The events of a run as JSON lines: one event a line, plain ASCII, readable line by line while the run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from linus_nb.display import view
from linus_nb.engine.encoding import UnknownTypeError, decode_event, encode_event
from linus_nb.errors import SavedRunError
from linus_nb.events import Event, RunFinished, RunStarted
from linus_nb.masking import logger

FORMAT = 1
MARK = "linus_nb_run"  # in the first line: the number of the format
WRITER = "written_by"  # in the first line: the version of linus_nb


def json_line(event: Event) -> str:
    """Return an event as one line of JSON, with its end of line; a run's first event bears the mark of the format."""
    mark = {MARK: FORMAT, WRITER: _version()} if isinstance(event, RunStarted) else {}
    return json.dumps(mark | encode_event(event), allow_nan=False) + "\n"


class JsonLines:
    """An observer that writes each event of a run to a file as it happens, so that a killed run leaves its file.

    A file holds one run: a run that starts anew replaces what is there. ``{run_id}`` in the path keeps each run.
    The file is closed when the run ends. It holds what nodes returned and where they raised: keep it as safe as those.
    Read it with `linus_nb.load_run`.

    Args:
        path: where to write; a folder that is not there is made.

    >>> import tempfile
    >>> from linus_nb import AgentDAG, AgentNode, DAGExecutor, load_run
    >>> path = Path(tempfile.mkdtemp(), "run.jsonl")
    >>> dag = AgentDAG("square").add_node(AgentNode("square", lambda: 12 * 12))
    >>> _ = DAGExecutor(dag, observers=[JsonLines(path)]).execute()
    >>> load_run(path).node_results
    {'square': 144}
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._file: TextIOWrapper | None = None
        self._run_id = ""

    def __call__(self, event: Event) -> None:
        """Write one event.

        Raises:
            SavedRunError: another run is being written to this file.
            OSError: the file cannot be written.
        """
        if isinstance(event, RunStarted) and self._file is None:
            self._open(event.run_id)
        if self._file is None:
            raise SavedRunError(f"{str(self.path)!r} is not open: hand JsonLines to the executor before the run starts")
        if event.run_id != self._run_id:
            raise SavedRunError(
                f"{str(self.path)!r} gets the run {self._run_id!r}, not {event.run_id!r}; runs that go on at the same "
                "time need a path with {run_id} in it"
            )
        try:
            self._file.write(json_line(event))
        except BaseException:
            self.close()
            raise
        if isinstance(event, RunFinished):
            self.close()

    def _open(self, run_id: str) -> None:
        path = Path(fspath(self.path).replace("{run_id}", run_id))
        path.parent.mkdir(parents=True, exist_ok=True)
        # buffering=1: a line is with the operating system as soon as it is written
        self._file = path.open("w", encoding="ascii", newline="\n", buffering=1)
        self._run_id = run_id

    def close(self) -> None:
        """Close the file; a run that ends does so by itself."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __repr__(self) -> str:
        return f"JsonLines({str(self.path)!r})"


def read_events(lines: Iterable[str | bytes], name: str) -> Iterator[Event]:
    """Yield the events that were written as JSON lines; a last line that is cut off is left out, and logged.

    Args:
        lines: the lines, empty ones among them are passed over.
        name: what to call them in an error.

    Raises:
        SavedRunError: they are not a saved run, or a later version wrote them.
    """
    cut: SavedRunError | None = None
    written_by = first = None
    count = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if cut is not None:
            raise cut
        place = f"{name}, line {number}"
        try:
            saved = json.loads(line)
        except (ValueError, RecursionError) as error:
            cut = SavedRunError(f"{place} is not JSON ({error}); restore it, or delete it and the lines below it")
            continue
        if first is None:
            written_by = _check_mark(saved, name)
        event = _event(saved, place, written_by)
        if first is None:
            first = event
            if not isinstance(event, RunStarted):
                raise SavedRunError(f"{place}: a run begins with RunStarted, not with {type(event).__name__}")
        if (event.run_id, event.seq) != (first.run_id, count):
            raise SavedRunError(
                f"{place}: event {count} of run {first.run_id!r} should be here, not {event.seq} of {event.run_id!r}; "
                "lines are missing, or of another run"
            )
        count += 1
        yield event
    if first is None:
        raise SavedRunError(f"{name} holds no event; give a file that JsonLines or save_jsonl wrote")
    if cut is not None:
        logger.warning("the last line of %s is cut off and was left out", name)


def _check_mark(saved: Any, name: str) -> str:
    """Take the mark of the format out of the first line and return which version wrote it."""
    found = saved.pop(MARK, None) if isinstance(saved, dict) else None
    if found is None:
        raise SavedRunError(f"{name} is not a saved run: its first line has no {MARK!r}")
    written_by = str(saved.pop(WRITER, "?"))
    if found != FORMAT:
        raise SavedRunError(
            f"{name} is in format {found!r}, written by linus_nb {written_by}; this is linus_nb {_version()}, which "
            f"reads format {FORMAT}: {_UPGRADE}"
        )
    return written_by


def _event(saved: Any, place: str, written_by: str | None) -> Event:
    try:
        return decode_event(saved)
    except (ValueError, RecursionError) as error:
        remedy = "the file is damaged"
        if isinstance(error, UnknownTypeError) and written_by != _version():
            remedy = f"linus_nb {written_by} wrote it and this is {_version()}: {_UPGRADE}"
        raise SavedRunError(f"{place}: {error}; {remedy}") from error


_UPGRADE = "pip install --upgrade linus-nb"


def _version() -> str:
    return str(view("linus_nb:__version__"))  # an import of the package itself would point up
