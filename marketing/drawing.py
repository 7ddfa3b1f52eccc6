"""A chain drawn from its graph: a Mermaid diagram, a table, and a paragraph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marketing.relation import ANYWHERE, ENTRY, HOLDOUT, Edge, Graph, Step
from marketing.responses import CALL_OUTCOMES, NOT_SENT
from marketing.steps import Send, walk

if TYPE_CHECKING:
    from marketing.chain import Chain

__all__ = ["brief", "mermaid", "table"]

#: The shape of each kind of step: a wait is round, a choice is a rhombus, an end is a stadium.
SHAPES = {
    "send": '["{}"]', "assign": '[/"{}"/]', "wait": '("{}")', "rest": '("{}")', "holdout": '("{}")',
    "split": '{{"{}"}}', "experiment": '{{"{}"}}', "end": '(["{}"])',
}
#: One colour a kind; light enough for black text on paper and on a dark page.
STYLES = {
    "send": "fill:#dbeafe,stroke:#2563eb,color:#0f172a", "wait": "fill:#fef9c3,stroke:#ca8a04,color:#0f172a",
    "choice": "fill:#ede9fe,stroke:#7c3aed,color:#0f172a", "assign": "fill:#cffafe,stroke:#0891b2,color:#0f172a",
    "holdout": "fill:#f1f5f9,stroke:#64748b,color:#0f172a,stroke-dasharray:4 3",
    # "end" is a word of Mermaid's own.
    "leave": "fill:#f1f5f9,stroke:#64748b,color:#0f172a", "goal": "fill:#dcfce7,stroke:#16a34a,color:#0f172a",
}
#: Ways out that every chain has: drawn, they would hide the chain's own.
EVERYWHERE = ("suppressed", "erased", "no_consent_left", "withdrawn")


def mermaid(graph: Graph, counts: Mapping[str, int] | None = None) -> str:
    """The diagram of a chain as Mermaid text; with `counts`, each step says how many contacts came to it."""
    edges = [edge for edge in graph.edges if not (edge.from_ == ANYWHERE and edge.on in EVERYWHERE)]
    drawn = {edge.to for edge in edges} | {edge.from_ for edge in edges}
    steps = [step for step in graph.steps if step.name in drawn]
    ids = {step.name: f"s{step.order}" for step in steps} | {ENTRY: "audience", ANYWHERE: "anywhere"}
    lines = ["flowchart TD", f'    audience(["{_counted("audience", ENTRY, counts)}"])']
    lines += [f"    {ids[s.name]}{SHAPES[s.kind].format(_counted(_label(s), s.name, counts))}" for s in steps]
    if ANYWHERE in drawn:
        lines.append('    anywhere(["from any step"])')
    lines += [f"    {ids[e.from_]} {_arrow(graph, e)} {ids[e.to]}" for e in edges]
    used: dict[str, list[str]] = {}
    for step in steps:
        used.setdefault(_style(graph, step), []).append(ids[step.name])
    for style, members in used.items():
        lines += [f"    classDef {style} {STYLES[style]}", f"    class {','.join(members)} {style}"]
    return "\n".join(lines) + "\n"


def table(graph: Graph) -> str:
    """The relation as a Markdown table: one row per edge, in the order in which they are tried."""
    rows = [("From", "On", "After", "To", "At most")]
    rows.append(tuple("---" for _ in rows[0]))
    for edge in graph.edges:
        wait = edge.on == "otherwise" and graph.step(edge.from_).within
        on = f"nothing within {wait}" if wait else _on(edge)
        on = ", ".join(filter(None, [on, "used up" if _once_used_up(graph, edge) else ""]))
        rows.append((_place(edge.from_), on, str(edge.after), f"`{edge.to}`", _visits(edge)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def brief(chain: Chain) -> str:
    """A chain in one paragraph, as one would tell a colleague."""
    sends = [step for step in walk(chain.steps) if isinstance(step, Send)]
    by = list(dict.fromkeys(channel for send in sends for channel in send.channels))
    said = [f"{chain.title}: a {chain.kind} chain for the audience `{chain.audience}`, "
            f"with {len(sends)} {'message' if len(sends) == 1 else 'messages'} by {_and(by)}."]
    if chain.goal:
        ends = "which ends it" if chain.goal.ends else "which is measured and does not end it"
        said.append(f"Its goal is `{chain.goal.kind}` within {chain.goal.within} of enrolment, {ends}.")
    if chain.holdout:
        said.append(f"{chain.holdout:.0%} are held out and get nothing, to measure what the rest would have done anyway.")
    again = f"{chain.reenter_after} after they last did" if chain.reenter_after else None
    said.append(f"Contacts may enter again {again}." if again else "A contact enters once.")
    return " ".join(said)


def _label(step: Step) -> str:
    match step.kind:
        case "send":
            return f"<b>{step.name}</b><br/>{' or '.join(step.channels)}, {step.purpose}"
        case "wait":
            return f"<b>{step.name}</b><br/>waits {step.within}"
        case "assign":
            return f"<b>{step.name}</b><br/>to {step.to}"
        case "split" | "experiment":
            return f"<b>{step.name}</b>"
        case "rest":
            return "rests"
        case "holdout":
            return "<b>holdout</b><br/>gets nothing"
    return {"exit": f"exit: {step.argument}", "enrol": f"enrol in {step.argument}",
            "suppress": f"suppress: {step.argument}", "goal": "goal reached"}[step.action]


def _counted(label: str, name: str, counts: Mapping[str, int] | None) -> str:
    if counts is None or (name == ENTRY and ENTRY not in counts):
        return label
    return f"{label}<br/>{counts.get(name, 0):,}"


def _arrow(graph: Graph, edge: Edge) -> str:
    words = []
    if edge.from_ and edge.on not in ("next", "otherwise"):
        words.append(edge.on)
    elif edge.on == "held_out":
        words.append(f"{graph.holdout:.0%}")
    elif edge.on == "otherwise":
        within = graph.step(edge.from_).within
        words.append(f"nothing within {within}" if within else "otherwise")
    shares = graph.step(edge.from_).shares if edge.from_ not in (ENTRY, ANYWHERE) else None
    if shares and edge.on in shares:
        words.append(f"{shares[edge.on]:.0%}")
    if edge.after:
        words.append(str(edge.after))
    if edge.max:
        words.append(f"at most {edge.max}")
    if _once_used_up(graph, edge):
        words.append("used up")
    line = "-.->" if edge.goto or edge.from_ == ANYWHERE or HOLDOUT in (edge.from_, edge.to) else "-->"
    return f'{line}|"{", ".join(words)}"|' if words else line


def _once_used_up(graph: Graph, edge: Edge) -> bool:
    """Whether an edge is taken only when the GoTo before it has had all its visits."""
    before = graph.out(edge.from_)[edge.rank - 1] if edge.rank else edge
    return before.goto and before is not edge and before.on == edge.on


def _style(graph: Graph, step: Step) -> str:
    goals = {edge.to for edge in graph.out(ANYWHERE) if edge.on == "goal"}
    if step.name in goals:
        return "goal"
    return {"rest": "wait", "split": "choice", "experiment": "choice", "end": "leave"}.get(step.kind, step.kind)


def _on(edge: Edge) -> str:
    said = {"next": "", NOT_SENT: "none was sent", "window_closed": "the goal's window closed", "held_out": "held out"}
    return said.get(edge.on, f"call outcome: {edge.on}" if edge.on in CALL_OUTCOMES else edge.on.replace("_", " "))


def _place(name: str) -> str:
    return {ENTRY: "*audience*", ANYWHERE: "*any step*"}.get(name, f"`{name}`")


def _visits(edge: Edge) -> str:
    return "" if edge.max is None else f"{edge.max} visits" if edge.max > 1 else "1 visit"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
