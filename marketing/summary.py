"""What a pass did, in numbers and in a sentence that a marketer understands."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from marketing.gate import REASONS

__all__ = ["Summary", "Tally"]


@dataclass(kw_only=True)
class Tally:
    """What a pass did to one slice, or to several, in numbers; counts are contacts or touches."""

    audience: int = 0
    inside: int = 0
    entered_recently: int = 0
    handed_over: int = 0
    entered: int = 0
    held_out: int = 0
    handed_in: int = 0  #: of those who entered, whom another chain handed over
    left_out: int = 0  #: beyond what the run was allowed to take in
    planned: Counter = field(default_factory=Counter)  #: by step
    refused: Counter = field(default_factory=Counter)  #: by (step, reason)
    moves: Counter = field(default_factory=Counter)  #: by (from, on, to)

    def count(self, into: Counter, key, rows: int) -> None:
        into[key] += rows

    def add(self, other: "Tally") -> None:
        """Add what another slice counted."""
        for name in (one.name for one in fields(Tally)):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Summary(Tally):
    """One pass of one chain: its slices' counts, and what was done once for all of them."""

    chain: str
    run: str
    as_of: datetime
    run_name: str = ""  #: once it has one that tells what it did
    settled: int = 0
    sent: Counter = field(default_factory=Counter)  #: by outcome
    responses: int = 0  #: newly listed
    unheard: dict[str, str] = field(default_factory=dict)  #: connectors that could not be asked what came back
    rehearsed: bool = False  #: made on a branch: nothing of it is true
    waits_for: str = ""  #: why nothing was moved, where so
    awaits: str = ""  #: which wave waits for a person, where one does
    next_due: datetime | None = None

    @property
    def anything(self) -> bool:
        """Whether the pass moved, sent or took in anybody."""
        return bool(self.entered or self.settled or self.moves or self.sent)

    def heard(self, counts) -> None:
        """Take in what a collection found: responses listed, and connectors that could not be asked."""
        self.responses, self.unheard = counts.listed, dict(counts.failed)

    def __str__(self) -> str:
        silent = "".join(f" Could not ask {name} what came back: {why}." for name, why in self.unheard.items())
        return ("Rehearsed, nothing of it was done: " if self.rehearsed else "") + self._said() + silent

    def _said(self) -> str:
        if self.waits_for:
            return f"Nothing was moved or sent: {self.waits_for}."
        entered = self._entered()
        touches = sum(self.planned.values())
        if touches:
            planned = f"{_many(touches, 'touch', 'touches')} planned" + self._why(", refused: ")
        else:
            planned = "nothing to send" + self._why("; refused: ")
        sent = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(self.sent.items()))
        awaits = f" {self.awaits[0].upper()}{self.awaits[1:]}." if self.awaits else ""
        return f"{entered}. {planned[0].upper()}{planned[1:]}." + (f" Sent: {sent}." if sent else "") + awaits

    def _entered(self) -> str:
        if not self.audience and not self.handed_over:
            return "The audience was empty or not asked again"
        kept_out = {"are in the chain now": self.inside, "entered it too recently": self.entered_recently,
                    "were left out, for this run may take in no more": self.left_out}
        why = ", ".join(f"{count:,} {words}" for words, count in kept_out.items() if count)
        held = f" ({self.held_out:,} of them held out)" if self.held_out else ""
        return f"{self.entered:,} of {self.audience + self.handed_over:,} entered{held}" + (f": {why}" if why else "")

    def _why(self, lead: str) -> str:
        by_reason: Counter = Counter()
        for (_, reason), count in self.refused.items():
            by_reason[reason] += count
        said = ", ".join(f"{count:,} {REASONS.get(reason, reason)}" for reason, count in by_reason.most_common())
        return lead + said if said else ""

    def to_json(self) -> Mapping:
        """The same as plain data."""
        plain = asdict(self)
        plain["refused"] = {"/".join(key): count for key, count in self.refused.items()}
        plain["moves"] = {" ".join(("→".join((a, c)), on)): count for (a, on, c), count in self.moves.items()}
        plain.update(as_of=self.as_of.isoformat(), next_due=self.next_due and self.next_due.isoformat(),
                     planned=dict(self.planned), sent=dict(self.sent), sentence=str(self))
        return plain


def _many(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
