"""The sender: claims batches of one connector, hands them over, keeps their receipts; once only."""

import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from connectors.base import ConnectorDown, ErrorKind, Outcome, Outgoing, Receipt
from marketing.responses import CANCELLED, NOT_CANCELLED, Response
from marketing.touch import sealer
from outbox.environment import Bounds
from outbox.pacing import reserve
from outbox.settling import Fates, by_instant, settled, together
from outbox.work import Work
from warehouse import outbox
from warehouse.cancelling import mark_cancelled, to_cancel
from warehouse.failpoints import reach
from warehouse.inbox import Inbox, to_json
from warehouse.outbox import Batch
from warehouse.stops import stop, stopped, withdrawn
from warehouse.versions import all_chains, versions_of
from warehouse.withdrawing import withdraw

__all__ = ["Sender"]

#: Batches leased and rendered together: about twenty thousand touches.
AT_ONCE = 20
#: Errors that concern every message of a connector: it stops, and says what to mend.
STOPS = (ErrorKind.CONFIG, ErrorKind.CREDIT)
_AGAIN = (Outcome.RETRY, Outcome.THROTTLED)
_LONGEST_PAUSE = timedelta(hours=1)
#: Seconds between two looks for a stop, of who waits for the connector's pace.
_LOOK = 1.0


