"""Addresses: one spelling each, and a keyed number in place of the address."""

import random

import phonenumbers
import pytest

from marketing.addresses import NotAnAddress, address_key, address_keys, email, emails, phone, phones

KEY = b"a key of the tests"


def test_email_spellings():
    """Case and blanks around make no other address, in the local part neither."""
    assert email(" Éva.Dupont@Exämple.DE ") == "éva.dupont@exämple.de"
    assert emails(["A.B@Example.com", " a.b@example.com", None]) == ["a.b@example.com", "a.b@example.com", None]


@pytest.mark.parametrize("text", ["", "jean", "jean@", "@example.com", "a..b@example.com", "a@localhost", "a b@example.com",
                                  "a@example.com, b@example.com", "x" * 65 + "@example.com"])
def test_no_email(text):
    """What no mailbox can have is no address, one by one or in columns."""
    with pytest.raises(NotAnAddress):
        email(text)
    assert emails([text]) == [None]


def test_the_quick_way_for_emails_is_the_full_check():
    """A column of addresses is read exactly as each address alone."""
    letters = random.Random(1)
    texts = ["".join(letters.choices(["a", "B", "é", ".", "@", "-", "'", "+", "example", ".com", " "], k=8)) + "@x.com"
             for _ in range(300)]

    def alone(text: str) -> str | None:
        try:
            return email(text)
        except NotAnAddress:
            return None

    assert emails(texts) == [alone(text) for text in texts]


def test_phone_spellings():
    """However it is written, with its zero or without, a telephone number has one E.164 form."""
    spellings = ["06 12 34 56 78", "0612345678", "612345678", "06.12.34.56.78", "+33 6 12 34 56 78", "0033612345678",
                 "+33 (0)6 12 34 56 78", "06\u00a012\u00a034\u00a056\u00a078"]

    assert phones(spellings, "FR") == ["+33612345678"] * len(spellings)
    assert phone("(212) 555-0123", "US") == "+12125550123"
    assert phones(["0612", "non", "", None], "FR") == [None] * 4


def test_the_quick_way_for_phones_is_the_library():
    """The patterns of the regions that have one agree with phonenumbers on anything made of its signs."""
    signs = random.Random(2)
    for region in ("FR", "US", "CA"):
        texts = ["".join(signs.choices(["0", "1", "2", "6", "55", "9", " ", ".", "-", "+", "33", "+33", "+1", "00"],
                                       k=signs.randint(5, 13))) for _ in range(1500)]
        assert phones(texts, region) == [_library(text, region) for text in texts]


def _library(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_keys():
    """A key is the same one by one and in columns, another under another secret, and fits 64 bits without sign."""
    addresses = ["a@example.com", "+33612345678"]

    assert address_keys(KEY, addresses).tolist() == [address_key(KEY, address) for address in addresses]
    assert address_key(b"another", "a@example.com") != address_key(KEY, "a@example.com")
    assert all(0 <= key < 2**64 for key in address_keys(KEY, addresses).tolist())
    assert address_keys(KEY, []).tolist() == []
