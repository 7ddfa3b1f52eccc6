"""The same waves and orders with other arms and other effects: what attribution and the holdout would have said."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from marketing.chance import MASK, fmix32, holdout_salt, salt32
from marketing.roi import Lift, Moments, effect_seen, lift

__all__ = ["Draw", "Field", "Sql"]

#: how a query is asked: text with $names, and their values; `snap.sql` of a warehouse's snapshot is one
Sql = Callable[..., pa.Table]
_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Draw:
    """One chain under one seed: what attribution claims, what the holdout finds, and what was planted.

    `attributed` and `planted` are sums of revenue over the treated.
    """

    chain: str
    seed: int
    attributed: float
    lift: Lift
    planted: float

    @property
    def covers(self) -> bool:
        """Whether the holdout's interval holds the truth."""
        return self.lift.covers(self.planted / self.lift.treated.n if self.lift.treated.n else 0.0)


@dataclass(frozen=True)
class _Units:
    """The contacts enrolled in one chain, with what they bought without any effect."""

    contacts: np.ndarray
    revenue: np.ndarray
    share: float


class Field:
    """The waves, orders and schedules of a warehouse, read once; any number of worlds are drawn over them.

    Reads the views `enrolments` and `goals` and the marts `order_lines` and `step_schedule` through `sql`. The orders are taken
    as what would have happened anyway: whoever planted some in them names these in `planted`, by order id.
    """

    def __init__(self, sql: Sql, attribution_days: int = 30, planted: Iterable[str] = ()):
        planted = list(planted)
        units = _columns(sql(_text("world_units"), planted=planted))
        self.units = {chain: _Units(units["contact_id"][own].astype(np.uint64), units["revenue"][own],
                                    float(units["holdout"][own][0]))
                      for chain in np.unique(units["chain"]).tolist() for own in [units["chain"] == chain]}
        credits = _columns(sql(_text("world_credits"), days=attribution_days, planted=planted))
        self.orders = _numbered(credits["contact_id"], credits["order_id"])
        self.amounts = credits["amount"]
        self.credits = credits
        occasions = [f"{c}/{s}/{w}" for c, s, w in zip(credits["chain"], credits["step"], credits["wave"], strict=True)]
        self.occasions, self.occasion = np.unique(np.array(occasions, dtype=str), return_inverse=True)
        spent = np.concatenate([units.revenue[units.revenue > 0] for units in self.units.values()] or [np.zeros(0)])
        #: what an order that is planted may be worth: what contacts really spent
        self.purse = np.sort(spent)

    def effect_seen(self, chain: str, power: float = 0.9) -> float:
        """The effect per treated contact that the chain's holdout sees with this power, from what was bought anyway.

        Raises KeyError for a chain without a holdout or without enrolments.
        """
        units = self.units[chain]
        n, spread = len(units.contacts), float(np.var(units.revenue, ddof=1))
        return effect_seen(sqrt(spread / (n * (1 - units.share)) + spread / (n * units.share)), power)

    def draw(self, seed: int, effects: Mapping[str, float] | None = None) -> list[Draw]:
        """One world: arms drawn anew for every chain, and extra orders worth `effects[chain]` per treated contact.

        A chain that `effects` does not name has none. Attribution credits an order to the last touch before it.
        """
        effects = effects or {}
        treated = {chain: _drawn(f"{holdout_salt(chain)}/world {seed}", units.contacts) >= units.share
                   for chain, units in self.units.items()}
        credited = self._credited(seed, treated)
        return [self._measure(chain, seed, treated[chain], effects.get(chain, 0.0), credited.get(chain, 0.0))
                for chain in self.units]

    def draws(self, seeds: Iterable[int], effects: Mapping[str, float] | None = None) -> list[Draw]:
        """The worlds of many seeds, seed by seed."""
        return [found for seed in seeds for found in self.draw(seed, effects)]

    def _measure(self, chain: str, seed: int, treated: np.ndarray, effect: float, credited: float) -> Draw:
        units = self.units[chain]
        extra = self._planted(chain, seed, effect)
        outcome = units.revenue + np.where(treated, extra, 0.0)
        planted = float(extra[treated].sum())
        return Draw(chain, seed, credited + planted, lift(_moments(outcome[treated]), _moments(outcome[~treated])), planted)

    def _planted(self, chain: str, seed: int, effect: float) -> np.ndarray:
        """What each contact would buy more, if treated: at most one order more, worth what others spent."""
        contacts = self.units[chain].contacts
        if not effect or not len(self.purse):
            return np.zeros(len(contacts))
        chance = effect / float(self.purse.mean())
        buys = _drawn(f"{chain}/planted/{seed}", contacts) < chance
        which = (_drawn(f"{chain}/amount/{seed}", contacts) * len(self.purse)).astype(int)
        return np.where(buys, self.purse[which], 0.0)

    def _credited(self, seed: int, treated: Mapping[str, np.ndarray]) -> dict[str, float]:
        """By chain, the orders whose last touch that was made is the chain's."""
        credits = self.credits
        salts = np.array([salt32(f"{text}/{seed}") for text in self.occasions], dtype=np.uint64)
        if not len(salts):
            return {}
        made = _spread(credits["contact_id"].astype(np.uint64), salts[self.occasion]) < credits["reach"]
        for chain, units in self.units.items():
            own = credits["chain"] == chain
            place = np.searchsorted(units.contacts, credits["contact_id"][own].astype(np.uint64))
            made[own] &= treated[chain][place]
        orders, chains, amounts = self.orders[made], credits["chain"][made], self.amounts[made]
        # rows are sorted by order, then time: the last row of an order is its last touch
        last = np.append(orders[1:] != orders[:-1], True)[:len(orders)]
        return {chain: float(amounts[last & (chains == chain)].sum()) for chain in self.units}


def _text(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _columns(table: pa.Table) -> dict[str, Any]:
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def _numbered(*columns: np.ndarray) -> np.ndarray:
    """A number for each run of equal rows, in the order of the rows."""
    if not len(columns[0]):
        return np.zeros(0, dtype=np.int64)
    changed = np.zeros(len(columns[0]), dtype=bool)
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.cumsum(changed)


def _moments(outcome: np.ndarray) -> Moments:
    return Moments(len(outcome), float(outcome.sum()), float((outcome * outcome).sum()), int((outcome > 0).sum()))


def _drawn(salt: str, contacts: np.ndarray) -> np.ndarray:
    """marketing.chance.draw() of many contacts."""
    return _spread(contacts, np.uint64(salt32(salt)))


def _spread(contacts: np.ndarray, salts: np.ndarray | np.uint64) -> np.ndarray:
    folded = (contacts ^ (contacts >> np.uint64(32))) & np.uint64(MASK)
    return fmix32(folded ^ salts) / 2.0**32
