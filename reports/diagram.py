"""A chain drawn with the contacts that went through it: one line per edge, as wide as the crowd on it."""

import re
import subprocess
import sysconfig
from collections.abc import Mapping
from html import escape
from pathlib import Path
from shutil import which

from marketing.relation import ANYWHERE, ENTRY, HOLDOUT, Edge, Graph, Step

__all__ = ["DiagramError", "Flow", "svg"]

#: (from step, reason of the move, to step) -> moves
Flow = Mapping[tuple[str, str, str], int]

PROGRAM = "graphviz-pure"
INK, MUTED, LINE, FAINT = "#1f2933", "#5b6773", "#a3b3c2", "#d5dbe1"
#: fill and border by kind of step; light enough for dark text, and apart from each other in print
PAINT = {
    "send": ("#e3eefb", "#3b78b8"), "wait": ("#fdf6dd", "#c29a22"), "rest": ("#fdf6dd", "#c29a22"),
    "split": ("#efeafb", "#7a62c4"), "experiment": ("#efeafb", "#7a62c4"), "assign": ("#def3f2", "#2f8a86"),
    "holdout": ("#f3f4f6", "#66727f"), "end": ("#f3f4f6", "#98a3ae"), "goal": ("#dff3e4", "#2f8f4e"),
}
WIDEST, THINNEST = 7.0, 0.9
#: ends that any contact can come to: drawn only where somebody did
_ALWAYS = {"suppressed", "erased", "no_consent_left", "withdrawn"}


class DiagramError(Exception):
    """The program that lays out diagrams is missing or refused its input."""


def svg(graph: Graph, flow: Flow | None, standing: Mapping[str, int], title: str = "") -> str:
    """The diagram as an inline SVG element without ids, so that several fit one page.

    `flow` None: the chain as it is written, without numbers. `standing`: contacts who stand at a step now.
    Raises DiagramError naming the package that draws.
    """
    drawn = subprocess.run([_program(), "-Tsvg"], input=dot(graph, flow, standing), capture_output=True, text=True,
                           encoding="utf-8", check=False, timeout=60)
    if drawn.returncode:
        raise DiagramError(f"chain {graph.chain}: {PROGRAM} refused its diagram: {drawn.stderr.strip()[:300]}")
    return _bare(drawn.stdout, title or f"Diagram of the chain {graph.chain}")


def dot(graph: Graph, flow: Flow | None, standing: Mapping[str, int]) -> str:
    """The diagram as text of the DOT language."""
    counted = flow is not None
    edges = _weighed(graph, flow or {})
    most = max((count for _, count in edges), default=0)
    came: dict[str, int] = {}
    for edge, count in edges:
        came[edge.to] = came.get(edge.to, 0) + count
    entered = sum(count for edge, count in edges if edge.from_ == ENTRY)
    met = {edge.to for edge, _ in edges} | {edge.from_ for edge, _ in edges}
    goals = {edge.to for edge in graph.out(ANYWHERE) if edge.on == "goal"}
    lines = [
        "digraph chain {",
        'graph [rankdir=TB, bgcolor="transparent", nodesep=0.32, ranksep=0.42, margin=0.08]',
        f'node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, fontcolor="{INK}", '
        'margin="0.16,0.09", height=0.4, penwidth=1.1]',
        f'edge [fontname="Helvetica", fontsize=9.5, fontcolor="{MUTED}", color="{LINE}", arrowsize=0.6]',
        f'"{ENTRY}" [shape=plain, style="", label={_label("audience", f"{entered:,} entered" if counted else "")}]',
    ]
    if ANYWHERE in met:
        lines.append(f'"{ANYWHERE}" [style="rounded,dashed", color="{LINE}", label={_label("from any step", "")}]')
    for step in graph.steps:
        if step.name in met:
            here = (came.get(step.name, 0), standing.get(step.name, 0)) if counted else None
            lines.append(_box(step, here, step.name in goals))
    lines += [_edge(graph, edge, count if counted else None, most) for edge, count in edges]
    return "\n".join([*lines, "}"])


def _weighed(graph: Graph, flow: Flow) -> list[tuple[Edge, int]]:
    """Each edge with the moves along it; edges of one step that share reason and target are one."""
    found: dict[tuple[str, str, str], tuple[Edge, int]] = {}
    for edge in graph.edges:
        if edge.from_ == ANYWHERE:
            count = sum(moves for (_, reason, to), moves in flow.items() if (reason, to) == (edge.on, edge.to))
        else:
            count = flow.get((edge.from_, edge.on, edge.to), 0)
            if edge.on == "next":
                count += flow.get((edge.from_, "unreached", edge.to), 0)
        if count or not (edge.from_ == ANYWHERE and edge.on in _ALWAYS):
            found.setdefault((edge.from_, edge.on, edge.to), (edge, count))
    return list(found.values())


