"""The token of a touch: it comes back as what it was, and nobody else can make one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.touch import ForgedToken, Touch, contact_of, enrolment, seal, seal_all, sealer, unseal, wave_of

KEY = b"a house's key"
touches = st.builds(Touch, st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 255))


@given(touches)
def test_round_trip(touch):
    """A token says which touch it was, to the house that made it."""
    token = seal(KEY, touch.enrolment_id, touch.step_no, touch.visit, touch.leg)

    assert unseal(KEY, token) == touch
    assert len(token) == 37 and token.isalnum() and token == token.lower()


@given(touches)
def test_the_same_touch_has_the_same_token(touch):
    """A retry hands the same token over: the provider can tell that it has it already."""
    again = sealer(KEY)

    assert again(touch.enrolment_id, touch.step_no, touch.visit, touch.leg) == seal(
        KEY, touch.enrolment_id, touch.step_no, touch.visit, touch.leg)


@given(st.lists(touches, max_size=5))
def test_many_at_once_are_the_same(many):
    """A batch's tokens are those of its touches, one by one."""
    identities = [(t.enrolment_id, t.step_no, t.visit, t.leg) for t in many]

    assert seal_all(KEY, identities) == [seal(KEY, *identity) for identity in identities]


@given(touches, st.integers(0, 35), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_letter_is_a_forgery(touch, place, letter):
    """No letter can be changed; the last one carries a bit that is not read, and is left out here."""
    token = seal(KEY, touch.enrolment_id, touch.step_no, touch.visit, touch.leg)
    forged = token[:place] + letter + token[place + 1:]
    if forged == token:
        return

    with pytest.raises(ForgedToken):
        unseal(KEY, forged)


@given(touches)
def test_another_house_cannot_read_it(touch):
    """A token of another key is a forgery."""
    with pytest.raises(ForgedToken):
        unseal(b"another house's", seal(KEY, touch.enrolment_id, touch.step_no, touch.visit, touch.leg))


@given(st.text(max_size=60))
def test_anything_else_is_refused(text):
    """Whatever comes in as a token is refused by name, and never breaks the reader."""
    with pytest.raises(ForgedToken):
        unseal(KEY, text)


def test_an_enrolment_holds_its_wave_and_contact():
    """An enrolment's id is wave and contact in one integer."""
    one = enrolment(7, 123_456)

    assert (wave_of(one), contact_of(one)) == (7, 123_456)
