"""One slice of one snapshot, read part by part."""

from warehouse.manifest import listed, parts_of
from warehouse.scan import query_of, scan

__all__ = ["Reading"]


class Reading:
    """What everybody who reads a slice needs: `n` is the moment, `mark` what had been read before."""

    def __init__(self, warehouse, slice: int, engine):
        self.warehouse, self.slice, self.engine = warehouse, slice, engine
        self.n = 0
        self.mark = 0

    def parts(self, tbl, *conditions, slice: int | None = -1):
        """Parts of the snapshot, of this slice unless another (None: all) is asked for."""
        with self.warehouse.ledger.read() as tx:
            return parts_of(tx, self.n, tbl, *conditions, slice=self.slice if slice == -1 else slice)

    def listed(self, tbl: str) -> bool:
        """Whether the snapshot holds parts of a table that were not read before."""
        with self.warehouse.ledger.read() as tx:
            return listed(tx, tbl, self.slice, self.mark, self.n)

    def scan(self, tbl: str, view: str, *conditions, constants: bool = True, slice: int | None = -1, parts=None) -> str:
        """A view over parts of the snapshot."""
        chosen = self.parts(tbl, *conditions, slice=slice) if parts is None else parts
        scan(self.engine, self.warehouse.store, chosen, tbl, view, constants)
        return view

    def query_of(self, tbl: str, name: str, parts, constants: bool = False) -> str:
        """The query of the rows of these parts, for who needs no view of them."""
        return query_of(self.engine, self.warehouse.store, parts, tbl, name, constants)
