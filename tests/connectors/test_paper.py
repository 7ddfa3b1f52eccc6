"""Letters on paper: the PDF is the HTML, and fetches nothing."""

import socket

import pytest

from connectors.paper import pages_of, pdf

#: One dot, red.
DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="


def test_a_letter_is_a_pdf():
    """The file is PDF, its pages as many as the style sheet asks for."""
    page = "<style>@page { size: A4; margin: 0 } p { break-after: page }</style>"

    assert pdf(f"{page}<h1>Chère Élodie</h1>").startswith(b"%PDF-")
    assert [pages_of(f"{page}{'<p>x</p>' * many}<i>end</i>") for many in (0, 1, 3)] == [1, 2, 4]


def test_nothing_is_fetched():
    """No image, style or font of another place is asked for; what stands in the letter itself is printed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"http://127.0.0.1:{server.getsockname()[1]}"
        made = pdf(f"<link rel=stylesheet href='{place}/a.css'><img src='{place}/b.png'><img src='{DOT}'>text")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()

    assert made.startswith(b"%PDF-") and b"/Image" in made
