"""What every chain's form asks beside the chain's own parameters: how far this one run may go."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from marketing.costing import dearest
from marketing.relation import Graph

__all__ = ["RunOptions"]


def _titled(title: str) -> dict[str, str]:
    return {"title": title}


class RunOptions(BaseModel):
    """The common options of a run; none is part of a wave's parameters, which messages and queries see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rehearse: bool = Field(
        False, description="Only tell what this run would do: nothing is moved, nothing is sent",
        json_schema_extra=_titled("Rehearse only"))
    rehearse_weeks: int | None = Field(
        None, ge=1, le=104, description="How far a rehearsal looks ahead: the clock runs and answers are drawn, until nobody is "
                                        "due; empty: this one pass",
        json_schema_extra=_titled("Rehearse so many weeks"))
    at_most: int | None = Field(
        None, ge=1, description="No more of the audience than this enter with this run, drawn by chance; empty: everybody who "
                                "may. Whom another chain hands over enters besides",
        json_schema_extra=_titled("At most so many contacts"))
    budget: float | None = Field(  # of Decimal a form makes a number or a text
        None, ge=0, description="Only so many of the audience enter that their messages cannot cost more, in the house's "
                                "currency, even if each of them is sent the dearest way through the chain",
        json_schema_extra=_titled("Budget"))
    note: str = Field("", max_length=500, description="Kept with the run: why it was started. No names or addresses, please",
                      json_schema_extra=_titled("Note"))

    def room(self, graph: Graph, costs: dict[str, Decimal]) -> int | None:
        """How many contacts may enter at most; None for as many as there are."""
        rooms = [] if self.at_most is None else [self.at_most]
        if self.budget is not None and (each := dearest(graph, costs)):
            rooms.append(int(Decimal(str(self.budget)) / each))
        return min(rooms, default=None)
