"""Seeds: people of the house get a copy of each live message, once a wave, step and channel, and are in no figure."""

from datetime import timedelta

import pytest

from connectors.base import ConnectorDown, ErrorKind
from marketing.addresses import NotAnAddress
from marketing.chain import TRANSACTIONAL, Chain, Delay, Exit, GoTo, Send, days
from marketing.postal import postal
from marketing.touch import PROOF, SEED, no_touch
from outbox.sender import Sender
from tests.passing.shop import START
from tests.passing.speaking import BY, EVERY, speaking, taken
from warehouse import journal, seeds
from warehouse.stops import end, order

ME = journal.Who("me")
POST = {"address_1": "9 quai Bas", "address_2": None, "postcode": "67000", "city": "Strasbourg", "country": "FR"}
ALL = {"email": "zoe@house.example", "phone": "+33600000009", "post": POST}
FALLS = Chain(name="falls", title="falls", kind="transactional", audience="everybody", reenter_after=days(1), steps=[
    Send("hi", by="email", message="hi", purpose=TRANSACTIONAL), Delay(days(1)), GoTo("hi", at_most=2, then=[Exit("done")])])


@pytest.fixture
def shop(tmp_path, monkeypatch):
    made = []

    def opening(*chains, **settings):
        made.append(speaking(tmp_path, monkeypatch, *chains, **settings))
        return made[-1]

    yield opening
    for one in made:
        one.warehouse.close()


def seeded(shop, *names: str, **addresses):
    now = shop.warehouse.clock.now()
    return [seeds.add(shop.warehouse.ledger, ME, name, "fr", addresses or ALL, now=now) for name in names]


def copied(channel: str) -> list:
    return [touch for touch in taken(channel) if "copy" in touch.tags]


def people(shop, *numbers: int) -> None:
    shop.contacts(*({"contact_id": n, "first_name": f"Prénom{n}", "last_name": f"Nom{n}", "city": "Metz"} for n in numbers))


@pytest.mark.parametrize("channel", BY)
def test_one_copy_and_nothing_of_a_customer(shop, channel):
    """Each seed gets one copy by each channel, as it left and marked in a tag; nothing in it is of a contact there is."""
    house = shop(EVERY)
    people(house, 1, 2, 3)
    seeded(house, "zoe", "max")
    house.passes("every")

    copies = copied(channel)
    assert [(one.tags["copy"], one.tags["step"], one.tags["wave"], one.contact_id) for one in copies] == [
        ("seed", f"by_{channel}", "1", 0)] * 2
    text = " ".join(" ".join([*one.content.values(), one.address]) for one in copies)
    assert not any(word in text for word in ("Prénom", "Nom", "c1@", "c2@", "c3@", "+3361", "rue Haute", "[TEST]"))
    if channel == "post":
        assert "zoe 9 quai Bas 67000 Strasbourg" in copies[1].content["html"] and "12 rue des Lilas" not in text
    assert len(taken(channel)) == 3 + 2


def test_seeds_are_in_no_figure(shop):
    """Touches, receipts, costs and pressure are those of the contacts alone; what became of copies stands beside."""
    house = shop(EVERY)
    people(house, 1, 2, 3)
    seeded(house, "zoe", "max")
    summary = house.passes("every")

    assert dict(summary.sent) == {"accepted": 15}
    assert house.rows("SELECT count(*), count(DISTINCT contact_id) FROM touches") == [(15, 3)]
    assert house.rows("SELECT count(*), sum(units) FROM receipts") == [(15, 15)]
    assert [(one["chain"], one["step"], one["wave"], one["channel"], one["came"]) for one in seeds.copies(house.warehouse.ledger)] == [
        ("every", f"by_{channel}", 1, channel, {"accepted": 2}) for channel in sorted(BY)]


def test_once_a_wave(shop):
    """The second visit of a step brings no copy, and neither does a later batch of the wave; the next wave does."""
    house = shop(FALLS)
    people(house, 1)
    seeded(house, "zoe")
    for day in range(4):
        house.passes("falls", START + timedelta(days=day))

    waves = house.rows("SELECT count(DISTINCT wave) FROM touches WHERE step = 'hi'")[0][0]
    assert house.rows("SELECT max(visit) FROM touches") == [(2,)]
    assert [touch.tags["wave"] for touch in copied("email")] == [str(n + 1) for n in range(waves)]


def test_only_by_the_channels_they_have(shop):
    """Who has an e-mail address alone gets e-mail alone; who is taken off the list gets nothing more."""
    house = shop(EVERY)
    people(house, 1)
    seeded(house, "mail_only", email="m@house.example")
    seeded(house, "gone")
    seeds.remove(house.warehouse.ledger, ME, "gone", now=START)
    house.passes("every")

    assert {channel: [one.address for one in copied(channel)] for channel in BY} == {
        channel: ["m@house.example"] if channel == "email" else [] for channel in BY}


