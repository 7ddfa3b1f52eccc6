"""The figures of a warehouse, read from its marts into plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing.roi import Balance, Lift, Moments, Rate, Roi, balance, effect_seen, lift, roi
from reports.worlds import Sql

__all__ = ["SHARED", "ChainFigures", "ChannelFigures", "Figures", "Pressure", "RefusalFigures", "RunFigures", "StepFigures",
           "WaveFigures", "read", "read_run"]

_SQL = Path(__file__).parent / "sql"
#: The views that several figures rest on, in their order: a snapshot that keeps them reads the figures twice as fast.
SHARED = ("enrolments", "touch_facts", "touch_heard", "enrolment_ends", "enrolment_outcomes", "attributed_revenue",
          "holdout_outcomes")


@dataclass(frozen=True, slots=True)
class ChainFigures:
    """One chain over all its waves; amounts in the house's currency, cost without fixed costs.

    `revenue_lift` and `margin_lift` are None without a holdout, `margin_lift` also where no margin is known;
    `seen` is the smallest true effect, summed over the treated, that the holdout finds nine times of ten.
    """

    chain: str
    waves: int
    enrolled: int
    treated: int
    held_out: int
    active: int
    ended: int
    reached: int
    responded: int
    goal: int | None
    planned: int
    sent: int
    dropped: int
    deferred: int
    cost: float
    attributed_orders: int
    attributed_revenue: float
    revenue_lift: Lift | None = None
    margin_lift: Lift | None = None
    seen: float | None = None
    balance: Balance | None = None
    mature_share: float | None = None

    @property
    def roi(self) -> Roi:
        """Return on investment from the holdout, never from attribution."""
        return Roi(None, None, None) if self.margin_lift is None else roi(self.margin_lift, self.cost)

    @property
    def response_rate(self) -> Rate:
        """Contacts who responded, of those a touch was made to."""
        return Rate(self.responded, self.reached)


@dataclass(frozen=True, slots=True)
class StepFigures:
    """The touches of one step and channel over all waves."""

    chain: str
    step: str
    channel: str
    planned: int
    pending: int
    not_made: int
    unknown: int
    sent: int
    bounced: int
    delivered: int
    unconfirmed: int
    clicked: int
    responded: int
    unsubscribed: int
    complained: int
    cost: float
    attributed_revenue: float

    @property
    def arrived(self) -> int:
        """Touches that were sent and did not bounce: what response and opt-out rates are shares of."""
        return self.sent - self.bounced

    @property
    def response_rate(self) -> Rate:
        return Rate(self.responded, self.arrived)

    @property
    def leaving_rate(self) -> Rate:
        return Rate(self.unsubscribed + self.complained, self.arrived)


@dataclass(frozen=True, slots=True)
class WaveFigures:
    """One wave with the run that enrolled it."""

    run: str
    run_name: str | None
    chain: str
    wave: int
    enrolled: int
    held_out: int
    sent: int
    active: int
    lives: bool
    goal: int | None
    cost: float
    attributed_revenue: float
    mature: bool | None
    lift: Lift | None


@dataclass(frozen=True, slots=True)
class RefusalFigures:
    """Touches refused for one reason; deferred ones come back by themselves."""

    chain: str
    stage: str
    reason: str
    rule: str
    refusals: int
    dropped: int
    deferred: int


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What a channel cost."""

    channel: str
    touches: int
    units: int
    cost: float
    cost_each: float | None


@dataclass(frozen=True, slots=True)
class Pressure:
    """Touches weighed by channel over all contacts, in the days before the figures' moment.

    `counts`: number of touches made -> contacts with that number.
    """

    window_days: int
    contacts: int
    touched: int
    p50: float
    p90: float
    p99: float
    most: float
    counts: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What one run itself did; all zero where it left no rows."""

    run: str
    chain: str
    enrolled: int = 0
    held_out: int = 0
    moved: int = 0
    planned: int = 0
    sent: int = 0
    dropped: int = 0
    deferred: int = 0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """All that a report shows of one moment.

    `flow`: by chain, (from step, reason, to step) -> moves; `standing`: by chain, step -> contacts there or ended there.
    """

    chains: tuple[ChainFigures, ...]
    steps: tuple[StepFigures, ...]
    waves: tuple[WaveFigures, ...]
    refusals: tuple[RefusalFigures, ...]
    channels: tuple[ChannelFigures, ...]
    pressure: tuple[Pressure, ...]
    flow: Mapping[str, Mapping[tuple[str, str, str], int]]
    standing: Mapping[str, Mapping[str, int]]

    def chain(self, name: str) -> ChainFigures:
        """One chain's figures; KeyError names the chains there are."""
        for found in self.chains:
            if found.chain == name:
                return found
        raise KeyError(f"no figures of chain {name!r}; there are {', '.join(c.chain for c in self.chains) or 'none'}")


