"""`relance preview` and `relance seeds`."""

import json

import pytest

SEED = ("--email", "zoe@house.example", "--phone", "0600000009", "--address", "9 quai Bas; 67000 Strasbourg")


@pytest.fixture(scope="module")
def seeded(passed):
    """The house after a first pass, with a seed of every kind of address and one with e-mail alone."""
    assert passed("seeds", "add", "zoe", *SEED).code == 0
    assert passed("seeds", "add", "max", "--email", "max@house.example", "--language", "en").code == 0
    return passed


def test_a_contact_s_message(passed):
    """Subject, sender, address, price, text and the next command; its links bear the token of no touch."""
    said = passed("preview", "reactivate_lapsed", "we_miss_you", "--contact", "C05")

    assert said.code == 0
    for line in ("reactivate_lapsed, we_miss_you, by email, for contact C05, in en: reactivate_lapsed/we_miss_you.en.email.j2",
                 "Subject:   Anne, how have you been?", "From:      Maison Exemple <hello@shop.example>", "To:        c5@example.org",
                 "Cost:      0.005 EUR", "It has been a while, Anne",
                 "Unsubscribe from these messages (https://relance.example/unsubscribe/preview-only)",
                 "Next, a proof to people of the seed list: relance preview reactivate_lapsed we_miss_you --contact C05 --to NAME"):
        assert line in said.out.splitlines()


def test_as_json(passed):
    """The whole of it as one document."""
    record = passed("preview", "reactivate_lapsed", "win_back_sms", "--contact", "C05", "--language", "fr", "--param",
                    "discount_percent=30", "--behaviour", "", "--json").json

    assert {name: record[name] for name in ("chain", "step", "channel", "purpose", "language", "refused", "cost", "currency")} == {
        "chain": "reactivate_lapsed", "step": "win_back_sms", "channel": "sms", "purpose": "commercial", "language": "fr",
        "refused": None, "cost": 0.06, "currency": "EUR"}
    assert "RETOUR30" in record["content"]["text"]
    assert (record["sms"]["encoding"], record["sms"]["segments"]) == ("GSM-7", 1)
    assert [(one["at"], one["step"], one["reason"]) for one in record["path"]] == [
        ("2026-01-05T09:00:00Z", "we_miss_you", "entered"), ("2026-01-05T09:00:00Z", "first_response", "next"),
        ("2026-01-12T09:00:00Z", "win_back_sms", "otherwise"), ("2026-01-12T09:00:00Z", "last_response", "next"),
        ("2026-02-02T09:00:00Z", "suppress:dormant", "otherwise")]


def test_the_way_ahead(passed):
    """With dates, in the house's zone: what leaves when, what each wait hears, where it ends."""
    said = passed("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--behaviour", "clicks on day 3")

    rows = [" ".join(line.split()) for line in said.out.splitlines()]
    assert "Who enters now and clicks on day 3 (times in Europe/Paris)" in rows
    assert "2026-01-08 10:00 win back offer clicked win_back_offer leaves by email at 2026-01-08 10:00" in rows
    assert "2026-01-08 10:00 last response next waits for clicked; goes on at 2026-01-29 10:00 without" in rows
    assert "2026-01-29 10:00 suppress:dormant otherwise the end" in rows


def test_files(passed, tmp_path):
    """E-mail as HTML and text, a letter as PDF, a call script as text."""
    for step, chain in (("we_miss_you", "reactivate_lapsed"), ("win_back_letter", "reactivate_lapsed"), ("call", "prospect_web_lead")):
        assert passed("preview", chain, step, "--contact", "C05", "--to-folder", str(tmp_path)).code == 0

    assert {file.name: file.read_bytes()[:5] for file in tmp_path.iterdir()} == {
        "reactivate_lapsed.we_miss_you.en.html": b"<!DOC", "reactivate_lapsed.we_miss_you.en.txt": b"Subje",
        "reactivate_lapsed.win_back_letter.en.pdf": b"%PDF-", "reactivate_lapsed.win_back_letter.en.html": b"<!DOC",
        "prospect_web_lead.call.en.call.txt": b"Call "}


def test_a_look_at_a_contact_is_journalled(passed):
    """Who looked at which contact's message stands in the journal by the contact's number; an invented one is nobody's."""
    from flows import wiring
    from warehouse.journal import entries

    ledger = wiring.wired().warehouse.ledger
    before = len(entries(ledger, act="look-up"))
    passed("preview", "reactivate_lapsed", "we_miss_you", "--contact", "C07")
    passed("preview", "reactivate_lapsed", "we_miss_you", "--invented")
    looked = entries(ledger, act="look-up")[before:]

    assert [one.what for one in looked] == [{"contact": 8, "by": "preview", "chain": "reactivate_lapsed", "step": "we_miss_you"}]
    assert "C07" not in json.dumps(looked[0].what)


