"""Chance: the same numbers in Python and in SQL, evenly spread, independent between salts."""

from collections import Counter

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.chance import DRAW_SQL, cuts, draw, experiment_salt, fmix32, holdout_salt, in_share, pick, salt32

CONTACTS = st.integers(0, 2**63 - 1)


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as con:
        con.execute(DRAW_SQL)
        yield con


def test_the_numbers_are_fixed_for_ever():
    """A new release draws the same arms: these values are in people's ledgers."""
    assert salt32("house/holdout") == 0x0B34A234
    assert [fmix32(x) for x in (0, 1, 2**32 - 1)] == [0, 0x514E28B7, 0x81F16F39]
    assert draw("reactivate_lapsed/holdout", 42) == 2926245638 / 2**32


@given(st.lists(CONTACTS, min_size=1, max_size=50), st.text(max_size=20))
def test_sql_draws_exactly_what_python_draws(con, contacts, salt):
    """Every contact draws the same number in a query as in Python, to the last bit."""
    rows = con.execute("SELECT draw($salt, c) FROM (SELECT unnest($contacts::UBIGINT[]) AS c)",
                       {"salt": salt32(salt), "contacts": contacts}).fetchall()

    assert [row[0] for row in rows] == [draw(salt, contact) for contact in contacts]


def test_sql_takes_the_ids_of_any_whole_number_column(con):
    """BIGINT and UBIGINT columns draw alike, over a range that crosses 32 bits."""
    ids = [0, 1, 2**31, 2**32 - 1, 2**32, 2**40 + 7]
    for kind in ("BIGINT", "UBIGINT"):
        rows = con.execute(f"SELECT draw($salt, c) FROM (SELECT unnest($ids::{kind}[]) AS c)",
                           {"salt": salt32("s"), "ids": ids}).fetchall()

        assert [row[0] for row in rows] == [draw("s", i) for i in ids]


def test_draws_are_spread_evenly():
    """100,000 neighbouring contacts fall evenly into 20 bins (chi-square below its 99.99 % point, 50.8)."""
    n, bins = 100_000, 20
    counts = Counter(int(draw(holdout_salt("loyalty_six_contacts"), contact) * bins) for contact in range(n))
    chi_square = sum((counts[b] - n / bins) ** 2 / (n / bins) for b in range(bins))

    assert chi_square < 50.8


def test_salts_are_independent():
    """Being in one chain's holdout says nothing of another's: the four cells are as full as chance makes them."""
    n = 100_000
    cells = Counter((in_share("a/holdout", c, 0.5), in_share("b/holdout", c, 0.5)) for c in range(n))

    assert sum((cells[one, two] - n / 4) ** 2 / (n / 4) for one in (0, 1) for two in (0, 1)) < 21.1


def test_an_experiment_fills_its_shares_in_written_order():
    """Variants get their shares, and the last variant takes what rounding left over."""
    shares = {"short": 0.2, "long": 0.5, "plain": 0.3}
    counts = Counter(pick(experiment_salt("chain", "subject"), c, shares) for c in range(50_000))

    assert list(dict(cuts(shares))) == ["short", "long", "plain"]
    assert cuts(shares)[-1] == ("plain", 1.0)
    assert all(abs(counts[v] / 50_000 - s) < 0.01 for v, s in shares.items())


@given(CONTACTS, st.integers(2, 12))
def test_everybody_draws_a_variant(contact, n):
    """Equal shares that do not add up to 1 in binary still leave nobody without a variant."""
    shares = {str(i): 1 / n for i in range(n)}

    assert pick("s", contact, shares) in shares


def test_salts_name_what_is_drawn():
    """Chain, wave and step are part of the salt."""
    assert [holdout_salt("c"), holdout_salt("c", 3), experiment_salt("c", "s")] == ["c/holdout", "c/holdout/3", "c/s"]
