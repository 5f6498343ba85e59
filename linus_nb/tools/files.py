"""Reading text files inside one folder, as a tool that a person hands out."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from linus_nb.errors import ToolError, nearest
from linus_nb.tools.checks import name_checked, whole_checked
from linus_nb.tools.decoding import cut_note, decoded, encoding_by_mark
from linus_nb.tools.tool import Example, Tool

MOST_LISTED = 200


def read_file(
    folder: str | PathLike[str], *, max_bytes: int = 200_000, hidden: bool = False, name: str = "read_file"
) -> Tool:
    """Return a tool that reads the text files inside a folder, and lists the folders in it.

    Paths are taken from the folder; ``..`` and links are followed first, and what then lies outside is refused. It
    writes nothing. What it cannot see: a hard link to a file outside, and somebody who moves links about in the folder
    in the very moment between the check and the reading.

    Args:
        folder: the folder that may be read, with all folders in it.
        max_bytes: of one file; a longer one is cut, with a note that says so.
        hidden: whether files and folders whose names begin with a dot may be read.
        name: what the model calls it; two folders need two names.

    Raises:
        ToolError: there is no such folder, or a bound that makes no sense. The tool's own calls raise it for what they
            refuse.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = pathlib.Path(folder.name, "notes.txt").write_text("Buy milk.")
    >>> read = read_file(folder.name)
    >>> read("notes.txt"), read(".")
    ('Buy milk.', 'notes.txt')
    >>> read("../../etc/passwd")
    Traceback (most recent call last):
        ...
    linus_nb.errors.ToolError: '../../etc/passwd' is outside the folder; give a path inside it, as notes.txt
    >>> folder.cleanup()
    """
    try:
        root = Path(folder).expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise ToolError(f"{name!r} cannot have the folder {str(folder)!r}: {error}") from error
    if not root.is_dir():
        raise ToolError(f"{name!r} cannot have {str(folder)!r}: it is no folder; give the folder that holds the files")
    files = _Folder(root, whole_checked(max_bytes, f"{name!r}: max_bytes", least=1), hidden)
    return Tool(
        name=name_checked(name),
        description=f"read a text file from the folder {root.name or '/'}, or list a folder in it",
        schema={
            "type": "object",
            "properties": {
                "path": {
                    "type": "string",
                    "description": "the path of a file inside the folder, or . for a list of what there is",
                    "minLength": 1,
                    "maxLength": 300,
                }
            },
            "required": ["path"],
            "additionalProperties": False,
        },
        blocking=lambda arguments: files.read(str(arguments["path"])),
        examples=(
            Example("What does the file notes.txt say?", {"path": "notes.txt"}),
            Example("Read data/report.csv", {"path": "data/report.csv"}),
            Example("Which files are there?", {"path": "."}),
            Example("List the folder drafts.", {"path": "drafts"}),
            Example("Summarise readme.md", {"path": "readme.md"}),
        ),
        wrapped=files.read,
    )


class _Folder:
    """A folder that may be read; ``root`` is its real path."""

    def __init__(self, root: Path, max_bytes: int, hidden: bool) -> None:
        self.root = root
        self.max_bytes = max_bytes
        self.hidden = hidden

    def read(self, path: str) -> str:
        """Return a file's text, or a list of what a folder holds.

        Raises:
            ToolError: it is not there, outside, hidden, or no text.
        """
        try:
            place = self._confined(path)
            if place.is_dir():
                return self._listing(place)
            if not place.is_file():  # a pipe would wait for ever, a device never end
                raise ToolError(f"{path!r} is neither a file nor a folder")
            with place.open("rb") as file:
                content = file.read(self.max_bytes + 1)
            return _text(content, self.max_bytes, place.stat().st_size, path)
        except OSError as error:
            raise ToolError(f"{path!r} cannot be read: {error.strerror}") from error

    def _confined(self, path: str) -> Path:
        try:
            place = (self.root / path).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a null byte
            raise ToolError(f"{path!r} is no path that can be read") from error
        if not place.is_relative_to(self.root):
            raise ToolError(f"{path!r} is outside the folder; give a path inside it, as notes.txt")
        if not self.hidden and any(part.startswith(".") for part in place.relative_to(self.root).parts):
            raise ToolError(f"{path!r} is hidden; only files whose names do not begin with a dot may be read")
        if not place.exists():
            raise ToolError(f"there is no file {path!r}; {self._known(place)}")
        return place

    def _known(self, missing: Path) -> str:
        folder = missing.parent if missing.parent.is_dir() else self.root
        listed = self._names(folder)
        shown = ", ".join(listed[:10]) or "nothing"
        return f"{nearest(missing.name, listed)}(there: {shown}{', …' if len(listed) > 10 else ''})"

    def _listing(self, folder: Path) -> str:
        listed = self._names(folder)
        more = f"\n[{len(listed) - MOST_LISTED} more are not listed]" if len(listed) > MOST_LISTED else ""
        return "\n".join(listed[:MOST_LISTED]) + more or "[the folder is empty]"

    def _names(self, folder: Path) -> list[str]:
        try:
            found = [entry for entry in folder.iterdir() if self.hidden or not entry.name.startswith(".")]
        except OSError:
            return []
        return sorted(entry.name + "/" * entry.is_dir() for entry in found)


def _text(content: bytes, most: int, size: int, path: str) -> str:
    encoding = encoding_by_mark(content)
    if b"\0" in content and encoding is None:
        raise ToolError(f"{path!r} is not text; only text files can be read")
    cut = len(content) > most
    return decoded(content[:most], encoding or "utf-8", cut) + cut_note(most, size, cut)
