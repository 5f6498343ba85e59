"""Reading files inside one folder."""

from __future__ import annotations

import os

import pytest

from linus_nb.errors import ToolError
from linus_nb.tools import read_file


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "notes"
    (inside / "drafts").mkdir(parents=True)
    (inside / "empty").mkdir()
    (inside / "milk.txt").write_text("Buy milk.", encoding="utf-8")
    (inside / "drafts" / "poem.md").write_text("Größe", encoding="utf-8")
    (inside / ".env").write_text("SECRET=1", encoding="utf-8")
    (inside / ".git").mkdir()
    (inside / ".git" / "config").write_text("[core]", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "notes-2").mkdir()
    (tmp_path / "notes-2" / "other.txt").write_text("other", encoding="utf-8")
    return inside


def test_files_inside_the_folder_are_read(folder):
    read = read_file(folder)
    assert read("milk.txt") == "Buy milk."
    assert read("drafts/poem.md") == "Größe"
    assert read("drafts/../milk.txt") == "Buy milk."
    assert read(str(folder / "milk.txt")) == "Buy milk."
    assert read.blocking({"path": "./milk.txt"}) == "Buy milk."
    assert read.awaiting is None


def test_a_folder_is_listed_without_what_is_hidden(folder):
    assert read_file(folder)(".") == "drafts/\nempty/\nmilk.txt"
    assert read_file(folder)("drafts") == "poem.md"
    assert read_file(folder)("empty") == "[the folder is empty]"
    assert read_file(folder, hidden=True)(".").splitlines()[:2] == [".env", ".git/"]


def test_a_long_list_is_cut(folder):
    for number in range(250):
        (folder / "empty" / f"{number:03}").touch()
    listed = read_file(folder)("empty").splitlines()
    assert len(listed) == 201
    assert listed[-1] == "[50 more are not listed]"


@pytest.mark.parametrize(
    "path", ["../secret.txt", "..", "/etc/passwd", "drafts/../../secret.txt", "../notes-2/other.txt", "/", "../nothing"]
)
def test_what_lies_outside_is_refused_whether_or_not_it_is_there(folder, path):
    with pytest.raises(ToolError, match="is outside the folder; give a path inside it"):
        read_file(folder)(path)


def test_links_are_followed_before_they_are_judged(folder):
    (folder / "out.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "in.txt").symlink_to("milk.txt")
    (folder / "shown.txt").symlink_to(".env")
    (folder / "circle").symlink_to("circle")
    read = read_file(folder)
    assert read("in.txt") == "Buy milk."
    for path in ("out.txt", "up/secret.txt", "up"):
        with pytest.raises(ToolError, match="outside the folder"):
            read(path)
    with pytest.raises(ToolError, match="is hidden"):
        read("shown.txt")
    with pytest.raises(ToolError, match="'circle'"):
        read("circle")


def test_a_folder_may_itself_be_a_link_or_hidden(folder):
    link = folder.parent / ".link"
    link.symlink_to(folder)
    assert read_file(link)("milk.txt") == "Buy milk."
    assert read_file(folder / ".git")("config") == "[core]"


@pytest.mark.parametrize("path", [".env", ".git/config", ".git", "drafts/../.env"])
def test_hidden_files_are_refused_unless_asked_for(folder, path):
    with pytest.raises(ToolError, match="is hidden"):
        read_file(folder)(path)
    assert read_file(folder, hidden=True)(path)


def test_a_file_that_is_not_there_is_told_with_those_that_are(folder):
    with pytest.raises(ToolError, match=r"no file 'mlk.txt'; did you mean 'milk.txt'\? \(there: drafts/, empty/, milk"):
        read_file(folder)("mlk.txt")
    with pytest.raises(ToolError, match=r"no file 'no/such'; \(there: drafts/"):
        read_file(folder)("no/such")


def test_a_long_file_is_cut_with_a_note(folder):
    (folder / "long.txt").write_text("ä" * 100, encoding="utf-8")
    assert read_file(folder, max_bytes=11)("long.txt") == "äääää\n[cut: these are the first 11 bytes of 200]"
    assert read_file(folder, max_bytes=200)("long.txt") == "ä" * 100


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Größe".encode("utf-8-sig"), "Größe"),
        ("Größe".encode("utf-16"), "Größe"),
        (b"caf\xe9", "caf�"),
        (b"", ""),
    ],
)
def test_text_is_decoded(folder, content, text):
    (folder / "text").write_bytes(content)
    assert read_file(folder)("text") == text


def test_what_is_no_text_or_no_file_is_refused(folder):
    (folder / "image.png").write_bytes(b"\x89PNG\0\0")
    os.mkfifo(folder / "pipe")
    with pytest.raises(ToolError, match=r"'image\.png' is not text"):
        read_file(folder)("image.png")
    with pytest.raises(ToolError, match="'pipe' is neither a file nor a folder"):
        read_file(folder)("pipe")


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "milk.txt/x", "~/x", ""])
def test_odd_paths_are_tool_errors_or_the_folder(folder, path):
    if path == "":
        assert "milk.txt" in read_file(folder)(path)
        return
    with pytest.raises(ToolError):
        read_file(folder)(path)


def test_a_tool_for_no_folder_is_refused(folder):
    with pytest.raises(ToolError, match="'read_file' cannot have the folder"):
        read_file(folder / "nothing")
    with pytest.raises(ToolError, match="it is no folder"):
        read_file(folder / "milk.txt")
    with pytest.raises(ToolError, match="max_bytes is 0"):
        read_file(folder, max_bytes=0)
    with pytest.raises(ToolError, match="a tool's name"):
        read_file(folder, name="my notes")


def test_two_folders_are_two_tools(folder):
    assert read_file(folder, name="read_drafts").name == "read_drafts"
    assert "the folder notes" in read_file(folder).description
