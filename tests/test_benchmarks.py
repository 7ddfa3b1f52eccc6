"""The benchmarks' floor and the engine do the same work."""

import pytest

from benchmarks.measure import measured


@pytest.mark.prove
def test_floor_and_engine_leave_the_same_relation(tmp_path):
    """Touches, refusals with their reasons, and final places of the plain program are those of the engine."""
    folder = str(tmp_path)
    measured("benchmarks.passes:prepare", folder=folder, contacts=3000)
    measured("benchmarks.passes:plain", folder=folder, contacts=3000, out=f"{folder}/floor_out")
    engine = measured("benchmarks.passes:engine", folder=folder, contacts=3000, rendering=True, out=f"{folder}/engine_out")
    rows = measured("benchmarks.passes:compare", ours=f"{folder}/engine_out", theirs=f"{folder}/floor_out")["result"]
    assert rows == {"touches": engine["result"]["sent"], "refusals": rows["refusals"], "places": 3000}
    assert engine["result"]["letters"] > 3000 * 9000
