"""Copies for seeds: people of the house see each live message as it left, once a wave, step and channel."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from connectors.base import Connector, ConnectorDown, Outcome, Outgoing, Receipt
from marketing.touch import SEED
from outbox.pacing import reserve
from outbox.specimen import Specimen, hand_over, invented_row, to_seed
from warehouse import seeds

__all__ = ["Copies"]

#: After these the wave has begun to leave.
_LEFT = (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.UNKNOWN)


class Copies:
    """The copies of one step's message by one channel. They show an invented contact, never a customer to anybody else."""

    def __init__(self, wired, renderer, columns: pa.Schema, owner: str):
        self.wired, self.renderer, self.columns, self.owner = wired, renderer, columns, owner
        self.ledger, self.channel = wired.warehouse.ledger, renderer.touches.channel
        self.people = [one for one in seeds.seeds(self.ledger) if one.address(self.channel)]
        self._done: set[int] = set()

    def follow(self, connector: Connector, outgoing: Sequence[Outgoing], receipts: Sequence[Receipt], now: datetime) -> None:
        """After a batch was handed over: copy the message of each wave that began to leave with it, if nobody has yet.

        A copy is claimed before it is made, so it is never made twice; a sender that dies over it leaves it unmade. What
        becomes of copies stops no wave: it stands in the ledger, and `relance seeds list` shows it.
        """
        if not self.people or not connector.capabilities().renders:
            return
        waves = {int(touch.tags["wave"]) for touch, receipt in zip(outgoing, receipts)
                 if touch.tags["visit"] == "1" and receipt.outcome in _LEFT}
        for wave in sorted(waves - self._done):
            self._done.add(wave)
            place = (wave, self.renderer.step_no, self.channel)
            if seeds.begin_copy(self.ledger, *place, owner=self.owner, now=now):
                came = self._copy(connector, wave, now)
                seeds.end_copy(self.ledger, *place, now, came)
                if came is None:
                    self._done.discard(wave)

    def _copy(self, connector: Connector, wave: int, now: datetime) -> Counter[str] | None:
        """The copies by what became of them; None where the connector was down, so that none was made."""
        try:
            made = self._print(wave, now)
            messages = [one for one in made if not isinstance(one, dict)]
            came = Counter({"missing_value": len(made) - len(messages)} if len(messages) < len(made) else {})
            self._keep_pace(connector, len(messages))
            came.update(str(receipt.outcome) for receipt in hand_over(connector, messages, now))
            return came
        except ConnectorDown:
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

    def _keep_pace(self, connector: Connector, many: int) -> None:
        rate = connector.capabilities().rate
        if rate and many:
            wall = self.wired.wall()
            time.sleep(max(0.0, (reserve(self.ledger, connector.name, many, rate, wall) - wall).total_seconds()))