def test_a_proof(seeded):
    """It goes to the people named, each with what became of it; who has no address of that kind ends it with 1."""
    said = seeded("preview", "reactivate_lapsed", "win_back_letter", "--contact", "C05", "--to", "zoe,max")

    assert said.code == 1
    assert said.out.splitlines()[-2:] == ["Proof to zoe by post: accepted.", "Proof to max by post: no address (no address for post)."]
    assert seeded("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--to", "zoe,max").code == 0


def test_proofs_lie_apart(seeded):
    """The folder connector keeps proofs out of the folders that it counts a step's touches in."""
    from flows import wiring

    wired = wiring.wired()
    before, place = wired.connectors["folder"].counts(), wired.warehouse.home / "sent/_proof/reactivate_lapsed/we_miss_you/wave-0"
    there = set(place.glob("*.eml"))
    seeded("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--to", "max,zoe")
    texts = [file.read_text(encoding="utf-8") for file in set(place.glob("*.eml")) - there]

    assert wired.connectors["folder"].counts() == before
    assert sorted(line for text in texts for line in text.splitlines() if line.startswith(("To: ", "X-Relance"))) == [
        "To: max@house.example", "To: zoe@house.example", "X-Relance-Copy: proof", "X-Relance-Copy: proof"]
    assert all("[TEST]" in text or "W1RFU1Rd" in text for text in texts)  # as it is, or in base64


def test_the_seed_list(seeded):
    """Name, language and addresses of each; the addresses of who is removed are gone."""
    seeded("seeds", "add", "tmp", "--phone", "06 00 00 00 08")
    rows = [" ".join(line.split()) for line in seeded("seeds", "list").out.splitlines()]

    assert "zoe fr zoe@house.example +33600000009 9 quai Bas, 67000 Strasbourg, FR" in rows
    assert "max en max@house.example – –" in rows
    assert seeded("seeds", "remove", "tmp").out == "tmp gets no more copies; the addresses are deleted.\n"
    assert [one["name"] for one in seeded("seeds", "list", "--json").json["seeds"]] == ["max", "zoe"]


def test_a_wave_is_copied(seeded):
    """After a wave began to leave, the list says what became of its copies; the folder of the step counts its touches alone."""
    from flows import wiring

    said = seeded("pass", "loyalty_six_contacts", "--plain", "--json")
    rows = [" ".join(line.split()) for line in seeded("seeds", "list").out.splitlines()]
    wired = wiring.wired()

    assert "2026-01-05 10:00 loyalty_six_contacts thank_you 2 email 2 accepted" in rows
    sent = said.json["sent"]["accepted"]
    assert wired.connectors["folder"].counts()["loyalty_six_contacts", "thank_you", "2"] == sent
    copies = sorted((wired.warehouse.home / "sent/_seed/loyalty_six_contacts/thank_you/wave-2").glob("*.eml"))
    text = "".join(file.read_text(encoding="utf-8") for file in copies)
    assert len(copies) == 2 and text.count("X-Relance-Copy: seed") == 2 and "W1RFU1Rd" not in text


@pytest.mark.parametrize(("words", "said"), [
    (("preview", "reactivate_lapsed", "we_miss_you"), "for whom? Give --contact ID, or --invented"),
    (("preview", "reactivate_lapsed", "we_miss_you", "--contact", "C05", "--invented"), "for whom? Give --contact ID, or --invented"),
    (("preview", "reactivate_lapsed", "nothing", "--invented"), "reactivate_lapsed sends nothing at 'nothing'; accepted: we_miss_you, "),
    (("preview", "nothing", "nothing", "--invented"), "there is no chain 'nothing'; chains: "),
    (("preview", "reactivate_lapsed", "we_miss_you", "--contact", "C99"), "no contact goes by 'C99'"),
    (("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--channel", "sms"), "nothing goes by 'sms'; accepted: email"),
    (("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--param", "x=1"), "--param 'x=1'; accepted: NAME=VALUE with one of"),
    (("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--behaviour", "jumped on day 3"),
     "--behaviour: 'jumped' is no response that moves anybody; accepted: appointment, "),
    (("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--behaviour", "clicked"), "--behaviour: 'clicked' is no behaviour; accepted: "),
    (("preview", "reactivate_lapsed", "we_miss_you", "--invented", "--to", "nobody"), "nobody on the seed list is named 'nobody'"),
    (("seeds", "add", "a"), "a seed needs an address: give --email, --phone or --address"),
    (("seeds", "add", "a,b", "--email", "a@house.example"), "a seed needs a name without commas"),
    (("seeds", "add", "a", "--email", "a@house.example", "--language", "French"), "--language 'French' is no language; accepted: two small letters"),
    (("seeds", "add", "a", "--address", "secret street"), "--address cannot be used: no postal address; accepted: "),
    (("seeds", "add", "a", "--phone", "12"), "--phone cannot be used: "),
    (("seeds", "add", "zoe", "--email", "a@house.example"), "a seed named 'zoe' is there already"),
    (("seeds", "remove", "nobody"), "nobody on the seed list is named 'nobody'"),
])
def test_what_cannot_be(seeded, words, said):
    """A mistake is told with what is accepted, ends with 2, and repeats no address."""
    answer = seeded(*words)

    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "secret street" not in answer.err
