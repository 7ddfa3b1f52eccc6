"""SMS are counted as the network counts them: by 3GPP TS 23.038 and 23.040."""

import pytest

from marketing.sms import GSM_7, UCS_2, measure


@pytest.mark.parametrize(("text", "encoding", "length", "segments"), [
    ("", GSM_7, 0, 1),
    ("a" * 160, GSM_7, 160, 1),
    ("a" * 161, GSM_7, 161, 2),
    ("a" * 306, GSM_7, 306, 2),
    ("a" * 307, GSM_7, 307, 3),
    ("é" * 160, GSM_7, 160, 1),
    ("€" * 80, GSM_7, 160, 1),
    ("€" * 81, GSM_7, 162, 2),
    ("ê" * 70, UCS_2, 70, 1),
    ("ê" * 71, UCS_2, 71, 2),
    ("ê" * 134, UCS_2, 134, 2),
    ("ê" * 135, UCS_2, 135, 3),
    ("🎁" * 35, UCS_2, 70, 1),
    ("🎁" * 36, UCS_2, 72, 2),
    ("€" * 60 + "ê", UCS_2, 61, 1),
])
def test_segments(text, encoding, length, segments):
    """160 alone and 153 each in GSM-7, 70 and 67 in UCS-2; what is escaped counts twice, what is beyond 16 bits too."""
    found = measure(text)

    assert (found.encoding, found.length, found.segments) == (encoding, length, segments)


def test_no_character_is_cut():
    """An escaped character that would lie over the end of a segment begins the next one."""
    assert measure("a" * 152 + "€" + "a" * 151).segments == 2
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3  # 306 septets, which would fit in two if cut
    assert measure("ê" * 66 + "🎁" + "ê" * 66).segments == 3


def test_letters_of_french():
    """é è à ù É Ç are as cheap as any; ê â î ô û ë ï ç œ and the typographer's apostrophe are not, and are named."""
    assert measure("éèàùÉÇ").dear == ()
    assert measure("Fête près du canal, ça n’est pas cher").dear == ("ê", "ç", "’")
    assert all(measure(letter).encoding == UCS_2 for letter in "êâîôûëïçœÀÊ«»")


def test_the_whole_table():
    """The default alphabet has 127 characters that print or move, its extension ten."""
    every = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    cheap = [character for character in every if measure(character).encoding == GSM_7]

    assert sorted(measure(character).length for character in cheap) == [1] * 127 + [2] * 10


def test_in_words():
    """What is said of a text names the characters that make it dear."""
    assert str(measure("abc")) == "1 segment (3 of GSM-7)"
    assert str(measure("ça" * 40)) == "2 segments (80 of UCS-2, because of ç)"
