"""A rehearsal with the true rates of invented people against what they do: touches, cost and calls, under twenty seeds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.registry import connect
from flows import recipe
from marketing.chain import CLICKED, COMMERCIAL, NOT_SENT, Chain, Send, WaitFor, days
from marketing.rates import Past
from marketing.summary import Summary
from tasks.forecasting import forecast_of
from tests.passing.shop import START, Shop
from warehouse import rehearsed
from warehouse.rating import past
from warehouse.versions import newest

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1800), pytest.mark.xdist_group("prove_forecast")]

SEEDS = range(1, 21)
#: Contacts of a world, and of the world in which the true rates are counted.
CONTACTS, MANY = 500, 6_000
#: A pass a day for so many days: then everybody has left.
DAYS = 22
#: Of twenty 95 % intervals one is expected to miss; four or more miss in 1.6 % of cases.
HELD = 17
CHANNELS = {"mail": "email", "text": "sms", "agenda": "phone", "print": "post"}

CHAIN = Chain(
    name="proving", title="Proving", kind="loyalty", audience="everybody", steps=[
        Send("hello", by="email", message="hello", purpose=COMMERCIAL),
        WaitFor("answer", within=days(7), on={
            CLICKED: [Send("call", by="phone", message="call", purpose=COMMERCIAL)],
            NOT_SENT: [Send("letter", by="post", message="letter", purpose=COMMERCIAL)],
        }, otherwise=[Send("text", by="sms", message="text", purpose=COMMERCIAL)]),
        WaitFor("last", within=days(7), on={"appointment": [Send("confirm", by="email", message="confirm", purpose=COMMERCIAL)]},
                otherwise=[Send("reminder", by="email", message="reminder", purpose=COMMERCIAL)]),
    ])


class World(Shop):
    """A shop whose channels lead to invented people; one contact in eight has no e-mail address, one in five no phone."""

    def __init__(self, home, monkeypatch, seed: int, contacts: int):
        home.mkdir()
        super().__init__(home, monkeypatch, CHAIN)
        people = {name: connect("simulator", name, {"path": home / "people", "channel": channel, "seed": seed, "effect": 3})
                  for name, channel in CHANNELS.items()}
        self.wired = replace(self.wired, connectors=people)
        self.contacts(*({"contact_id": n, **({"email": None} if n % 8 == 0 else {}), **({"phone": None} if n % 5 == 0 else {})}
                        for n in range(1, contacts + 1)))
        for channel in CHANNELS.values():
            self.put("consents", *({"contact_id": n, "channel": channel, "purpose": "commercial", "status": "granted",
                                    "happened_at": START - timedelta(days=1)} for n in range(1, contacts + 1)))

    def foretold(self, known: Past, seed: int):
        """The rehearsal of this world, whose people it cannot know."""
        def one_pass(stage, run: str, enrolling: bool) -> Summary:
            return recipe.run_pass(stage, "proving", options=recipe.RunOptions(rehearse=True), run=run, enrolling=enrolling)

        return forecast_of(self.wired, CHAIN, one_pass, until=START + timedelta(days=DAYS), run=f"rehearsal-{seed}", known=known,
                           seed=seed)

    def live(self):
        """What really happens; the touches that were planned."""
        for day in range(DAYS + 1):
            self.warehouse.clock.advance(START + timedelta(days=day))
            recipe.run_pass(self.wired, "proving", run=f"day-{day}")
        return rehearsed.planned(self.warehouse.ledger, newest(self.warehouse.ledger, "proving").chain, 0)

    def close(self) -> None:
        for connector in self.wired.connectors.values():
            connector.close()
        self.warehouse.close()


@pytest.fixture(scope="module")
def true_rates(tmp_path_factory) -> Past:
    """The rates of the people, counted in a world twelve times as large under a seed of its own."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(tmp_path_factory.mktemp("rates") / "world", patch, 99, MANY)
        world.live()
        world.warehouse.clock.advance(START + timedelta(days=DAYS + 60))
        recipe.run_pass(world.wired, "proving", run="late")
        counted = past(world.warehouse, world.warehouse.clock.now())
        world.close()
        return counted


def test_a_rehearsal_foretells(true_rates, tmp_path, monkeypatch, note):
    """With true rates the intervals of touches, cost and calls hold what happens in at least seventeen worlds of twenty."""
    held = {"touches": 0, "cost": 0, "calls": 0}
    for seed in SEEDS:
        world = World(tmp_path / str(seed), monkeypatch, seed, CONTACTS)
        told, happened = world.foretold(true_rates, seed), world.live()
        world.close()
        real = {"touches": sum(happened.touches.values()), "cost": float(sum(happened.cost.values())),
                "calls": sum(many for (_, channel), many in happened.touches.items() if channel == "phone")}
        said = {"touches": told.whole, "cost": told.cost, "calls": told.channels["phone"]}
        row = {}
        for name in held:
            held[name] += said[name].holds(real[name])
            row |= {name: round(real[name]), f"{name} from": round(said[name].low), f"{name} to": round(said[name].high)}
        note("a rehearsal against life", f"seed {seed}", row)

    assert min(held.values()) >= HELD, held
