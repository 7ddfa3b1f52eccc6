"""Other arms over the same waves: attribution claims in every world, the holdout only where there is something."""


import numpy as np
import pytest

from marketing.chance import draw
from reports.worlds import Field, _drawn
from tests.marts.shop import Shop


@pytest.fixture(scope="module")
def shop():
    """4,000 contacts in one chain with two touches; a fifth of them buy within six weeks, whatever is sent."""
    shop = Shop()
    shop.con.execute("""
        INSERT INTO enrolments SELECT (1::BIGINT << 36) + i, 'win_back', 1, 1, i,
            CASE WHEN i % 10 = 0 THEN 'holdout' ELSE 'treated' END, TIMESTAMP '1998-01-01', 'run1' FROM range(4000) AS t(i);
        INSERT INTO touches SELECT 'win_back', 1, 1, enrolment_id, contact_id, step, 1, 1, 'email', 'commercial', 'x',
            TIMESTAMP '1998-01-01' + to_days(day), 0.05, 'run1'
            FROM enrolments, (VALUES ('hello', 0), ('offer', 7)) AS s(step, day)
            WHERE arm = 'treated' AND (step = 'hello' OR contact_id % 2 = 0);
        INSERT INTO receipts SELECT 'win_back', wave, enrolment_id, contact_id, step, 1, 1, 'email', 'x', 'accepted', NULL,
            1, NULL, planned_at, 'run1' FROM touches;
        INSERT INTO orders SELECT i, 'o' || i, '1', TIMESTAMP '1998-01-01' + to_days((i % 40 + 1)::INTEGER),
            10 + i % 37, NULL, 'cd', 1, NULL FROM range(4000) AS t(i) WHERE i % 5 = (i // 7) % 5""")
    shop.wave(1)
    return shop


def test_many_draws_are_the_drawing_of_one():
    """The arrays draw the numbers that marketing.chance.draw() draws, also beyond 32 bits."""
    contacts = np.array([0, 1, 7, 2**20 + 3, 2**35 + 11], dtype=np.uint64)

    assert _drawn("win_back/holdout", contacts).tolist() == [draw("win_back/holdout", int(c)) for c in contacts]


def test_a_world_without_effect(shop):
    """Attribution claims most of what treated contacts bought; the holdout's interval holds zero nearly always."""
    draws = Field(shop.sql).draws(range(20))

    revenue = shop.rows("SELECT sum(amount) FROM orders")[0][0]
    assert all(found.planted == 0 and found.attributed > 0.5 * float(revenue) for found in draws)
    assert sum(found.covers for found in draws) >= 16
    assert len({found.lift.delta for found in draws}) == 20


def test_a_planted_effect_is_found(shop):
    """At the effect for 90 % power, the truth is covered, and most seeds see a gain."""
    field = Field(shop.sql)
    effect = field.effect_seen("win_back", 0.9)
    draws = field.draws(range(20), {"win_back": effect})

    assert np.mean([found.planted / found.lift.treated.n for found in draws]) == pytest.approx(effect, rel=0.1)
    assert sum(found.covers for found in draws) >= 16
    assert 12 <= sum(found.lift.low > 0 for found in draws) <= 20


def test_the_same_seed_is_the_same_world(shop):
    """A seed says everything: arms, effect, attribution."""
    assert Field(shop.sql).draw(3, {"win_back": 2.0}) == Field(shop.sql).draw(3, {"win_back": 2.0})


def test_attribution_is_last_touch_of_the_schedule(new_shop):
    """An order between touches goes to the earlier one; without any touch within the days it goes to nobody."""
    shop = new_shop()
    shop.wave(1)
    for contact in range(1, 9):
        shop.touch(shop.enrol(contact), day=2)
    shop.order(1, 1, "10")
    shop.order(2, 3, "100")
    shop.order(3, 32, "1000")
    held = {contact for contact in range(1, 9) if draw("win_back/holdout/world 1", contact) < 0.1}

    assert held == set()
    assert [found.attributed for found in Field(shop.sql).draw(1)] == [100.0]


def test_orders_that_were_planted_are_left_out(shop):
    """Without the orders named as planted, the world is that of the others."""
    named = [number for number, in shop.rows("SELECT order_id FROM orders WHERE contact_id < 2000")]
    spent = [units.revenue for units in Field(shop.sql, planted=named).units.values()][0]

    assert spent[:2000].sum() == 0 and spent[2000:].sum() > 0
    assert Field(shop.sql, planted=named).draw(0)[0].attributed < Field(shop.sql).draw(0)[0].attributed


def test_nobody_enrolled(shop, new_shop):
    """Without enrolments there is no world to draw."""
    assert Field(new_shop().sql).draw(0) == []
