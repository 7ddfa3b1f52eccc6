"""The page of a wave that waits for approval: who would enter, what stands against it, what would be said."""

from collections.abc import Iterable, Mapping
from typing import Any

from marketing.approval import Approval
from marketing.gate import REASONS

__all__ = ["page"]

#: Characters of a message that the page shows; relance preview shows it whole.
SHOWN = 1_500


def page(one: Approval, zone: str, currency: str, banner: str = "") -> str:
    """The Markdown of one approval; its messages are those of an invented contact, so that nobody is named."""
    told, chain = one.told(zone, currency), one.chain.replace("_", " ")
    parts = [f"# Wave {one.wave} of {chain}", *([f"> **{banner}**"] if banner else []), f"{told[0].upper()}{told[1:]}."]
    parts += ["## What would happen now", str(one.summary.get("sentence", ""))]
    parts += _table("Step", "Messages", ((step.replace("_", " "), f"{many:,}") for step, many in _counts(one, "planned")))
    parts += _table("Refused because", "Messages", (
        (REASONS.get(name.rpartition("/")[2], name), f"{many:,}") for name, many in _counts(one, "refused")))
    if one.params:
        parts += ["## With these values"]
        parts += _table("Field", "Value", ((name.replace("_", " "), _cell(value)) for name, value in one.params.items()))
    parts += ["## What stands against it", *(_finding(found) for found in one.summary.get("checks", ()))]
    if not one.summary.get("checks"):
        parts.append("Nothing.")
    parts += ["## What would be said", "To somebody invented:", *(_said(said) for said in one.summary.get("previews", ()))]
    return "\n\n".join(parts) + "\n"


def _counts(one: Approval, what: str) -> list[tuple[str, int]]:
    return list((one.summary.get(what) or {}).items())


def _table(first: str, second: str, rows: Iterable[tuple[str, str]]) -> list[str]:
    lines = [f"| {one} | {other} |" for one, other in rows]
    return ["\n".join([f"| {first} | {second} |", "| --- | ---: |", *lines])] if lines else []


def _finding(found: Mapping[str, Any]) -> str:
    where = ", ".join(str(found[name]).replace("_", " ") for name in ("step", "message", "language", "kind") if found.get(name))
    return f"- {'**Blocks**: ' if found['blocking'] else ''}{found['sentence']}{f' ({where})' if where else ''}"


def _said(said: Mapping[str, Any]) -> str:
    head = f"### {str(said['step']).replace('_', ' ')}, by {said['channel']}"
    if said.get("refused"):
        return f"{head}\n\nWould not leave: {said['refused']} has no value."
    subject = f"**{_cell(said['subject'])}**\n\n" if said.get("subject") else ""
    quoted = "\n".join(f"> {line}" for line in str(said["text"])[:SHOWN].splitlines())
    return f"{head}\n\n{subject}{quoted}"


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
