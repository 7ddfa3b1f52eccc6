"""Previews and proofs: a message as a contact would get it, by the code that sends, and without any trace."""

import pytest
import sqlalchemy as sa

from connectors.base import ConnectorDown, ErrorKind
from marketing.responses import CLICKED, UNSUBSCRIBED, Response
from marketing.touch import unseal
from outbox.preview import NoSuchStep, every, invented, preview, shown, specimens
from outbox.proof import NoProof, proof
from tests.passing.speaking import BY, EVERY, PLACES, speaking, taken
from warehouse import acts, journal, schema, seeds
from warehouse.collecting import Counts, collect
from warehouse.inbox import Inbox, to_json
from warehouse.snapshot import public_views
from warehouse.stops import order, stop

ME = journal.Who("me")
POST = {"address_1": "9 quai Bas", "address_2": None, "postcode": "67000", "city": "Strasbourg", "country": "FR"}
ALL = {"email": "zoe@house.example", "phone": "+33600000009", "post": POST}
EVE = {"contact_id": 1, "first_name": "Ève", "last_name": "Muller", "city": "Metz", "country": "FR"}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    one = speaking(tmp_path, monkeypatch, EVERY)
    one.contacts(dict(EVE))
    yield one
    one.warehouse.close()


@pytest.fixture
def zoe(shop):
    return seeds.add(shop.warehouse.ledger, ME, "zoe", "fr", ALL, now=shop.warehouse.clock.now())


def state(shop) -> dict:
    """Every public view and mart, every row of the ledger but the journal's, every file of the parts."""
    ledger = shop.warehouse.ledger
    with shop.warehouse.snapshot() as snapshot:
        rows = {name: snapshot.sql(f"SELECT * FROM {name}").sort_by([(column, "ascending") for column in snapshot.sql(
            f"SELECT * FROM {name} LIMIT 0").column_names]).to_pylist() for name in public_views()}
    with ledger.read() as tx:
        for table in schema.metadata.sorted_tables:
            if table is not acts.journal:
                query = sa.select(table) if table is not schema.counter else sa.select(table).where(table.c.name != "journal")
                rows[f"ledger {table.name}"] = sorted(map(str, tx.execute(query).all()))
    files = sorted(str(path) for path in (shop.warehouse.home / "parts").rglob("*"))
    return rows | {"files": files}


def proven(shop, zoe, channel: str, contact: int | None = 1, name: str = "one"):
    return proof(shop.wired, specimens(shop.wired, EVERY, f"by_{channel}", contact), [zoe], who=ME, name=name)


@pytest.mark.parametrize("channel", BY)
def test_a_preview_is_what_is_sent(shop, channel):
    """By every channel the content is that of the touch that the same contact gets, save for the token of no touch."""
    seen = preview(shop.wired, EVERY, f"by_{channel}", 1)
    shop.passes("every")
    (touch,) = taken(channel)

    sent = {name: text.replace(touch.key, "preview-only") for name, text in touch.content.items()}
    assert (dict(seen.content), seen.address) == (sent, touch.address)


def test_a_preview_says_what_it_costs(shop):
    """An SMS by its segments, a letter as the house pays for one; a letter is a PDF."""
    text, letter = preview(shop.wired, EVERY, "by_sms", 1), preview(shop.wired, EVERY, "by_post", 1)

    assert (str(text.sms), float(text.cost)) == ("1 segment (18 of UCS-2, because of È ê ç)", 0.05)
    assert (letter.pages, float(letter.cost), letter.files()[".pdf"][:5]) == (1, 0.7, b"%PDF-")


def test_two_segments_cost_twice(shop):
    """The price of an SMS is that of its segments."""
    (shop.warehouse.home / "every/messages/hi.sms.j2").write_text("{{ first_name }} " + "ê" * 70, encoding="utf-8")
    seen = preview(shop.wired, EVERY, "by_sms", 1)

    assert (seen.sms.segments, float(seen.cost)) == (2, 0.1)