def test_the_copy_waits_for_a_connector(shop, monkeypatch):
    """Copies of which a connector took none are made after the next batch of the wave; the customers' never wait for them."""
    calls = []

    def script(touch, now):
        if touch.key.startswith(SEED) and not calls:
            calls.append(touch.key)
            raise ConnectorDown("no line", ErrorKind.NETWORK)

    house = shop(EVERY, mail={"script": script})
    monkeypatch.setattr("warehouse.passing.send.BATCH", 5)
    people(house, *range(1, 14))
    seeded(house, "zoe")
    house.passes("every")

    assert (len(taken("email")), len(copied("email")), len(calls)) == (14, 1, 1)


def test_a_stop_holds_the_copies(shop, monkeypatch):
    """A wave that is stopped while its first batch leaves is copied with the first batch after the release."""
    stopped = []

    def script(touch, now):
        if not stopped:
            with house.warehouse.ledger.begin() as tx:
                stopped.append(order(tx, "chain", "every", ME, now=now)[0].id)

    house = shop(EVERY, mail={"script": script})
    monkeypatch.setattr("warehouse.passing.send.BATCH", 5)
    people(house, *range(1, 14))
    seeded(house, "zoe")
    house.passes("every")
    left, copies = len(taken("email")), len(copied("email"))
    with house.warehouse.ledger.begin() as tx:
        end(tx, stopped, ME, now=START)
    Sender(house.wired, "mail", run="later", as_of=START).drain()

    assert (left, copies) == (5, 0)
    assert (len(taken("email")), len(copied("email"))) == (14, 1)


def test_copies_stay_within_the_day_s_ceiling(shop, monkeypatch):
    """A connector is handed no more a day than its ceiling, copies counted; what there is no room for is told."""
    monkeypatch.setattr("tests.passing.speaking.CEILING", "daily_ceiling = 2\n")
    house = shop(EVERY)
    people(house, 1)
    seeded(house, "zoe", "max")
    house.passes("every")

    assert (len(taken("email")), len(copied("email"))) == (2, 1)
    came = next(one["came"] for one in seeds.copies(house.warehouse.ledger) if one["channel"] == "email")
    assert came == {"accepted": 1, "over_the_ceiling": 1}


def test_a_copy_that_cannot_be_printed_is_told(shop):
    """A message that an invented contact has no value for is no copy, and stands in the list of copies."""
    house = shop(EVERY)
    people(house, 1)
    (house.warehouse.home / "every/messages/hi.sms.j2").write_text("{% if zone == 'Europe/Paris' %}{{ nowhere }}{% endif %}x", encoding="utf-8")
    seeded(house, "zoe")
    house.passes("every")

    assert (len(taken("sms")), copied("sms")) == (1, [])
    assert next(one["came"] for one in seeds.copies(house.warehouse.ledger) if one["channel"] == "sms") == {"missing_value": 1}


@pytest.mark.parametrize(("text", "read"), [
    ("12 rue Haute; 57000 Metz", ("12 rue Haute", None, "57000", "Metz", "FR")),
    ("12, rue Haute\nBâtiment B\n57000 Metz", ("12, rue Haute", "Bâtiment B", "57000", "Metz", "FR")),
    ("10 Downing Street; SW1A 2AA London; GB", ("10 Downing Street", None, "SW1A 2AA", "London", "GB")),
    ("Hauptstr. 1; 10115 Berlin; DE", ("Hauptstr. 1", None, "10115", "Berlin", "DE")),
])
def test_postal_addresses(text, read):
    """Lines between semicolons, the town with its postcode last, a country after it."""
    assert tuple(postal(text, "FR").values()) == read


@pytest.mark.parametrize("text", ["nowhere", "7 rue Basse", "7 rue Basse; Metz", "a; b; c; 57000 Metz", ""])
def test_no_postal_address(text):
    """What has no street and no postcode with a town is refused, and is not repeated."""
    with pytest.raises(NotAnAddress, match="accepted: ") as refused:
        postal(text, "FR")

    assert not text or text not in str(refused.value)


def test_tokens_of_no_touch():
    """No token of a touch can be taken for one of a proof or a copy: theirs have a dash, a touch's never."""
    assert [no_touch(token) for token in ("proof-1", "seed-1-2-email-3", "preview-only", "proofs", "seedlings", "")] == [
        True, True, True, False, False, False]
    assert all("-" in start for start in (PROOF, SEED))
