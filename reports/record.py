"""A report as plain values for other programs: the same figures as the HTML, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from marketing.relation import Graph
from marketing.roi import Lift, Rate
from reports.comparison import Comparison
from reports.figures import ChainFigures, Figures
from reports.html import Report
from reports.worlds import Draw

__all__ = ["record"]

#: what is worked out from a value's fields and belongs in its record
_WORKED_OUT: Mapping[type, Sequence[str]] = {
    Lift: ("incremental", "incremental_low", "incremental_high", "enough"),
    Comparison: ("seen", "covering", "claiming"), Draw: ("covers",), ChainFigures: ("roi",), Rate: ("value",),
}


def record(report: Report) -> dict[str, Any]:
    """The report as values that JSON knows; graphs by their digest, numbers that are none as null."""
    return _plain(report)


def _plain(value: Any) -> Any:
    if isinstance(value, Graph):
        return {"chain": value.chain, "digest": value.digest}
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)] + list(_WORKED_OUT.get(type(value), ()))
        plain = {name: _plain(getattr(value, name)) for name in names}
        return plain | {"flow": _flow(value)} if isinstance(value, Figures) else plain
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _flow(figures: Figures) -> dict[str, list[dict[str, Any]]]:
    return {chain: [{"from": from_, "on": reason, "to": to, "moves": moves} for (from_, reason, to), moves in flow.items()]
            for chain, flow in figures.flow.items()}
