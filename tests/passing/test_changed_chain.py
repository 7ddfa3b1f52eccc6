"""A chain that is changed while people stand on every step: nobody lost, nobody written to twice, the impact told right."""

import pytest

from tests.passing.changing import CASES, STANDING
from warehouse.migrating import Moved


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


def test_the_impact_is_told_right(here, case):
    """What is otherwise, who stands where, where they would go, and which step with people is gone without a word."""
    found = here.becomes(case.changed, case.asked)

    (standing,) = found.versions
    assert standing.difference == case.told
    assert {stand.step: stand.contacts for stand in standing.stands} == STANDING
    assert sorted(stand.step for stand in found.unmapped) == sorted(case.lost)
    assert here.impact(**case.mapping).unmapped == []
    assert {stand.step: stand.goes for stand in here.impact(**case.mapping).versions[0].stands if stand.goes != stand.step} == {
        **case.goes, **{step: None for step, why in case.stays.items() if why == "held_out"}}


def test_nobody_is_lost_who_stays(here, case):
    """Without a migration everybody finishes in the version they entered by; nobody is written to twice."""
    here.becomes(case.changed, case.asked)

    account = here.goes_on()

    assert (account.entered, account.active) == (56, 0)
    assert {version for version, _ in here.stands()} == {1}


def test_nobody_is_lost_who_is_moved_along(here, case):
    """With one everybody moves along, once, but for whom the new order would write to again; nobody is written to twice."""
    here.becomes(case.changed, case.asked)

    moved = here.migrates(case.mapping)
    again = here.migrates(case.mapping)
    touched_before = here.touches()

    assert moved == [Moved(1, step, case.goes.get(step, None if case.stays.get(step) == "held_out" else step), many,
                           case.stays.get(step, "")) for step, many in sorted(STANDING.items())]
    assert again == [one for one in moved if one.stays]
    arrived = {}
    for step, many in STANDING.items():
        place = (1, step) if step in case.stays else (2, case.goes.get(step, step))
        arrived[place] = arrived.get(place, 0) + many
    assert here.stands() == {(1, "exit:clicked"): 1, **arrived}

    account = here.goes_on()
    assert (account.entered, account.active) == (56, 0)
    assert [touch for touch in touched_before if touch not in here.touches()] == []
    greeted = "SELECT contact_id FROM touches WHERE step IN ('hello', 'welcome') GROUP BY ALL HAVING count(*) > 1"
    assert here.rows(greeted) == []
