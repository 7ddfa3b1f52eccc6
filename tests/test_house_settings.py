"""house.toml and policy.toml: what they may say, and what is answered when they say it wrong."""

from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest

from marketing.channels import CHANNELS
from marketing.house import House, MissingSecret
from marketing.policy import Cap, Policy
from marketing.settings import SettingsError

ROOT = Path(__file__).resolve().parent.parent


def problems(model, folder: Path, text: str) -> list[str]:
    """What reading `text` as `model` complains of."""
    path = folder / f"{model.__name__.lower()}.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        model.read(path)
    return caught.value.problems


def house(folder: Path, old: str = "", new: str = "") -> list[str]:
    """The complaints about the repository's house.toml with `old` written as `new`."""
    text = (ROOT / "house.toml").read_text(encoding="utf-8")
    assert old in text
    return problems(House, folder, text.replace(old, new, 1))


class TestHouse:
    def test_example(self):
        """The house.toml of the repository is whole, and its money is exact."""
        read = House.read(ROOT / "house.toml")

        assert (read.language, read.zone, read.currency, read.environment) == ("fr", "Europe/Paris", "EUR", "test")
        assert read.margin_rate == Decimal("0.40")
        assert read.vat.divisor == Decimal("1.20")
        assert read.costs == {"email": Decimal("0.005"), "sms": Decimal("0.06"), "post": Decimal("0.75"),
                              "phone": Decimal("3.50"), "voice": Decimal("0.10")}
        assert set(read.channels.values()) == {"folder"}

    @pytest.mark.parametrize(("old", "new", "complaint"), [
        ('"fr" ', '"FR" ', "language is 'FR'; accepted: two small letters (ISO 639-1), such as fr"),
        ('country = "FR"', 'country = "France"', "country is 'France'; accepted: two capital letters (ISO 3166), such as FR"),
        ('"Europe/Paris"', '"Paris"',
         "zone is 'Paris'; accepted: a name of the IANA time zone database, such as Europe/Paris"),
        ('"EUR"', '"euro"', "currency is 'euro'; accepted: three capital letters (ISO 4217), such as EUR"),
        ('"test"', '"prod"', "environment is 'prod'; accepted: 'demo', 'test' or 'live'"),
        ("margin_rate = 0.40", "margin_rate = 40",
         "margin_rate is 40; accepted: a share of one, from 0 to 1, such as 0.25 for 25 %"),
        ("margin_rate = 0.40", 'margin_rate = "40 %"',
         "margin_rate is '40 %'; accepted: a number without quotes, such as 0.25"),
        ("email = 0.005", "email = -1", "costs.email is -1; accepted: an amount of 0 or more, with at most four decimals"),
        ("email = 0.005", "mail = 0.005",
         "costs.mail is 'mail'; accepted: a channel: email, feed, phone, post, sms, voice, webhook"),
        ("included = true ", "", "vat.included is missing; accepted: true when the amounts of orders carry VAT, else false"),
        ("rate = 0.20", "", "vat is a table; accepted: a rate above 0 where included is true, such as rate = 0.20"),
        ('sms = "folder"', 'sms = "brevo"',
         "channels.sms is 'brevo'; accepted: a connector of this file: folder"),
        ("sms = 0.06", "", "costs.sms is missing; accepted: what one touch by sms costs in EUR, 0 if nothing"),
        ('path = "sent"', 'password = "hunter2"',
         'connectors is a table; accepted: no secret in the open: write password = { env = "NAME_OF_A_VARIABLE" } '
         "in [connectors.folder]"),
        ('kind = "folder"', "", "connectors is a table; accepted: a table [connectors.folder] with kind = \"…\", "
         "the file in connectors/ that serves it"),
        ('path = "sent"', 'allow = ["our-company"]', "connectors is a table; accepted: [connectors.folder] with allow = a list of "
         '"@domain", "name@domain" or "+33612345678"'),
        ('path = "sent"', "daily_ceiling = 0", "connectors is a table; accepted: [connectors.folder] with daily_ceiling = a whole "
         "number of touches, 1 or more"),
        ('shop = "https://', 'shop = "',
         "urls is a table; accepted: addresses that open with https:// (not so: shop)"),
    ])
    def test_mistakes(self, tmp_path, old, new, complaint):
        """A wrong value is refused with its key, itself, and what is accepted."""
        assert house(tmp_path, old, new) == [complaint]

    def test_unknown_key(self, tmp_path):
        """A key that nobody reads is refused, with the keys that would be read."""
        assert house(tmp_path, "[vat]", "[vat]\nreduced = 0.055") == [
            "vat.reduced is not a known key; accepted here: included, rate"]

    def test_all_at_once(self, tmp_path):
        """Every problem of a file is told in one go."""
        found = problems(House, tmp_path, 'name = ""\nzone = "Here"\n[channels]\n[connectors]\n[costs]\n')

        assert [line.split(" ")[0] for line in found] == ["name", "language", "country", "zone", "currency", "environment", "vat"]

    @pytest.mark.parametrize(("content", "complaint"), [
        (b"name = ", "not TOML: Invalid value (at end of document); accepted: lines such as key = \"value\""),
        (b'name = "Caf\xe9"', "byte 12 is not UTF-8; save the file as UTF-8"),
    ])
    def test_unreadable(self, tmp_path, content, complaint):
        """A file that is no TOML, or no UTF-8, is refused and says where."""
        path = tmp_path / "house.toml"
        path.write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            House.read(path)

        assert str(caught.value) == f"house.toml: {complaint}"

    def test_no_file(self, tmp_path):
        """A file that is not there is named in full."""
        with pytest.raises(SettingsError, match=f"there is no file {tmp_path}/house.toml"):
            House.read(tmp_path / "house.toml")

    def test_byte_order_mark(self, home):
        """A file saved with a byte-order mark reads like any other."""
        path = home / "house.toml"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

        assert House.read(path) == House.read(ROOT / "house.toml")

    def test_block(self, tmp_path):
        """A Block's settings lie below those of the file, and those of the environment above; a variable that is not set
        leaves what the Block says."""
        text = (ROOT / "house.toml").read_text(encoding="utf-8")
        path = tmp_path / "house.toml"
        path.write_text(text.replace('path = "sent"', 'block = "mail-1"\nport = 25\npassword = { env = "MAIL_PASSWORD" }'))
        read, saved = House.read(path), {"host": "relay", "port": 587, "password": "saved"}

        assert read.block("folder") == "mail-1"
        assert read.settings("folder", {"MAIL_PASSWORD": "set"}, saved) == {"host": "relay", "port": 25, "password": "set"}
        assert read.settings("folder", {}, saved) == {"host": "relay", "port": 25, "password": "saved"}
        with pytest.raises(MissingSecret, match="MAIL_PASSWORD"):
            read.settings("folder", {}, {"host": "relay"})

    @pytest.mark.parametrize("block", ['"Mail"', '"mail_1"', '""', "1"])
    def test_a_name_that_no_block_can_have(self, tmp_path, block):
        """A Block is named as Prefect takes names."""
        assert house(tmp_path, 'path = "sent"', f"block = {block}") == [
            "connectors is a table; accepted: [connectors.folder] with block = the name of a Block: small letters, digits and dashes"]

    def test_connector(self, tmp_path):
        """A connector's secrets come from the environment it is given, never from the file."""
        text = (ROOT / "house.toml").read_text(encoding="utf-8")
        path = tmp_path / "house.toml"
        path.write_text(text.replace('path = "sent"', 'path = "out"\npassword = { env = "MAIL_PASSWORD" }'))
        read = House.read(path)

        assert read.settings("folder", {"MAIL_PASSWORD": "s"}) == {"path": "out", "password": "s"}
        with pytest.raises(MissingSecret, match="connectors.folder.password is taken from .* MAIL_PASSWORD"):
            read.settings("folder", {})
        assert "hunter2" not in str(house(tmp_path, 'path = "sent"', 'api_key = "hunter2"'))


    def test_bounds(self, tmp_path):
        """A list and a ceiling are no settings of the connector; addresses are compared without capitals, numbers without spaces."""
        bounds = 'allow = ["Anne@Shop.example", "@Our.example", "+33 6 12-34 56.78"]\ndaily_ceiling = 50\n'
        (tmp_path / "house.toml").write_text((ROOT / "house.toml").read_text().replace('path = "sent"', f'path = "sent"\n{bounds}'))
        read = House.read(tmp_path / "house.toml")

        assert read.allow("folder") == {"anne@shop.example", "@our.example", "+33612345678"}
        assert (read.ceiling("folder"), read.ceiling("nobody"), read.settings("folder", {})) == (50, None, {"path": "sent"})
        assert read.banner == "TEST: folder reaches the allow-list alone, everything else nobody"


