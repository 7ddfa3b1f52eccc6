"""`relance serve` without what it needs; with it, it is proved by a real server (tests/prove/test_waking.py)."""


def test_no_server(empty, monkeypatch):
    """Without a Prefect server there is nothing to serve, and the answer says how to name one."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    said = empty("serve", "prospect_web_lead")

    assert (said.code, said.out) == (1, "")
    assert "PREFECT_API_URL names no Prefect server" in said.err


def test_no_chain(empty):
    """A chain that does not exist is answered with those that do."""
    said = empty("serve", "prospect")

    assert said.code == 2
    assert "there is no chain 'prospect'; chains:" in said.err and "prospect_web_lead" in said.err
