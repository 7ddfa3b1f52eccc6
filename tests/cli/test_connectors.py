"""`relance connectors`: list, check, register."""

import pytest

from flows import wiring
from tests.connectors.servers import free_port
from warehouse.stops import release, stop

MAIL = """
[connectors.shop_mail]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
username = "shop"
password = {{ env = "SHOP_MAIL_PASSWORD" }}
sender = "Shop <hello@shop.example>"
"""
SECRET = "Zx9-secret"


@pytest.fixture
def house(empty, environment, tmp_path):
    """The house with a mail connector that serves no channel yet."""
    home = wiring.wired().warehouse.home
    if "connectors.shop_mail" not in (text := (home / "house.toml").read_text(encoding="utf-8")):
        (home / "house.toml").write_text(text + MAIL.format(port=free_port()), encoding="utf-8")
    environment.setenv("SHOP_MAIL_PASSWORD", SECRET)
    return empty


def test_list(house):
    """Each channel with its connector, kind, cost and what it can do; what serves no channel stands at the end."""
    said, rows = house("connectors", "list"), house("connectors", "list", "--json").json

    assert said.code == 0 and "Cost in EUR" in said.out and "makes none twice" in said.out and "reaches real people" in said.out
    assert [(row["channel"], row["connector"], row["kind"], row["block"], row["cost"]) for row in rows[-2:]] == [
        ("voice", "folder", "folder", None, 0.1), (None, "shop_mail", "smtp", None, None)]
    assert rows[-1]["capabilities"]["real_addresses"] is True


def test_check(house):
    """What is wrong is told with what to do, and ends with 1."""
    said, found = house("connectors", "check"), house("connectors", "check", "--json")

    assert (said.code, found.code) == (1, 1)
    assert [(one["connector"], one["healthy"]) for one in found.json] == [("folder", True), ("shop_mail", False)]
    assert found.json[1]["problems"][0].endswith("cannot be reached (ConnectionRefusedError)")
    assert "  To do: see that the provider's address in [connectors.shop_mail] of house.toml is right" in said.out
    assert SECRET not in said.out + said.err + found.out


def test_check_of_one(house):
    """One connector can be asked for; one that is not there is refused with those that are."""
    assert [one["connector"] for one in house("connectors", "check", "folder", "--json").json] == ["folder"]
    said = house("connectors", "check", "brevo")
    assert (said.code, said.err) == (2, "relance: there is no connector 'brevo'; connectors: folder, shop_mail.\n")


def test_stopped(house):
    """A connector that is stopped is not healthy: the command that lets it send again is told."""
    ledger = wiring.wired().warehouse.ledger
    stop(ledger, "folder", "no room left")
    said = house("connectors", "check", "folder")
    release(ledger, "folder")

    assert (said.code, house("connectors", "check", "folder").code) == (1, 0)
    assert "no room left" in said.out and "  To do: relance send folder --resume" in said.out


def test_a_secret_that_is_not_set(house, environment):
    """A variable that is not set is named, and stops neither the list nor the check of the others."""
    environment.setenv("RELANCE_THREADS", "1")  # an installation of its own: the other has read the variable
    environment.delenv("SHOP_MAIL_PASSWORD")
    found = house("connectors", "check", "--json").json
    environment.delenv("RELANCE_THREADS")

    assert [one["healthy"] for one in found] == [True, False]
    assert "SHOP_MAIL_PASSWORD, which is not set" in found[1]["problems"][0]
    assert found[1]["todo"][0] == "set the variable wherever Relance runs, the worker included"


def test_register_without_a_server(house):
    """Without a Prefect server nothing is registered, and the way to one is told."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        said = house("connectors", "register")

    assert (said.code, "PREFECT_API_URL names no Prefect server" in said.err) == (1, True)


@pytest.mark.xdist_group("prefect")
def test_register(house, prefect_server):
    """Every kind becomes a Block type; --save keeps the present settings, once, and says what to write into house.toml."""
    from connectors.registry import kinds
    from tasks import blocks

    first = house("connectors", "register", "--save")
    kept = blocks.saved("smtp", "shop-mail")
    again = house("connectors", "register", "--save", "--json")

    assert first.code == 0 and 'shop_mail: write  block = "shop-mail"  into [connectors.shop_mail] of house.toml' in first.out
    assert (kept["password"], kept["username"], kept["sender"]) == (SECRET, "shop", "Shop <hello@shop.example>")
    assert [one["type"] for one in again.json["types"]] == [f"relance-{kind}" for kind in kinds()]
    assert [(one["of"], one["block"], one["saved"]) for one in again.json["blocks"]] == [
        ("folder", "folder", False), ("shop_mail", "shop-mail", False)]
    assert SECRET not in first.out + first.err + again.out


@pytest.mark.xdist_group("prefect")
def test_overwrite(house, prefect_server):
    """A Block that is there is written over only where that is asked for."""
    from tasks import blocks

    blocks.save("smtp", "shop-mail", {"host": "elsewhere", "sender": "a@b.org"})
    left = house("connectors", "register", "--save")
    before = blocks.saved("smtp", "shop-mail")["host"]
    house("connectors", "register", "--save", "--overwrite")

    assert (left.code, before, blocks.saved("smtp", "shop-mail")["host"]) == (0, "elsewhere", "127.0.0.1")
    assert house("connectors", "register", "--overwrite").code == 2
