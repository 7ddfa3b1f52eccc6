"""Blocks: the settings of the connectors as Prefect keeps them, and a house that names one."""

import json
import re
from pathlib import Path

import pytest
from prefect.flows import load_flow_from_entrypoint

from connectors.registry import BadSettings, connect, connector_class
from tasks import blocks

ROOT = Path(__file__).resolve().parents[2]
SECRET = "hunter2-Zx9"
#: What each kind needs, besides its secrets; a connector without a line here fails by name.
NEEDED = {
    "folder": {"path": "out", "channels": ["email", "sms"]},
    "memory": {"channels": ["email"], "down": "network", "latency": "P1D", "cost": "0.05"},
    "simulator": {"path": "people", "deliver_to": {"kind": "smtp", "host": "h", "sender": "a@b.org", "password": SECRET}},
    "smtp": {"host": "relay.example", "sender": "Shop <hello@shop.example>", "max_rate": 20},
}


def given(kind: str) -> dict:
    """Settings of a kind, with every secret it has."""
    assert kind in NEEDED, f"connectors/{kind}.py has no settings in {__name__}"
    secret = [name for name, field in connector_class(kind).Settings.model_fields.items() if "Secret" in str(field.annotation)]
    return NEEDED[kind] | dict.fromkeys(secret, SECRET)


@pytest.mark.parametrize("kind", blocks.kinds())
class TestEveryKind:
    def test_its_form(self, kind):
        """A Block has a field for each setting that a person can write, the same required, and a name and words of its own."""
        made, settings = blocks.block_class(kind), connector_class(kind).Settings.model_fields
        schema = made.model_json_schema()

        assert set(settings) - set(made.model_fields) == {
            name for name, field in settings.items() if "Callable" in str(field.annotation)}
        assert {name for name, field in made.model_fields.items() if field.is_required()} == {
            name for name, field in settings.items() if field.is_required()}
        assert (made.get_block_type_slug(), schema["block_type_slug"]) == (f"relance-{kind.replace('_', '-')}",) * 2
        assert made.get_block_type_name().startswith(f"Relance {kind}: ")
        assert not set(made.get_block_type_name()) & set("/%&<>")
        assert f'kind = "{kind}"' in made.get_description() and "relance connectors check" in made.get_description()
        assert blocks.block_class(kind) is made
        assert not {"kind", "block"} & set(settings), "these words of house.toml are no settings"

    def test_its_secrets_are_masked(self, kind):
        """No secret can be read in a Block that is printed or written as JSON."""
        block = blocks.block_class(kind)(**given(kind))
        told = repr(block) + str(block) + block.model_dump_json() + json.dumps(block.model_dump(mode="json"))

        assert SECRET not in told
        assert ("****" in told) is (SECRET in str(given(kind)))

    def test_it_says_what_was_said(self, kind):
        """The settings in a Block make the same connector as the settings themselves."""
        settings, block = given(kind), blocks.block_class(kind)(**given(kind))
        plain = {name: blocks._plain(getattr(block, name)) for name in type(block).model_fields}

        assert connect(kind, "one", {key: value for key, value in plain.items() if value is not None}).settings == connect(
            kind, "one", settings).settings


def test_no_deployment_refers_to_a_block():
    """Prefect writes the secrets of a Block that a deployment's parameters refer to in plain text: none does, and no flow
    takes a Block."""
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    flows = [load_flow_from_entrypoint(found) for found in re.findall(r"^ *entrypoint: (\S+)", text, re.MULTILINE)]
    flows.append(load_flow_from_entrypoint("flows.check_connectors.connectors"))

    assert len(flows) > 3 and "$ref" not in text and "block_document" not in text
    assert [flow.name for flow in flows if "block_type_slug" in json.dumps(flow.parameters.model_dump(mode="json"))] == []


def test_named_like_a_secret(monkeypatch):
    """A setting that is called like a secret is masked, even where its connector forgot to."""
    from connectors.base import Settings
    from connectors.folder import Folder

    class Careless(Settings):
        api_key: str
        webhook_secret: str | None = None

    monkeypatch.setattr(Folder, "Settings", Careless)
    made = blocks.block_class.__wrapped__("folder")

    assert made.model_json_schema()["secret_fields"] == ["api_key", "webhook_secret"]
    assert SECRET not in repr(made(api_key=SECRET))


def test_no_server_is_named():
    """Without a Prefect server the error names the Block and what to do, and nothing is started."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(blocks.BlockError) as told:
        blocks.saved("smtp", "mail")

    assert str(told.value) == ("the Block relance-smtp/mail cannot be read: PREFECT_API_URL names no Prefect server; set it, "
                               "or start one on this machine by: make up")


def test_nobody_answers():
    """A server that is not there is named, without the login that its address holds."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: f"http://me:{SECRET}@127.0.0.1:9/api"}), pytest.raises(blocks.BlockError) as told:
        blocks.saved("smtp", "mail")

    assert str(told.value).startswith("the Block relance-smtp/mail cannot be read: the Prefect server http://127.0.0.1:9/api")
    assert SECRET not in str(told.value)


@pytest.mark.xdist_group("prefect")
class TestOnAServer:
    @pytest.mark.parametrize("kind", blocks.kinds())
    def test_round_trip(self, prefect_server, kind):
        """What was saved is read again, secrets included; the server shows them to nobody who does not ask for them."""
        from prefect.client.orchestration import get_client

        blocks.save(kind, "one", given(kind))
        read = blocks.saved(kind, "one")
        with get_client(sync_client=True) as client:
            shown = client.read_block_document_by_name("one", blocks.slug(kind), include_secrets=False)

        assert connect(kind, "one", read).settings == connect(kind, "one", given(kind)).settings
        assert SECRET not in shown.model_dump_json()

    def test_again(self, prefect_server):
        """A type may be registered again and a Block saved again: the last word holds."""
        blocks.save("smtp", "twice", given("smtp"))
        blocks.save("smtp", "twice", given("smtp") | {"port": 25})

        assert (blocks.there("smtp", "twice"), blocks.saved("smtp", "twice")["port"]) == (True, 25)

    def test_unknown(self, prefect_server):
        """A Block that is not there is told with the server and with where to make it."""
        assert not blocks.there("smtp", "gone")
        with pytest.raises(blocks.BlockError, match="relance-smtp/gone cannot be read: the Prefect server http.* has none of this name"):
            blocks.saved("smtp", "gone")

    def test_nothing_half_done_is_kept(self, prefect_server):
        """Settings that no connector would take are not saved; the complaint names the setting and repeats no value."""
        with pytest.raises(BadSettings, match="connector 'half' of kind 'smtp': host: Field required") as told:
            blocks.save("smtp", "half", {"password": SECRET, "sender": "a@b.org"})

        assert SECRET not in str(told.value) and not blocks.there("smtp", "half")

    def test_spoilt_by_hand(self, prefect_server):
        """A Block that somebody has spoilt in the browser is refused by field, without its values."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import BlockDocumentUpdate

        blocks.save("smtp", "spoilt", given("smtp"))
        with get_client(sync_client=True) as client:
            document = client.read_block_document_by_name("spoilt", "relance-smtp")
            client.update_block_document(document.id, BlockDocumentUpdate(data={"port": SECRET}, merge_existing_data=True))
        with pytest.raises(blocks.BlockError, match="relance-smtp/spoilt cannot be read: port: ") as told:
            blocks.saved("smtp", "spoilt")

        assert SECRET not in str(told.value)