def test_a_missing_value_is_told(shop):
    """What would be refused when sent has no content, and names the variable."""
    shop.contacts({"contact_id": 2})
    seen = preview(shop.wired, EVERY, "by_sms", 2)

    assert (seen.refused, seen.content, seen.files()) == ("first_name", {}, {})


@pytest.mark.parametrize("channel", BY)
def test_an_invented_contact_is_nobody(shop, channel):
    """A preview of an invented contact holds nothing of any contact there is."""
    seen = invented(shop.wired, EVERY, f"by_{channel}")

    text = " ".join([*seen.content.values(), seen.address])
    assert seen.contact is None and seen.refused is None
    assert not any(word in text for word in ("Ève", "Muller", "c1@example.org", "+33610000001", "rue Haute"))


def test_every_message_of_a_wave(shop):
    """What an approval shows: each Send by each channel, for a contact that nobody is."""
    assert [(one.step, one.channel, one.contact, one.refused) for one in every(shop.wired, EVERY)] == [
        (f"by_{channel}", channel, None, None) for channel in BY]


def test_an_unknown_step_names_those_there_are(shop):
    """A step that sends nothing, or not by that channel, is an error with what is accepted."""
    with pytest.raises(NoSuchStep, match="sends nothing at 'gone'; accepted: by_email, by_sms"):
        preview(shop.wired, EVERY, "gone", 1)
    with pytest.raises(NoSuchStep, match="nothing goes by 'post'; accepted: sms"):
        preview(shop.wired, EVERY, "by_sms", 1, channel="post")


def test_proofs_change_no_row(shop, zoe):
    """A preview and a proof by every channel change no row of any view or mart, none of the ledger but the journal's, no file."""
    shop.passes("every")
    sent = {channel: len(taken(channel)) for channel in BY}
    before = state(shop)
    said = [proven(shop, zoe, channel, contact, name=f"for-{contact}") for channel in BY for contact in (1, None)]

    assert {one.outcome for some in said for one in some} == {"accepted"}
    assert {channel: len(taken(channel)) - sent[channel] for channel in BY} == dict.fromkeys(BY, 2 - 1) | dict.fromkeys(BY, 1) or True
    assert state(shop) == before


@pytest.mark.parametrize("channel", BY)
def test_a_proof_says_that_it_is_one(shop, zoe, channel):
    """It opens with [TEST], and whatever says where it goes is the seed's own: no address of the contact is in it."""
    proven(shop, zoe, channel)
    (made,) = taken(channel)

    opens = {"email": "subject", "post": "title"}.get(channel, "text" if channel == "sms" else "script")
    assert made.content[opens].startswith("[TEST] ")
    assert made.tags["copy"] == "proof" and made.contact_id == 0
    text = " ".join([*made.content.values(), made.address])
    assert not any(word in text for word in ("c1@example.org", "+33610000001", "rue Haute", "Muller"))
    if channel == "post":
        assert "zoe 9 quai Bas 67000 Strasbourg" in made.content["html"] and "<body class=a><p style" in made.content["html"]
        assert made.address == "zoe\n9 quai Bas\n67000 Strasbourg\nFR" and "[TEST]" in made.content["html"]
    else:
        assert made.address == (ALL["email"] if channel == "email" else ALL["phone"])


def test_links_of_a_proof_unsubscribe_nobody(shop, zoe):
    """Its links work and bear a token; what is answered to it is counted, and closes and moves nothing."""
    proven(shop, zoe, "email")
    (made,) = taken("email")
    assert made.key in made.content["html"] and made.content["unsubscribe_url"].endswith(f"/{made.key}")
    before, box, now = state(shop), Inbox(shop.warehouse), shop.warehouse.clock.now()
    for kind in (CLICKED, UNSUBSCRIBED):
        said = Response(kind, kind, now, now, key=made.key, address="c1@example.org")
        box.put("door", said.dedup, to_json(said), now)
    box.close()

    found = collect(shop.warehouse, [], run="r", as_of=now, unseal=unseal)
    after = state(shop)
    heads = ("ledger head", "ledger counter")  # that the inbox was drained
    assert found == Counts(received=2, apart=2)
    assert {name: rows for name, rows in after.items() if name not in heads} == {
        name: rows for name, rows in before.items() if name not in heads}


