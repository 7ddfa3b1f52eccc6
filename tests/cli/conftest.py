"""A house of its own on a simulated clock, and `relance` as a function of its words."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, 9)

CONTACTS = "client_id;email;phone;first_name;last_name;language;postcode;city;address_1;touchpoint;created_at\n" + "".join(
    f"C{i:02d};c{i}@example.org;0612345{i:03d};Anne;Martin;{'en' if i % 3 else 'fr'};57000;Metz;{i} rue Haute;web form;2024-01-01\n"
    for i in range(40))
#: The odd have been silent for nineteen months, the even have just bought.
ORDERS = "client_id;order_id;line_id;ordered_at;amount\n" + "".join(
    f"C{i:02d};O{i};1;{'2024-06-01' if i % 2 else '2025-12-20'};{20 + i},50\n" for i in range(40))
CONSENTS = "client_id;channel;purpose;status;happened_at\nC01;email;relationship;refused;2025-02-01\n"
SUPPRESSIONS = "client_id;reason;from_at\nC03;opposition;2025-03-01\n"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Relance = Callable[..., Said]


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def answering(home: Path, environment: pytest.MonkeyPatch) -> Relance:
    for name in ("house.toml", "policy.toml"):
        shutil.copy(ROOT / name, home / name)
    environment.setenv("RELANCE_HOME", str(home))
    environment.setenv("COLUMNS", "300")

    def relance(*words: str) -> Said:
        from flows.cli.main import app

        result = CliRunner().invoke(app, list(words))
        return Said(result.exit_code, result.stdout, result.stderr)

    return relance


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, environment: pytest.MonkeyPatch) -> Relance:
    """A house that nothing was loaded into, by the real clock."""
    return answering(tmp_path_factory.mktemp("house"), environment)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the files that a shop would load."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in {"contacts": CONTACTS, "orders": ORDERS, "consents": CONSENTS, "suppressions": SUPPRESSIONS}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def loaded(empty: Relance, files: Path) -> Relance:
    """The house on 5 January 2026, 10:00 in Paris, with contacts, orders, a refusal and an opposition."""
    from flows import wiring

    wiring.wired().warehouse.clock.simulate(START)
    for kind in ("contacts", "orders", "consents", "suppressions"):
        assert empty("load", kind, str(files / f"{kind}.csv")).code == 0
    return empty


@pytest.fixture(scope="module")
def passed(loaded: Relance) -> Relance:
    """The same after the first pass of the reactivation, whose messages have left."""
    assert loaded("pass", "reactivate_lapsed", "--plain", "--param", "months_silent=12").code == 0
    return loaded
