"""The work of a sender: the rows of some batches, gated and rendered, as what to hand over and what not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from connectors.base import Outcome, Outgoing
from marketing.graph import Step
from outbox.bound import unbound
from outbox.rendering import Renderer
from outbox.seeds import Copies
from outbox.settling import Fates
from warehouse.outbox import Batch
from warehouse.sending import Reader, objection
from warehouse.versions import Version, versions_of

__all__ = ["Work"]

#: How long touches wait whose message is not the one that was approved; then it is looked at again.
UNBOUND = timedelta(hours=1)


class Work:
    """The rows of some batches of one touches part, read once, gated and rendered batch by batch."""

    def __init__(self, sender, batches: Sequence[Batch]):
        self.sender, self.can = sender, sender.can
        wired = sender.wired
        self.reader = Reader(wired.warehouse, batches[0].part)
        touches = self.reader.touches
        version = next(v for v in versions_of(sender.ledger, touches.chain) if v.id == touches.version)
        self.renderer = Renderer(wired, version, version.graph.step(touches.to_step), touches, sender.run)
        variables = self.renderer.variables() if self.can.renders else frozenset()
        self.rows = self.reader.rows(batches, variables)
        self.copies = Copies(sender, self.renderer, self.rows.schema)
        self.at = self.rows["position"].to_numpy()
        self.dropped, self.later = self.reader.refused(sender.as_of)
        self.dropped = sender.bounds.refused(self.rows) | self.dropped
        self._hold_unbound(version, version.graph.step(touches.to_step), touches.channel)

    def _hold_unbound(self, version: Version, step: Step, channel: str) -> None:
        """An approved wave leaves with the message that was approved: one whose message has changed waits for an hour."""
        waves = self.rows["enrolment_id"].to_numpy() >> 36
        held = unbound(self.sender.wired, version, step, channel, [int(wave) for wave in np.unique(waves)])
        for position in self.at[np.isin(waves, list(held))].tolist() if held else ():
            self.later[position] = max(self.later.get(position, datetime.min), self.sender.as_of + UNBOUND)

    def ready(self, batch: Batch) -> tuple[Fates, dict[int, datetime], list[Outgoing], list[int]]:
        """Of one batch: what the gate settles, what waits until when, what to hand over and at which positions."""
        fates, waiting, positions = Fates(), {}, []
        stale = batch.at_latest is not None and self.sender.as_of > batch.at_latest
        for position in batch.row_numbers().tolist():
            why, leaves = self.dropped.get(position), self.later.get(position)
            if (stale or why or leaves) and (why := objection(why, leaves, self.sender.as_of, batch.at_latest)):
                fates.add([position], self._not_sent(batch, why))
            elif leaves:
                waiting[position] = leaves
            else:
                positions.append(position)
        positions = self.sender.bounds.within(positions, waiting)
        outgoing, handed = [], []
        for position, made in zip(positions, self.renderer.outgoing(self._of(positions), self.can.renders)):
            if isinstance(made, dict):
                fates.add([position], self._not_sent(batch, made))
            else:
                outgoing.append(made)
                handed.append(position)
        self.sender.bounds.give_back(len(positions) - len(outgoing))
        return fates, waiting, outgoing, handed

    def _not_sent(self, batch: Batch, why: dict) -> dict:
        """A touch that may not leave now; one that may have left before a sender died stays unknown."""
        if batch.sending_at is not None:
            return {"outcome": str(Outcome.UNKNOWN), "units": 0, "settled_at": batch.sending_at}
        return {"units": 0, "settled_at": self.sender.as_of, **why}

    def keys(self, batch: Batch) -> dict[str, int]:
        """The tokens of a batch and their positions."""
        positions = batch.row_numbers().tolist()
        return dict(zip(self.renderer.keys(self._of(positions)), positions))

    def _of(self, positions: list[int]) -> pa.Table:
        return self.rows.take(np.searchsorted(self.at, positions))

    def close(self) -> None:
        self.reader.close()
