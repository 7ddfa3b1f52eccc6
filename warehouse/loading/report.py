"""What a load understood and did, to be read by the person who loads."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

__all__ = ["Repair", "Report"]


@dataclass(frozen=True)
class Repair:
    """Something read otherwise than it was written: how many rows, and one of them."""

    column: str
    what: str
    rows: int
    before: str = field(repr=False)  #: a cell of the file: personal data
    after: str = field(repr=False)


@dataclass
class Report:
    """A load, told: what the file is, how its columns were read, what became of its rows.

    `read` = `new` + `changed` + `unchanged` + `rejected` + `repeated`, unless the load is held: then
    nothing was written and `held` says why. `confirmed` is false where more than 1 % was rejected.
    """

    kind: str
    path: Path
    digest: str
    encoding: str
    separator: str
    columns: dict[str, str]  #: header in the file: column it was read as
    attributes: dict[str, str] = field(default_factory=dict)  #: further column: its type
    ignored: list[str] = field(default_factory=list)  #: headers that were left aside
    notes: list[str] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)  #: why rows were rejected, by column or rule: rows
    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0  #: rows equal to a later one with the same key
    rejected: int = 0
    rejects: Path | None = None
    newest_at: datetime | None = None
    confirmed: bool = True
    held: str | None = None

    def lines(self, examples: bool = True) -> list[str]:
        """The report as text, one statement a line.

        Examples are cells of the file: for the eyes of who loads, never for a log or a workflow server.
        """
        said = [f"{self.path.name}: {self.kind}, {self.encoding}, separated by {self.separator}",
                "  columns: " + ", ".join(_renamed(header, name) for header, name in self.columns.items())]
        if self.attributes:
            said.append("  attributes: " + ", ".join(f"{name} ({type_})" for name, type_ in self.attributes.items()))
        if self.ignored:
            said.append("  left aside: " + ", ".join(self.ignored))
        said += [f"  {note}" for note in self.notes]
        said += [f"  {r.column}: {r.what}, {r.rows:,} row{'s' * (r.rows != 1)}"
                 + (f", such as {r.before!r} read as {r.after}" if examples else "") for r in self.repairs]
        if self.held:
            return [*said, f"  held, nothing was loaded: {self.held}"]
        said.append(f"  {self.read:,} rows read: {self.new:,} new, {self.changed:,} changed, "
                    f"{self.unchanged:,} already known, {self.rejected:,} rejected"
                    + (f", {self.repeated:,} repeated" if self.repeated else ""))
        said += [f"    {rows:,} rejected: {reason}" for reason, rows in self.reasons.items()]
        if self.rejects:
            said.append(f"  rejected rows, ready to correct and load again: {self.rejects}")
        if not self.confirmed:
            said.append(f"  not confirmed: {self.rejected / max(1, self.read):.1%} of the rows were rejected, more than 1 %; "
                        f"sends that rest on {self.kind} wait until a load is confirmed")
        return said

    def __str__(self) -> str:
        return "\n".join(self.lines(examples=False))


def _renamed(header: str, name: str) -> str:
    return name if header == name else f"{header} → {name}"
