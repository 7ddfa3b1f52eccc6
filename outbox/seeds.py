"""Copies for seeds: people of the house see each live message as it left, once a wave, step and channel."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from connectors.base import ConnectorDown, Outcome, Outgoing, Receipt
from marketing.touch import SEED
from outbox.pacing import reserve
from outbox.specimen import Specimen, hand_over, invented_row, to_seed
from warehouse import outbox, seeds

__all__ = ["Copies"]

#: After these the wave has begun to leave.
_LEFT = (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.UNKNOWN)


class Copies:
    """The copies of one step's message by one channel. They show an invented contact, never a customer to anybody else."""

    def __init__(self, sender, renderer, columns: pa.Schema):
        self.sender, self.renderer, self.columns = sender, renderer, columns
        self.wired, self.ledger, self.channel = sender.wired, sender.ledger, renderer.touches.channel
        self.people = [one for one in seeds.seeds(self.ledger) if one.address(self.channel)] if sender.can.renders else []
        self._done: set[int] = set()

    def follow(self, batch: outbox.Batch, outgoing: Sequence[Outgoing], receipts: Sequence[Receipt]) -> None:
        """After a batch was handed over: copy the message of each wave that began to leave with it, if nobody has yet.

        A copy is claimed before it is made, so it is never made twice; a sender that dies over it leaves it unmade. What
        becomes of copies stops no wave: it stands in the ledger, and `relance seeds list` shows it.
        """
        if not self.people:
            return
        waves = {int(touch.tags["wave"]) for touch, receipt in zip(outgoing, receipts)
                 if touch.tags["visit"] == "1" and receipt.outcome in _LEFT}
        for wave in sorted(waves - self._done):
            place = (wave, self.renderer.step_no, self.channel)
            try:
                outbox.hold(self.ledger, batch)
            except outbox.Held:
                return  # stopped: the first batch after its release brings the copies
            self._done.add(wave)
            if seeds.begin_copy(self.ledger, *place, owner=self.sender.owner, now=self.sender.as_of):
                came = self._copy(wave)
                seeds.end_copy(self.ledger, *place, self.sender.as_of, came)
                if came is None:
                    self._done.discard(wave)

    def _copy(self, wave: int) -> Counter[str] | None:
        """The copies by what became of them; None where the connector was down, so that none was made."""
        now, bounds = self.sender.as_of, self.sender.bounds
        room: list[int] = []
        try:
            made = self._print(wave, now)
            messages = [one for one in made if not isinstance(one, dict)]
            room = bounds.within(range(len(messages)), {})
            came = +Counter(missing_value=len(made) - len(messages), over_the_ceiling=len(messages) - len(room))
            self._keep_pace(len(room))
            came.update(str(receipt.outcome) for receipt in hand_over(self.sender.connector, messages[:len(room)], now))
            return came
        except ConnectorDown:
            bounds.give_back(len(room))
            return None
        except Exception as error:  # whatever it is, customers' messages go on
            return Counter({f"failed: {type(error).__name__}": len(self.people)})

    def _print(self, wave: int, now: datetime) -> list[Outgoing | dict]:
        renderer, zone = self.renderer, self.wired.warehouse.house.zone
        printer = Specimen(self.wired, renderer.version.graph, renderer.step, self.channel, renderer._of_wave(wave), wave=wave,
                           copy="seed")
        printer.run = renderer.run
        names = frozenset(self.columns.names)
        rows = [to_seed(invented_row(self.columns, names, one.language, self.channel, zone, now), one, self.channel)
                for one in self.people]
        return printer.print(rows, [f"{SEED}{wave}-{renderer.step_no}-{self.channel}-{one.id}" for one in self.people])

    def _keep_pace(self, many: int) -> None:
        if self.sender.can.rate and many:
            wall = self.wired.wall()
            start = reserve(self.ledger, self.sender.name, many, self.sender.can.rate, wall)
            time.sleep(max(0.0, (start - wall).total_seconds()))
