"""Graphviz itself: which program draws here, and what it answers.

The programs are run through the ``graphviz`` package's own runner (it hides console windows on Windows and keeps
what the program wrote to stderr), with a time limit, which the package's ``pipe`` does not offer.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from linus_nb.errors import RenderError
from linus_nb.events import GraphShape
from linus_nb.masking import logger
from linus_nb.rendering.dot_source import ANCHOR, PAD, POINTS_PER_INCH, layout_source
from linus_nb.rendering.layout import BOX_HEIGHT, Box, Layout, Point, box_widths, label_place, level_curve

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """A program that understands Graphviz source, with the name that a person knows it by."""

    command: str
    title: str  # "dot 2.43.0", "graphviz-pure 0.2.2"
    has_glyphs: bool = True  # can write ✓ in a PNG: the stand-in has one Latin font of its own, and no ✓ in it


@cache
def programs() -> tuple[Program, ...]:
    """Return the programs that answer here, best first; looked for once a process (``programs.cache_clear()``)."""
    found: list[Program] = []
    for name, command in (("dot", shutil.which("dot")), ("graphviz-pure", _stand_in())):
        if command is None:
            continue
        try:
            answer = run(command, ["-V"])
        except RenderError as error:
            logger.warning("%s is there but does not answer (%s); it is not used", command, error)
            continue
        version = re.search(r"version (\d[\w.]*)", answer.decode(errors="replace"))
        title = f"{name} {version.group(1)}" if version else name
        found.append(Program(command, title, has_glyphs=name == "dot"))
    return tuple(found)


def _stand_in() -> str | None:
    """Return the path of graphviz-pure, which pip puts beside the interpreter and not always on the PATH."""
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    return next((hit for folder in folders if (hit := shutil.which("graphviz-pure", path=folder))), None) or (
        shutil.which("graphviz-pure")
    )


def run(command: str, arguments: list[str], source: str = "") -> bytes:
    """Return what a Graphviz program wrote (its stderr where only that says something, as ``-V`` does).

    Raises:
        RenderError: The ``graphviz`` package is missing, or the program failed or took longer than ``TIMEOUT_S``.
    """
    try:
        from graphviz.backend import ExecutableNotFound
        from graphviz.backend.execute import run_check
    except ImportError as error:
        raise RenderError("Graphviz needs the 'graphviz' package; install it with: pip install graphviz") from error
    try:
        done = run_check(
            [command, *arguments], input=source.encode("utf-8"), capture_output=True, quiet=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise RenderError(f"{command!r} gave no picture in {TIMEOUT_S:g} s; save as .svg instead") from error
    except (subprocess.CalledProcessError, ExecutableNotFound, OSError) as error:
        raise RenderError(f"{command!r} gave no picture: {error}; save as .svg instead") from error
    return bytes(done.stdout or done.stderr)


def placed(shape: GraphShape, program: Program) -> Layout:
    """Return the layout that a Graphviz program gives the graph.

    Raises:
        RenderError: It failed, took too long, or answered something that is no layout.
    """
    answer = run(program.command, ["-Kdot", "-Tplain"], layout_source(shape)).decode("utf-8", errors="replace")
    try:
        return _layout(shape, answer, program.title)
    except (ValueError, IndexError, KeyError) as error:
        raise RenderError(f"{program.command!r} answered with something that is no layout: {error!r}") from error


def _layout(shape: GraphShape, plain: str, drawn_by: str) -> Layout:
    """Read Graphviz's plain format: inches, with y upwards; ours are pixels, with y downwards."""
    boxes: dict[str, Box] = {}
    curves: dict[tuple[str, str], tuple[Point, ...]] = {}
    places: dict[tuple[str, str], Point] = {}
    height = width = 0.0
    widths = {f"n_{i}": width for i, width in enumerate(box_widths(shape))}

    def point(x: str, y: str) -> Point:
        return float(x) * POINTS_PER_INCH, height - float(y) * POINTS_PER_INCH

    for line in plain.splitlines():
        words = line.split()
        match words[:1]:
            case ["graph"]:
                width, height = float(words[2]) * POINTS_PER_INCH, float(words[3]) * POINTS_PER_INCH
            case ["node"]:
                # the width is ours: what comes back is rounded, and a hair less room cuts a word short
                boxes[words[1]] = Box(*point(words[2], words[3]), widths.get(words[1], 0.0), BOX_HEIGHT)
            case ["edge"]:
                ends, count = (words[1], words[2]), int(words[3])
                numbers = words[4 : 4 + 2 * count]
                curves[ends] = tuple(point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
                rest = words[4 + 2 * count :]  # [label x y] style colour
                if len(rest) == 5:
                    places[ends] = point(rest[1], rest[2])
    if ANCHOR in boxes:  # nothing is seen of it, so nothing is left of its room
        left = min(box.left for name, box in boxes.items() if name != ANCHOR) - PAD
        width -= left
        boxes = {name: replace(box, x=box.x - left) for name, box in boxes.items()}
        curves = {pair: tuple((x - left, y) for x, y in curve) for pair, curve in curves.items()}
        places = {pair: (x - left, y) for pair, (x, y) in places.items()}
    index = {node.name: f"n_{i}" for i, node in enumerate(shape.nodes)}
    level_of = {node.name: node.level for node in shape.nodes}
    pairs = [(index[e.source], index[e.target]) for e in shape.edges]
    for edge, pair in zip(shape.edges, pairs, strict=True):
        # Nothing stands between neighbouring levels, so there the curve can be the one of our own layout.
        if level_of[edge.target] == level_of[edge.source] + 1:
            start, end = boxes[pair[0]].right_side, boxes[pair[1]].left_side
            curves[pair] = level_curve((start, end))
            if edge.label:
                places[pair] = label_place(start, end)
    return Layout(
        width,
        height,
        tuple(boxes[f"n_{i}"] for i in range(len(shape.nodes))),
        tuple(curves[pair] for pair in pairs),
        tuple(places.get(pair) for pair in pairs),
        drawn_by,
    )