class Sender:
    """Drains one connector's batches; any number of senders may do so at once, in any number of processes."""

    def __init__(self, wired, connector: str, *, run: str, as_of: datetime):
        self.wired, self.ledger = wired, wired.warehouse.ledger
        self.name, self.run, self.as_of = connector, run, as_of
        self.connector = wired.connectors[connector]
        self.bounds = Bounds(wired, connector)
        self.can, self.lease = self.bounds.narrowed(self.connector.capabilities()), wired.lease
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self.counts: Counter[str] = Counter()

    def drain(self, *, seconds: float | None = None, of_run: str | None = None, tell=None) -> Counter[str]:
        """Send until nothing is ready, or the seconds are over; returns touches by outcome."""
        until = None if seconds is None else time.monotonic() + seconds
        self.take_back()
        withdraw(self.ledger, self.as_of)
        while not stopped(self.ledger, self.name) and (until is None or time.monotonic() < until):
            batches = outbox.claim_lapsed(self.ledger, self.name, owner=self.owner, wall=self.wired.wall(), lease=self.lease,
                                          stopped=not (self.can.idempotent or self.can.uniform))
            if batches:
                self._resolve(batches)
                continue
            if self.bounds.full():
                break
            batches = outbox.claim(self.ledger, self.name, owner=self.owner, now=self.as_of, wall=self.wired.wall(),
                                   most=AT_ONCE if self.can.renders else 10_000, lease=self.lease, run=of_run,
                                   calling=self.can.uniform)
            if not batches:
                break
            reach("send.claimed")
            if not self._send(batches):
                break
            if tell:
                tell(self.counts)
        return self.counts

    def take_back(self) -> int:
        """Cancel what still can be of those who left by goal or exit; what came of it is a response to each touch."""
        if not self.can.cancel:
            return 0
        warehouse = self.wired.warehouse
        touches, moment = to_cancel(warehouse, self.name, all_chains(self.ledger))
        seal = sealer(warehouse.key)
        keys = [seal(t.enrolment_id, t.step_no, t.visit, t.leg) for t in touches]
        if keys:
            answers = self.connector.cancel(keys)
            self._tell(keys, answers)
        mark_cancelled(warehouse, self.name, moment)
        return len(keys)

    def _tell(self, keys: Sequence[str], answers) -> None:
        box = Inbox(self.wired.warehouse)
        try:
            for key in keys:
                kind = CANCELLED if answers.get(key) else NOT_CANCELLED
                said = Response(f"{key}/cancel", kind, self.as_of, self.as_of, key, None, None, machine=True)
                box.put(self.name, said.dedup, to_json(said), self.as_of)
        finally:
            box.close()

    # Sending --------------------------------------------------------------------------------------------

    def _send(self, batches: Sequence[Batch]) -> bool:
        """Hand over batches of one touches part; False when the connector is down."""
        if self.can.uniform:
            return self._send_alike(batches)
        work = Work(self, batches)
        try:
            for position, batch in enumerate(batches):
                try:
                    outbox.hold(self.ledger, batch)  # before a thousand messages are rendered for nothing
                    self._send_one(work, batch)
                except outbox.Held:
                    self.counts["given_back"] += outbox.give_back(self.ledger, [batch], not_before=None)
                except ConnectorDown as down:
                    self._down(batches[position:], down)
                    return False
            return True
        finally:
            work.close()

    def _send_alike(self, batches: Sequence[Batch]) -> bool:
        receipt = self.connector.send_uniform(sum(batch.rows for batch in batches), self.as_of)
        reach("send.handed_over")
        result = {"outcome": str(receipt.outcome), "units": receipt.units, "settled_at": self.as_of.isoformat()}
        outbox.settle_uniform(self.ledger, batches, result, now=self.as_of, sent_by=self.run)
        self.counts[str(receipt.outcome)] += sum(batch.rows for batch in batches)
        return True

    def _send_one(self, work: Work, batch: Batch) -> None:
        fates, waiting, outgoing, positions = work.ready(batch)
        receipts, down = self._hand_over(batch, outgoing)
        if receipts is None:
            return  # somebody else has taken it over: its touches are theirs to resolve
        reach("send.handed_over")
        again = self._book(batch, positions[:len(receipts)], receipts, fates)
        if stopped_here := positions[len(receipts):]:
            again.append((self.as_of, np.array(stopped_here, np.int32), batch.sending_at))
        self.bounds.give_back(sum(len(rows) for _, rows, _ in again))
        again += [(instant, rows, batch.sending_at) for instant, rows in by_instant(waiting).items()]
        kept = outbox.settle(self.ledger, batch, fates.results(batch.rows), now=self.as_of, sent_by=self.run, again=again)
        if kept:
            self.counts.update(fates.counts())
        reach("send.settled")
        work.copies.follow(batch, outgoing, receipts)
        if down:
            raise down

    def _hand_over(self, batch: Batch, outgoing: list[Outgoing]) -> tuple[list[Receipt] | None, ConnectorDown | None]:
        """Call the provider, the lease and the stops checked before each call; None once the batch is somebody else's.

        A connector that goes down between two calls has made the first: only the rest waits. Of a batch that is stopped
        between two calls there are receipts of what was handed over. Raises Held where that is nothing.
        """
        receipts: list[Receipt] = []
        for first in range(0, len(outgoing), self.can.max_batch):
            some = outgoing[first:first + self.can.max_batch]
            try:
                self._keep_pace(batch, len(some))  # before the lease is looked at: who waited long may have lost it
                if not outbox.renew(self.ledger, batch, now=self.as_of, wall=self.wired.wall(), lease=self.lease):
                    return None, None
                receipts += self.connector.send(some, self.as_of)
            except outbox.Held:
                if not receipts:
                    self.bounds.give_back(len(outgoing))
                    raise
                return receipts, None
            except ConnectorDown as down:
                if not receipts:
                    self.bounds.give_back(len(outgoing))
                    raise
                waits = Receipt(Outcome.RETRY, error=down.error, retry_after=down.retry_after, units=0)
                return receipts + [waits] * (len(outgoing) - len(receipts)), down
        return receipts, None

    def _keep_pace(self, batch: Batch, touches: int) -> None:
        """Wait for this call's place in the connector's pace. Raises Held, within a second, where the batch is stopped."""
        if self.can.rate:
            wall = self.wired.wall()
            start = reserve(self.ledger, self.name, touches, self.can.rate, wall)
            until = time.monotonic() + max(0.0, (start - wall).total_seconds())
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, _LOOK))
                if left > _LOOK:
                    outbox.hold(self.ledger, batch)

    def _book(self, batch: Batch, positions: list[int], receipts: Sequence[Receipt], fates: Fates) -> list:
        """Receipts that settle go to `fates`; the rest is returned as rows to hand over again, by instant."""
        again: dict[datetime, list[int]] = {}
        for some, receipt in together(positions, receipts):
            if receipt.outcome in _AGAIN:
                again.setdefault(self._pause(batch, receipt.retry_after), []).extend(some)
            else:
                fates.add(some, settled(receipt, receipt.happened_at or self.as_of))
            if receipt.error in STOPS:
                stop(self.ledger, self.name, f"{receipt.error}: {receipt.code or ''} {receipt.detail or ''}".strip())
        return [(instant, np.array(rows, np.int32), batch.sending_at) for instant, rows in again.items()]

    def _pause(self, batch: Batch, retry_after: float | None) -> datetime:
        if retry_after is not None:
            return self.as_of + timedelta(seconds=retry_after)
        return self.as_of + min(_LONGEST_PAUSE, timedelta(minutes=2 ** min(batch.attempt, 6)))

    def _down(self, batches: Sequence[Batch], down: ConnectorDown) -> None:
        """Nothing of these batches was sent: they wait; a broken set-up stops the connector until it is mended."""
        self.counts["given_back"] += outbox.give_back(
            self.ledger, batches, not_before=self._pause(batches[0], down.retry_after))
        if down.error in STOPS:
            stop(self.ledger, self.name, f"{down.error}: {down}")

    # Unknown outcomes -----------------------------------------------------------------------------------

    def _resolve(self, batches: Sequence[Batch]) -> None:
        """Batches whose sender fell silent while they were with the provider."""
        gone = withdrawn(self.ledger)
        for batch in batches:
            step = _step(self.ledger, batch)
            if (self.can.idempotent or self.can.uniform or step.at_least_once) and batch.wave not in gone:
                self._send([batch])  # the same tokens: the provider makes each once, or the chain has chosen so
            elif self.can.lookup:
                self._look_up(batch)
            else:
                result = {"outcome": "unknown", "units": 0, "settled_at": (batch.sending_at or self.as_of).isoformat()}
                outbox.settle(self.ledger, batch, result, now=self.as_of, sent_by=self.run)
                self.counts["unknown"] += batch.rows

    def _look_up(self, batch: Batch) -> None:
        """Ask the provider what became of each token: what it has surely never seen is handed over again."""
        work = Work(self, [batch])
        try:
            keys = work.keys(batch)
            found = self.connector.lookup(list(keys))
            silent = Receipt(Outcome.UNKNOWN, units=0)
            answers = {position: found.get(key, silent) for key, position in keys.items()}
            unseen = [position for position, answer in answers.items() if answer.outcome in _AGAIN]
            fates = Fates()
            for position, answer in answers.items():
                if answer.outcome not in _AGAIN:
                    fates.add([position], settled(answer, answer.happened_at or batch.sending_at))
            again = [(self.as_of, np.array(unseen, np.int32), None)] if unseen else []
            outbox.settle(self.ledger, batch, fates.results(batch.rows), now=self.as_of, sent_by=self.run, again=again)
            self.counts.update(fates.counts())
        finally:
            work.close()


def _step(ledger, batch: Batch):
    return next(v.graph.step(batch.step) for v in reversed(versions_of(ledger, batch.chain))
                if any(step.name == batch.step for step in v.graph.steps))
