"""The seed list in the ledger: who is on it, what was copied to them; once, whoever asks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import sqlalchemy as sa

from warehouse import journal, schema, seeds

NOW = datetime(2026, 3, 1)
ME = journal.Who("me")
POST = {"address_1": "9 quai Bas", "address_2": None, "postcode": "67000", "city": "Strasbourg", "country": "FR"}
ALL = {"email": "zoe@house.example", "phone": "+33600000009", "post": POST}


def test_two_senders_copy_once(wh):
    """Of any number of senders that hand over batches of a wave at once, one makes the copies; each wave and channel has its own."""
    def claim(number: int) -> bool:
        return seeds.begin_copy(wh.ledger, 1, 2, "email", owner=f"sender-{number}", now=NOW)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(claim, range(24))) == [False] * 23 + [True]
    others = [(2, 2, "email"), (1, 3, "email"), (1, 2, "sms")]
    assert [claim(0), *(seeds.begin_copy(wh.ledger, *one, owner="x", now=NOW) for one in others)] == [False, True, True, True]


def test_what_became_of_copies(wh):
    """Counts by outcome; None where the sender died over it; a claim that made nothing is free again."""
    with wh.ledger.begin() as tx:
        tx.execute(sa.insert(schema.chain), {"id": 1, "name": "spring"})
        tx.execute(sa.insert(schema.step), [{"id": n, "chain": 1, "name": f"step_{n}"} for n in (1, 2, 3)])
    for number in (1, 2, 3):
        seeds.begin_copy(wh.ledger, 7, number, "sms", owner="x", now=NOW)
    seeds.end_copy(wh.ledger, 7, 1, "sms", NOW, {"accepted": 2})
    seeds.end_copy(wh.ledger, 7, 3, "sms", NOW, None)

    assert seeds.copies(wh.ledger) == [
        {"chain": "spring", "step": "step_1", "wave": 7, "channel": "sms", "at": NOW, "came": {"accepted": 2}},
        {"chain": "spring", "step": "step_2", "wave": 7, "channel": "sms", "at": NOW, "came": None}]
    assert [seeds.begin_copy(wh.ledger, 7, number, "sms", owner="y", now=NOW) for number in (1, 2, 3)] == [False, False, True]


def test_the_list(wh):
    """A name stands once on the list; the journal holds numbers and kinds of address, never a name or an address."""
    zoe = seeds.add(wh.ledger, ME, "zoe", "fr", ALL, now=NOW)
    with pytest.raises(seeds.SeedExists):
        seeds.add(wh.ledger, ME, "zoe", "en", {"email": "z@house.example"}, now=NOW)
    with pytest.raises(seeds.NoSuchSeed, match="nobody on the seed list is named 'max'; the list has 1"):
        seeds.named(wh.ledger, "zoe", "max")
    assert seeds.named(wh.ledger, "zoe") == [zoe]
    seeds.remove(wh.ledger, ME, "zoe", now=NOW)

    assert seeds.seeds(wh.ledger) == []
    assert [(one.act, one.what) for one in journal.entries(wh.ledger)] == [
        ("seed added", {"seed": zoe.id, "addresses": ["email", "phone", "post"]}), ("seed removed", {"seed": zoe.id})]


def test_addresses_by_channel():
    """SMS, calls and voice messages go to the phone; a letter to name, street and town; no address, no message."""
    zoe = seeds.Seed(1, "Zoé Roux", "fr", ALL, NOW)

    assert {channel: zoe.address(channel) for channel in ("email", "sms", "phone", "voice", "post", "feed", "webhook")} == {
        "email": "zoe@house.example", "sms": "+33600000009", "phone": "+33600000009", "voice": "+33600000009",
        "post": "Zoé Roux\n9 quai Bas\n67000 Strasbourg\nFR", "feed": None, "webhook": None}
    assert (zoe.kinds, seeds.Seed(2, "m", "fr", {"phone": "+33600000009"}, NOW).address("post")) == (("email", "phone", "post"), None)
