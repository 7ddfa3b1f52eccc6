"""Any table that is written by the rules is read back cell by cell."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from warehouse.loading.reading import read

CELLS = st.text(alphabet='ab;,\t| "\'é€0\n', max_size=6)
TABLES = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1,
                                                          max_size=8))


@given(table=TABLES, separator=st.sampled_from(";,\t|"), encoding=st.sampled_from(["utf-8-sig", "cp1252", "utf-16"]),
       end=st.sampled_from(["\n", "\r\n"]), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_round_trip(tmp_path_factory, table, separator, encoding, end, quoting):
    """Separators, quotes and line ends inside quoted cells come back as they were; no row is lost."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([["x", *"abcd"[:len(table[0]) - 1]], *[["1" + row[0], *row[1:]] for row in table]])
    path = tmp_path_factory.mktemp("trip") / "file.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    sheet = read(path)

    assert [list(row.values()) for row in sheet.cells.to_pylist()] == [["1" + row[0], *row[1:]] for row in table]
    assert sheet.broken == []
