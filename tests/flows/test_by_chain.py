"""One flow for each chain: found by name, with its own form, harmed by no other."""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

import chains
import flows
from marketing.form import signature
from marketing.options import RunOptions

GOOD = '''"""Win back."""
from marketing.chain import COMMERCIAL, Chain, Field, Send, WaveParams

class Params(WaveParams):
    months_silent: int = Field(12, ge=1, le=60, description="No order for this many months")
    wine: str | None = Field(None, max_length=20, title="Kind of wine")
    shares: list[float] = Field(default_factory=list)

CHAIN = Chain(name="win_back", title="Win back", kind="loyalty", params=Params, audience="lapsed",
              steps=[Send("offer", by="email", message="offer", purpose=COMMERCIAL)])
'''
BROKEN = {
    "misspelt": ("from marketing.chain import *\n\nCHAIN = Chane()\n",
                 "chains/misspelt/chain.py, line 3: NameError: name 'Chane' is not defined"),
    "unfinished": ("CHAIN = (\n", "chains/unfinished/chain.py, line 1: SyntaxError: '(' was never closed"),
    "wrong_word": ("import marketing.chain\nx = marketing.chain.Sand\n",
                   "chains/wrong_word/chain.py, line 2: AttributeError: module 'marketing.chain' has no attribute 'Sand'"),
    "nothing": ("", "chains/nothing/chain.py: defines no CHAIN; write CHAIN = Chain(...)"),
    "renamed": (GOOD, "chains/renamed/chain.py: ValueError: CHAIN is named 'win_back'; its folder is 'renamed', "
                      "and both must be the same"),
    "unsaid": (GOOD.replace(", purpose=COMMERCIAL", ""), "chains/unsaid/chain.py, line 10: ChainError"),
}


SHIPPED = chains.names()


@dataclass(frozen=True)
class Passed:
    """What the stand-in of a pass returns: what it was asked."""

    chain: str
    params: dict
    options: RunOptions
    run: str
    run_name: str

    def __str__(self) -> str:
        return f"0 of 0 in {self.chain}"


@pytest.fixture
def by_chain(tmp_path, monkeypatch):
    """flows.by_chain over a folder of chains of its own, with a pass that only says what it was asked."""
    for name, (text, _) in {"win_back": (GOOD, ""), **BROKEN}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "chain.py").write_text(text)
    monkeypatch.setattr(chains, "__path__", [str(tmp_path)])
    for module in [module for module in sys.modules if module.startswith("chains.")]:
        monkeypatch.delitem(sys.modules, module)

    def asked_for(wired, chain_name, params, options, *, run, run_name, starter, progress):
        progress("one pass")
        return Passed(chain_name, params.model_dump(), options, run, run_name)

    for name, stand_in in {"rehearsal": SimpleNamespace(asked_for=asked_for),
                           "wiring": SimpleNamespace(wired=lambda: None)}.items():
        monkeypatch.setitem(sys.modules, f"flows.{name}", stand_in)
        monkeypatch.setattr(flows, name, stand_in, raising=False)
    monkeypatch.delitem(sys.modules, "flows.by_chain", raising=False)
    own = vars(flows).pop("by_chain", None)
    yield import_module("flows.by_chain")
    for module in [module for module in sys.modules if module.startswith("chains.") or module == "flows.by_chain"]:
        del sys.modules[module]
    # The package holds its modules too: a test that comes later must not be given this one.
    del flows.by_chain
    if own is not None:
        flows.by_chain = own


def test_names(by_chain):
    """Every folder with a chain.py is a flow, whether its file is sound or not."""
    assert dir(by_chain) == chains.names() == sorted(["win_back", *BROKEN])


@pytest.mark.parametrize("entrypoint", ["flows.by_chain.win_back", "flows/by_chain.py:win_back"])
def test_entrypoints(by_chain, monkeypatch, entrypoint):
    """A worker finds a chain's flow by module and by path, with all other chains broken."""
    monkeypatch.chdir(Path(flows.__file__).parent.parent)
    found = load_flow_from_entrypoint(entrypoint)

    assert (found.name, found.fn.__name__) == ("win_back", "win_back")
    assert found.description.startswith("Win back: a loyalty chain")


@pytest.mark.parametrize("name", BROKEN)
def test_broken(by_chain, name):
    """A broken chain says which file, which line and what is wrong, each time it is asked for."""
    for _ in range(2):
        with pytest.raises(chains.BrokenChain) as caught:
            getattr(by_chain, name)

        assert str(caught.value).startswith(BROKEN[name][1])
    assert by_chain.win_back.name == "win_back"


def test_unknown(by_chain):
    """A chain that does not exist is answered with those that do."""
    with pytest.raises(AttributeError, match="there is no chain 'winback'; chains: misspelt, .*, win_back"):
        _ = by_chain.winback


def test_form(by_chain):
    """The form is flat, and shows the title, the words, the limits and the default of every parameter; then the common ones."""
    schema = parameter_schema(by_chain.win_back).model_dump()

    assert schema["required"] == []
    common = {name: schema["properties"].pop(name)["title"] for name in RunOptions.model_fields}
    assert list(common.values()) == ["Rehearse only", "Rehearse so many weeks", "At most so many contacts", "Budget", "Note"]
    assert schema["properties"] == {
        "months_silent": {"type": "integer", "minimum": 1, "maximum": 60, "default": 12, "position": 0,
                          "title": "Months silent", "description": "No order for this many months"},
        "wine": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}], "default": None, "position": 1,
                 "title": "Kind of wine"},
        "shares": {"type": "array", "items": {"type": "number"}, "default": [], "position": 2, "title": "Shares"},
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped(name):
    """Every chain of the house loads, and its form can be left alone: each field has words and a default."""
    fields = signature(chains.load(name).params).parameters

    assert [field for field, part in fields.items() if part.default is part.empty] == []
    assert [field for field, part in fields.items() if not part.default.description] == []


@pytest.mark.xdist_group("prefect")
def test_run(by_chain, prefect_server):
    """A run passes the form's values, or their defaults, under its own id and name, and ends with a sentence."""
    state = by_chain.win_back(months_silent="3", at_most=100, return_state=True)
    passed = state.result()

    assert passed.options == RunOptions(at_most=100)
    assert (passed.chain, passed.params) == ("win_back", {"months_silent": 3, "wine": None, "shares": []})
    assert (passed.run, state.message) == (str(state.state_details.flow_run_id), "0 of 0 in win_back")
    assert passed.run_name
    assert by_chain.win_back().params["months_silent"] == 12
    with pytest.raises(ValidationError, match="less than or equal to 60"):
        by_chain.win_back(months_silent=61)