class TestPolicy:
    def test_example(self):
        """The policy.toml of the repository: caps over all chains, hours by channel, a weight for every channel."""
        read = Policy.read(ROOT / "policy.toml")

        assert read.country == "FR" and read.global_holdout == 0
        assert read.caps[2] == Cap(name="four_calls_a_month", channels=frozenset({"phone"}), at_most=4, within_days=30)
        assert [(hours.start, hours.end) for hours in read.hours["phone"]] == [(time(10), time(13)), (time(14), time(20))]
        assert read.hours["sms"][0].weekdays == frozenset(range(6)) and not read.hours["sms"][0].holidays
        assert "email" not in read.hours
        assert set(read.weights) == CHANNELS and read.weights["phone"] == 4.0

    def test_bare(self, tmp_path):
        """A policy may be as little as a country: no cap, no hours, every channel weighs 1."""
        path = tmp_path / "policy.toml"
        path.write_text('country = "BE"')
        read = Policy.read(path)

        assert (read.caps, read.hours, set(read.weights.values())) == ([], {}, {1.0})

    @pytest.mark.parametrize(("text", "complaint"), [
        ('country = "fr"',
         "country is 'fr'; accepted: two capital letters (ISO 3166) of a country whose holidays are known, such as FR"),
        ('country = "FR"\nglobal_holdout = 10',
         "global_holdout is 10; accepted: a share of the contacts, from 0 to 0.5"),
        ('country = "FR"\n[[cap]]\nname = "a"\nat_most = 2.5\nwithin_days = 7',
         "cap[1].at_most is 2.5; accepted: a whole number of touches, 1 or more"),
        ('country = "FR"\n[[cap]]\nname = "a"\nat_most = 2',
         "cap[1].within_days is missing; accepted: a whole number of days, 1 or more"),
        ('country = "FR"\n[[cap]]\nname = "a"\nat_most = 2\nwithin_days = 7\npurposes = ["promo"]',
         "cap[1].purposes[1] is 'promo'; accepted: 'commercial', 'relationship' or 'transactional'"),
        ('country = "FR"\n[[cap]]\nname = "a"\nat_most = 2\nwithin_days = 7\nchannels = ["mail"]',
         "cap[1].channels[1] is 'mail'; accepted: a channel: email, feed, phone, post, sms, voice, webhook"),
        ('country = "FR"\n[[cap]]\nname = "a"\nat_most = 2\nwithin_days = 7\n'
         '[[cap]]\nname = "a"\nat_most = 3\nwithin_days = 9',
         "cap is a list of 2; accepted: a name of its own for each cap (used twice: a)"),
        ('country = "FR"\n[[hours]]\nchannel = "sms"\nweekdays = ["monday"]\nfrom = "08:00"\nto = "20:00"',
         "hours[1].weekdays is ['monday']; accepted: a list of mon, tue, wed, thu, fri, sat, sun"),
        ('country = "FR"\n[[hours]]\nchannel = "sms"\nweekdays = ["mon"]\nfrom = "8h"\nto = "20:00"',
         "hours[1].from is '8h'; accepted: a time of the day, such as \"09:00\""),
        ('country = "FR"\n[[hours]]\nchannel = "sms"\nweekdays = ["mon"]\nfrom = "20:00"\nto = "08:00"',
         "hours[1] is a table; accepted: a from before its to (found 20:00 to 08:00)"),
        ('country = "FR"\n[weights]\nemail = -1',
         "weights.email is -1; accepted: a weight from 0 to 100; an e-mail is 1"),
    ])
    def test_mistakes(self, tmp_path, text, complaint):
        """A wrong rule is refused with its place, its value, and what is accepted."""
        assert problems(Policy, tmp_path, text) == [complaint]