def read(sql: Sql, chain: str | None = None) -> Figures:
    """The figures of one chain, or of all, as `sql` (a snapshot's) sees them; pressure is always that of everybody."""
    arms = _grouped(_rows(sql, "figures_arms", chain=chain), "chain")
    counts = _grouped(_rows(sql, "figures_counts"), "window_days")
    flow: dict[str, dict[tuple[str, str, str], int]] = {}
    for row in _rows(sql, "figures_flow", chain=chain):
        flow.setdefault(row["chain"], {})[row["from_step"], row["reason"], row["to_step"]] = row["moves"]
    standing: dict[str, dict[str, int]] = {}
    for row in _rows(sql, "figures_standing", chain=chain):
        standing.setdefault(row["chain"], {})[row["step"]] = row["contacts"]
    return Figures(
        chains=tuple(ChainFigures(**row, **_arms(arms.get(row["chain"], [])))
                     for row in _rows(sql, "figures_chains", chain=chain)),
        steps=tuple(StepFigures(**row) for row in _rows(sql, "figures_steps", chain=chain)),
        waves=tuple(_wave(row) for row in _rows(sql, "figures_waves", chain=chain)),
        refusals=tuple(RefusalFigures(**row) for row in _rows(sql, "figures_refusals", chain=chain)),
        channels=tuple(ChannelFigures(**row) for row in _rows(sql, "figures_channels", chain=chain)),
        pressure=tuple(Pressure(**row, counts={c["touches"]: c["contacts"] for c in counts[row["window_days"]]})
                       for row in _rows(sql, "figures_pressure")),
        flow=flow, standing=standing)


def read_run(sql: Sql, run: str, chain: str) -> RunFigures:
    """What one run did to one chain."""
    rows = _rows(sql, "figures_run", run=run, chain=chain)
    return RunFigures(**{**rows[0], "cost": float(rows[0]["cost"])}) if rows else RunFigures(run, chain)


def _rows(sql: Sql, name: str, **values: Any) -> list[dict[str, Any]]:
    return sql((_SQL / f"{name}.sql").read_text(encoding="utf-8"), **values).to_pylist()


def _grouped(rows: list[dict[str, Any]], key: str) -> dict[Any, list[dict[str, Any]]]:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def _moments(row: Mapping[str, Any] | None, what: str) -> Moments:
    if row is None:
        return Moments(0, 0.0, 0.0, 0)
    return Moments(row["contacts"], row[what], row[f"{what}_squares"], row["buyers"])


def _arms(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Lift, smallest visible effect and balance of the arms; nothing without a holdout."""
    if not rows:
        return {}
    by_arm = {row["arm"]: row for row in rows}
    pair = by_arm.get("treated"), by_arm.get("holdout")
    revenue = lift(*(_moments(row, "revenue") for row in pair))
    margins = all(row is None or row["margin"] is not None for row in pair)
    sizes = revenue.treated.n, revenue.holdout.n
    return {
        "revenue_lift": revenue,
        "margin_lift": lift(*(_moments(row, "margin") for row in pair)) if margins else None,
        "seen": None if revenue.error != revenue.error else effect_seen(revenue.error) * revenue.treated.n,
        "balance": balance(*sizes, rows[0]["holdout"]) if rows[0]["one_share"] else None,
        "mature_share": sum(row["mature_share"] * row["contacts"] for row in rows) / sum(sizes)}


def _wave(row: dict[str, Any]) -> WaveFigures:
    arms = [Moments(*(row.pop(f"{arm}_{part}") or 0 for part in ("n", "total", "squares", "buyers")))
            for arm in ("treated", "holdout")]
    has_both = all(arm.n for arm in arms)
    return WaveFigures(**row, lift=lift(*arms) if has_both else None)