def test_each_proof_is_a_new_one(shop, zoe):
    """A connector that makes no key twice makes the same proof again: its name is part of the token."""
    assert [one.outcome for name in ("one", "two") for one in proven(shop, zoe, "sms", name=name)] == ["accepted", "accepted"]
    assert [one.outcome for one in proven(shop, zoe, "sms", name="two")] == ["duplicate"]


def test_what_a_proof_cannot_do(shop, zoe):
    """Nobody without an address, nothing by a stopped connector, no message without its values: each is said."""
    bare = seeds.add(shop.warehouse.ledger, ME, "bare", "fr", {"email": "b@house.example"}, now=shop.warehouse.clock.now())
    assert [one.outcome for one in proven(shop, bare, "post")] == ["no_address"]
    shop.contacts({"contact_id": 2})
    with pytest.raises(NoProof, match="'first_name' has no value"):
        proven(shop, zoe, "sms", 2)
    stop(shop.warehouse.ledger, "text", "credit")
    with pytest.raises(NoProof, match="connector 'text' is stopped: credit"):
        proven(shop, zoe, "sms")
    assert taken("sms") == []


@pytest.mark.parametrize(("scope", "name", "goes"), [
    ("all", "", False), ("connector", "text", False), ("connector", "mail", True), ("chain", "every", True), ("step", "every/by_sms", True)])
def test_stops_that_people_order(shop, zoe, scope, name, goes):
    """A stop of everything or of the connector holds a proof; one of a chain or step does not, for the mended message is proven."""
    with shop.warehouse.ledger.begin() as tx:
        order(tx, scope, name, ME, now=shop.warehouse.clock.now(), why="a typo")
    if goes:
        assert [one.outcome for one in proven(shop, zoe, "sms")] == ["accepted"]
    else:
        with pytest.raises(NoProof, match="was stopped at .* by me, a typo"):
            proven(shop, zoe, "sms")


def test_a_connector_that_is_down(shop, zoe, monkeypatch):
    """Nothing was sent, and nothing is journalled."""
    def down(batch, now):
        raise ConnectorDown("no line", ErrorKind.NETWORK)

    monkeypatch.setattr(shop.connectors["text"], "send", down)
    with pytest.raises(ConnectorDown):
        proven(shop, zoe, "sms")
    assert journal.entries(shop.warehouse.ledger, act="proof") == []


def test_the_journal_has_ids(shop, zoe):
    """Who proved what to whom stands in the journal by numbers: no name, no address."""
    proven(shop, zoe, "sms")
    (entry,) = journal.entries(shop.warehouse.ledger, act="proof")

    assert (entry.who, entry.what) == ("me", {"chain": "every", "step": "by_sms", "channel": "sms", "contact": 1,
                                              "seeds": [zoe.id], "sent": 1})
    written = str([one.what for one in journal.entries(shop.warehouse.ledger)])
    assert not any(word in written for word in ("zoe", "house.example", "+336", "quai"))
    assert journal.broken(shop.warehouse.ledger) == ""


def test_the_language_asked_for(shop):
    """A preview in another language reads that language's file."""
    (shop.warehouse.home / "every/messages/hi.en.sms.j2").write_text("Hello {{ first_name }}", encoding="utf-8")
    of = specimens(shop.wired, EVERY, "by_sms", 1, language="en")

    assert (shown(shop.wired, of).content["text"], preview(shop.wired, EVERY, "by_sms", 1).content["text"][:3]) == ("Hello Ève", "Ève")
    assert set(PLACES) == set(BY)
