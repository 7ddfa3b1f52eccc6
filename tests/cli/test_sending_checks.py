"""`relance chains check --sending`."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import chains
from flows.cli.reaching import reacher


def test_the_shipped_chains_may_leave(loaded):
    """On a loaded base nothing stands against any chain of the house, and the next step is told."""
    said = loaded("chains", "check", "--sending")

    assert said.code == 0 and said.out.endswith("Next: relance pass CHAIN --rehearse\n")
    assert [f"{name}, before sending: nothing against it" in said.out for name in chains.names()] == [True] * 4
    assert "mend" not in said.out


def test_a_parameter_of_the_wave(loaded):
    """What the form would be given is checked with it; a value that it would refuse is refused here, and so is a lost option."""
    asked = ("chains", "check", "newsletter_monthly", "--sending", "--json")
    refused = loaded(*asked, "--param", "headline_en=" + "x" * 81)

    assert [f["rule"] for f in loaded(*asked, "--param", "headline_en= ").json["sending"]["newsletter_monthly"] if f["blocking"]] == ["no_subject"]
    assert refused.code == 2 and "headline_en" in refused.json["error"]["message"]
    assert [loaded("chains", "check", *words).code for words in (("--links",), ("--param", "a=b"), ("--sending", "--param", "a=b"))] == [2, 2, 2]


@pytest.fixture
def site():
    """A site on the loopback; `asked` counts what it was asked."""
    class Page(BaseHTTPRequestHandler):
        asked: Counter = Counter()

        def _answer(self):
            Page.asked[self.command, self.path] += 1
            status = 405 if self.command == "HEAD" and self.path == "/headless" else {"/gone": 404, "/broken": 500}.get(self.path, 200)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET = _answer

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Page.asked
    server.shutdown()
    server.server_close()


def test_a_link_that_is_followed(site):
    """The head is asked for, once for each address, the page only where there are no heads; what is gone blocks."""
    address, asked = site
    reach = reacher(2.0)

    assert (reach(f"{address}/"), reach(f"{address}/"), reach(f"{address}/headless"), reach(f"{address}/é?x=%20#y")) == (None,) * 4
    assert reach(f"{address}/gone") == (True, "answers 404: mend it, or try it in a browser.")
    assert reach(f"{address}/broken") == (False, "answers 500: mend it, or try it in a browser.")
    assert reach("http://127.0.0.1:1/")[0] is True and "cannot be reached" in reach("http://127.0.0.1:1/")[1]
    assert asked == {("HEAD", "/"): 1, ("HEAD", "/%C3%A9?x=%20"): 1, ("HEAD", "/headless"): 1, ("GET", "/headless"): 1, ("HEAD", "/gone"): 1, ("GET", "/gone"): 1,
                     ("HEAD", "/broken"): 1}
