"""prefect.yaml: one deployment for each chain and each flow of the house, written from the chains and never stale."""

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from prefect.cli.deploy._config import _load_deploy_configs_and_actions
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from rich.console import Console

import chains
from flows import deployments
from marketing.house import House

HOUSE = ["STOP", "release", "send", "approve", "collect", "load", "report", "maintain", "watch", "connectors"]


def read(path: Path) -> dict[str, dict]:
    """The deployments of a file, as Prefect reads them."""
    configs, actions = _load_deploy_configs_and_actions(path, console=Console())

    assert actions == {"build": [], "push": [], "pull": []}
    return {config["name"]: config for config in configs}


@pytest.fixture(scope="module")
def written() -> dict[str, dict]:
    return read(deployments.FILE)


def test_it_is_current():
    """prefect.yaml is what house.toml and the chains say; write it again by make docs."""
    text = deployments.FILE.read_text(encoding="utf-8")
    zone = House.read(deployments.ROOT / "house.toml").zone

    assert deployments.renewed(text, map(chains.load, chains.names()), zone) == text


def test_everything_is_deployed(written):
    """There is a deployment for each chain and for each flow of the house, under the name of its flow."""
    assert sorted(written) == sorted([*chains.names(), *HOUSE])
    assert {name: load_flow_from_entrypoint(one["entrypoint"]).name for name, one in written.items()} == {
        name: name for name in written}


def test_one_run_at_a_time(written):
    """Every deployment belongs to the pool, runs once at a time, checks its form, and is not paused; the watch, which frees
    the places of dead runs, and STOP wait for no place themselves."""
    for name, one in written.items():
        assert one["work_pool"]["name"] == deployments.POOL
        assert one["concurrency_limit"] == (None if name in ("watch", "STOP") else {"limit": 1, "collision_strategy": "ENQUEUE"})
        assert one["enforce_parameter_schema"] and not one.get("paused")


def test_schedules(written):
    """Schedules go by the clock of the house, and can be changed in place; a load, a decision, a stop and its release are
    started by hand alone."""
    crons = {}
    for name, one in written.items():
        for schedule in one.get("schedules") or []:
            assert (schedule["timezone"], schedule.get("active")) == ("Europe/Paris", None) and schedule["slug"]
            crons[name] = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).cron

    assert set(written) - set(crons) == {"approve", "load", "STOP", "release"}
    assert {name: crons[name] for name in HOUSE if name in crons} == {
        "send": "*/5 * * * *", "collect": "3-59/5 * * * *", "report": "0 7 * * *", "maintain": "30 3 * * *",
        "watch": "1-59/5 * * * *", "connectors": "30 6 * * *"}
    ticks = [crons[name] for name in chains.names()]
    assert all(re.fullmatch(r"\d+ \* \* \* \*", tick) for tick in ticks) and len(set(ticks)) == len(ticks)


def test_sixty_chains_start_in_sixty_minutes():
    """Chains start at minutes of their own, as long as there are enough."""
    chain = chains.load(chains.names()[0])

    assert len(set(re.findall(r'cron: "(\d+) ', deployments.chains_text([chain] * 60)))) == 60


@pytest.mark.parametrize("name", chains.names())
def test_a_marketer_can_read_it(written, name):
    """A description opens with the chain's title, and says what it is for, when it runs and how to start it; tags tell
    the kind and the chain."""
    chain, one = chains.load(name), written[name]
    said = one["description"]

    assert one["tags"] == ["relance", chain.kind, name]
    assert said.startswith(f"# {chain.title}\n\n")
    assert all(not line or not after for line, after in pairwise(said.split("\n")))  # Prefect's pages break where the text does
    purpose = sys.modules[type(chain.params()).__module__].__doc__
    for words in (purpose, "**It runs**", "**A run**", "*Custom run*", "for the audience"):
        assert " ".join(words.split()) in said


def test_a_broken_chain(tmp_path, monkeypatch):
    """A chain that cannot be read is named with its fault; the others are deployed."""
    for name, text in {"whole": "", "torn": "CHAIN = (\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "chain.py").write_text(text)
    monkeypatch.setattr(chains, "__path__", [*chains.__path__, str(tmp_path)])
    read, broken = deployments.sound()

    assert sorted(broken) == ["torn", "whole"] and "'(' was never closed" in broken["torn"]
    assert [chain.name for chain in read] == [name for name in chains.names() if name not in broken]


def test_who_is_paused_stays_so(tmp_path):
    """A file can be made that pauses some deployments, and no other."""
    text = deployments.FILE.read_text(encoding="utf-8")
    (tmp_path / "prefect.yaml").write_text(deployments.paused(text, ["send", "reactivate_lapsed"]), encoding="utf-8")
    made = read(tmp_path / "prefect.yaml")

    assert sorted(name for name, one in made.items() if one.get("paused")) == ["reactivate_lapsed", "send"]


def test_nothing_else_is_touched():
    """What stands outside of the marks stays; a mark that nothing writes is refused."""
    text = "a: 1\n  # house: generated\nold\n  # house: end\nb: 2\n"

    assert deployments.renewed(text, [], "UTC") == "a: 1\n  # house: generated\n  zone: &zone UTC\n  # house: end\nb: 2\n"
    with pytest.raises(KeyError):
        deployments.renewed(text.replace("house", "garden"), [], "UTC")


def test_every_field_of_every_form_has_words(written):
    """Each parameter of each deployment has a title for people, no identifier, a sentence that says what it is for, and a
    value unless the run cannot do without."""
    fields = {(name, field): words for name, one in written.items()
              for field, words in parameter_schema(load_flow_from_entrypoint(one["entrypoint"])).properties.items()}

    assert {name for name, _ in fields} == {
        *chains.names(), "STOP", "release", "approve", "send", "load", "report", "connectors"}
    assert [key for key, words in fields.items() if not re.fullmatch(r"[A-Z][^_]+", words["title"])] == []
    assert [key for key, words in fields.items() if len(words.get("description", "").split()) < 3] == []
    assert [key for key, words in fields.items() if "_" in words["description"] or ": none" in words["description"]] == []
    assert [key for key, words in fields.items() if "default" not in words] == [
        *(("approve", field) for field in ("wave", "decision", "your_name")), ("load", "kind"), ("load", "path")]
