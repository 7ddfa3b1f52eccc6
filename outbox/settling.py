"""Settle: what became of the touches of a batch, the same for many of them as a rule."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

import numpy as np
import pyarrow as pa

from connectors.base import Receipt
from warehouse.outbox import RESULT

__all__ = ["Fates", "by_instant", "settled", "together"]


class Fates:
    """Positions of a batch with what became of them; neighbours with the same fate are kept as one."""

    def __init__(self):
        self._groups: list[tuple[list[int], dict]] = []

    def add(self, positions: Iterable[int], fate: dict) -> None:
        """Of these positions became `fate`: outcome, units, settled_at, and of RESULT what else there is."""
        if not self._groups or self._groups[-1][1] != fate:
            self._groups.append(([], fate))
        self._groups[-1][0].extend(positions)

    def counts(self) -> Counter[str]:
        """Touches by outcome."""
        counted: Counter[str] = Counter()
        for positions, fate in self._groups:
            counted[fate["outcome"]] += len(positions)
        return counted

    def results(self, rows: int) -> pa.Table | dict:
        """The receipts as they are kept: one for all, where every row of the batch has the same, else one each."""
        if len(self._groups) == 1:
            positions, fate = self._groups[0]
            if len(positions) == rows and "reason" not in fate:
                return fate
        each = [len(positions) for positions, _ in self._groups]
        columns = [[position for positions, _ in self._groups for position in positions]]
        columns += [[value for (_, fate), n in zip(self._groups, each) for value in [fate.get(name)] * n]
                    for name in RESULT.names[1:]]
        return pa.table([pa.array(column, field.type) for column, field in zip(columns, RESULT)], schema=RESULT)


def settled(receipt: Receipt, settled_at: datetime) -> dict:
    """The fate that a receipt says."""
    return {"outcome": str(receipt.outcome), "error": receipt.error and str(receipt.error), "units": receipt.units,
            "cost": receipt.cost, "settled_at": settled_at, "provider_id": receipt.provider_id}


def together(positions: Sequence[int], receipts: Sequence[Receipt]) -> Iterator[tuple[list[int], Receipt]]:
    """Neighbours with the very same receipt, and that receipt."""
    if len(positions) != len(receipts):
        raise ValueError(f"{len(receipts)} receipts answer {len(positions)} touches; a connector gives one each")
    first = 0
    for _, same in groupby(receipts, id):
        last = first + sum(1 for _ in same)
        yield positions[first:last], receipts[first]
        first = last


def by_instant(waiting: Mapping[int, datetime]) -> dict[datetime, np.ndarray]:
    """What waits, as rows by the instant until which they do."""
    groups: dict[datetime, list[int]] = {}
    for position, instant in waiting.items():
        groups.setdefault(instant, []).append(position)
    return {instant: np.array(rows, np.int32) for instant, rows in groups.items()}