def _box(step: Step, here: tuple[int, int] | None, is_goal: bool) -> str:
    """`here`: how many came to the step, and how many stand at it now; None: no numbers."""
    fill, border = PAINT["goal" if is_goal else step.kind]
    title, detail = _words(step)
    came, stands = here or (0, 0)
    numbers = f"{came:,}" + (f" ({stands:,} there now)" if stands and step.kind != "end" else "") if here else ""
    shape = ', style="filled", shape=oval, margin="0.1,0.05"' if step.kind == "end" else ""
    faint = f', fontcolor="{MUTED}"' if here and not came else ""
    return f'"{step.name}" [fillcolor="{fill}", color="{border}", label={_label(title, detail, numbers)}{shape}{faint}]'


def _words(step: Step) -> tuple[str, str]:
    match step.kind:
        case "send":
            return step.name, " or ".join(step.channels)
        case "wait":
            return step.name, f"waits {step.within}"
        case "assign":
            return step.name, f"to {step.to}"
        case "holdout":
            return "holdout", "gets nothing"
        case "rest":
            return "rests", ""
        case "end" if step.action == "goal":
            return "goal", ""
        case "end":
            return {"exit": "exit", "enrol": "enrol in", "suppress": "suppress"}[step.action or ""], step.argument or ""
    return step.name, "by chance" if step.kind == "experiment" else "by audience"


def _label(title: str, detail: str, numbers: str = "") -> str:
    """An HTML-like label: the name, what it does, how many; plain letters, as the layout knows their widths."""
    rows = [f"<b>{escape(title.replace('_', ' '))}</b>"]
    if detail:
        rows.append(f'<font point-size="9" color="{MUTED}">{escape(detail.replace("_", " "))}</font>')
    if numbers:
        rows.append(f'<font point-size="10">{numbers}</font>')
    return f"<{'<br/>'.join(rows)}>"


def _edge(graph: Graph, edge: Edge, count: int | None, most: int) -> str:
    """`count`: the moves along it; None: drawn without a crowd."""
    words = [] if edge.on in ("next", "entered", "held_out", "window_closed") else [edge.on.replace("_", " ")]
    if edge.on == "otherwise" and graph.step(edge.from_).kind == "wait":
        words = ["silence"]
    if edge.after:
        words.append(str(edge.after).replace("_", " "))
    if edge.max:
        words.append(f"at most {edge.max}")
    if count:
        words.append(f"{count:,}")
    width = THINNEST + (WIDEST - THINNEST) * (count / most) ** 0.5 if count else THINNEST
    # an arrow's head grows with its line; a small one leaves the number beside it readable
    style = f"penwidth={width:.2f}, arrowsize={0.62 - 0.05 * width:.2f}"
    if count == 0:
        style += f', color="{FAINT}", style=dashed'
    elif edge.goto or HOLDOUT in (edge.from_, edge.to) or edge.from_ == ANYWHERE:
        style += ", style=dashed"
    label = " " * (2 + round(width / 3)) + ", ".join(words).replace('"', "'")
    return f'"{edge.from_}" -> "{edge.to}" [label="{label} ", {style}{", constraint=false" if edge.goto else ""}]'


def _program() -> str:
    beside = Path(sysconfig.get_path("scripts")) / PROGRAM
    found = str(beside) if beside.exists() else which(PROGRAM)
    if not found:
        raise DiagramError(f"the program {PROGRAM} is not there; install the package {PROGRAM} (pip install {PROGRAM})")
    return found


def _bare(text: str, title: str) -> str:
    """One <svg> element: no prologue, no ids, scaled by its box, named for who cannot see it."""
    body = text[text.index("<svg"):]
    width = float(re.search(r'<svg width="([\d.]+)pt"', body).group(1))
    body = re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", body, flags=re.DOTALL)
    body = re.sub(r' id="[^"]*"| xml:space="preserve"| xmlns:xlink="[^"]*"', "", body)
    body = re.sub(r'<svg width="[^"]*" height="[^"]*"', f'<svg role="img" style="width:{width * 4 / 3:.0f}px"', body, count=1)
    return body.replace("font-family=\"Helvetica\"", 'font-family="Helvetica,Arial,Liberation Sans,sans-serif"').replace(
        ">", f"><title>{escape(title)}</title>", 1).strip()
