"""A pass: settle, enrol, and every step once in written order, over one chain and slice, as sets."""

from warehouse.passing.slice_pass import SlicePass

__all__ = ["SlicePass"]
