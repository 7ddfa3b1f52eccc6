"""The folder connector: a person can open what would be sent, and count the rest."""

import json
import os
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from connectors.base import ConnectorDown, ErrorKind, Outcome, Outgoing
from connectors.folder import Folder
from connectors.registry import connect

NOW = datetime(2026, 3, 2, 9, 30)
TAGS = {"chain": "reactivate_lapsed", "step": "we_miss_you", "wave": "3", "run": "r1", "channel": "email"}
EMAIL = {"subject": "Été", "html": "<p>Été</p>", "text": "Été", "sender": "", "unsubscribe_url": "https://example.org/u"}


def touch(n: int, content: Any = EMAIL, **tags: str) -> Outgoing:
    return Outgoing(f"key{n:05d}", n, f"c{n}@example.com", content, tags=TAGS | tags)


def folder(path: Path, **settings: Any) -> Folder:
    return connect("folder", "folder", {"path": path} | settings)


def files(path: Path) -> dict[str, int]:
    return {str(f.relative_to(path)): len(list(f.glob("contact-*"))) for f in sorted(path.glob("*/*/*"))}


def test_the_first_twenty_are_files_and_the_rest_is_counted(tmp_path: Path) -> None:
    """Per step and wave: at most `show` files, and an index that counts all."""
    connector = folder(tmp_path)
    connector.send([touch(n) for n in range(15)], NOW)
    connector.send([touch(n) for n in range(15, 50)] + [touch(n, wave="4") for n in range(50, 53)], NOW)

    assert files(tmp_path) == {"reactivate_lapsed/we_miss_you/wave-3": 20, "reactivate_lapsed/we_miss_you/wave-4": 3}
    index = json.loads((tmp_path / "reactivate_lapsed/we_miss_you/wave-3/index.json").read_text())
    assert {k: index[k] for k in ("chain", "step", "wave", "accepted", "shown", "last_run")} == {
        "chain": "reactivate_lapsed", "step": "we_miss_you", "wave": "3", "accepted": 50, "shown": 20, "last_run": "r1"}
    assert connector.counts() == {("reactivate_lapsed", "we_miss_you", "3"): 50, ("reactivate_lapsed", "we_miss_you", "4"): 3}


def test_an_email_opens_as_one(tmp_path: Path) -> None:
    """An .eml file is a whole message, with its headers and both parts."""
    folder(tmp_path).send([touch(7)], NOW)
    [file] = tmp_path.rglob("*.eml")
    message = message_from_bytes(file.read_bytes(), policy=default)

    assert (message["To"], message["Subject"], message["Message-ID"]) == ("c7@example.com", "Été", "<key00007@example.org>")
    assert [p.get_content() for p in message.iter_parts()] == ["Été", "<p>Été</p>"]


def test_each_channel_has_its_form(tmp_path: Path) -> None:
    """A letter is HTML, an SMS and a call script are text that opens with who and from whom."""
    folder(tmp_path).send([
        touch(1, {"html": "<p>Lettre</p>", "text": "Lettre"}, channel="post", step="letter"),
        touch(2, {"text": "STOP 36111", "sender": "MAISON"}, channel="sms", step="sms"),
        touch(3, {"script": "Bonjour", "title": "Appel"}, channel="phone", step="call"),
        touch(4, {"script": "Bonjour"}, channel="voice", step="voice")], NOW)

    assert {f.name: f.read_text() for f in sorted(tmp_path.rglob("contact-*"))} == {
        "contact-1-key00001.html": "<p>Lettre</p>",
        "contact-2-key00002.sms.txt": "To: c2@example.com\nFrom: MAISON\n\nSTOP 36111\n",
        "contact-3-key00003.call.txt": "To: c3@example.com\nTitle: Appel\n\nBonjour\n",
        "contact-4-key00004.voice.txt": "To: c4@example.com\n\nBonjour\n"}


def test_tags_never_leave_the_folder(tmp_path: Path) -> None:
    """A tag is a name, never a path."""
    folder(tmp_path / "out").send([touch(1, chain="../../etc", step="/tmp", wave="..")], NOW)

    assert [str(f.relative_to(tmp_path)) for f in sorted(tmp_path.rglob("*.eml"))] == ["out/_etc/_tmp/wave-_/contact-1-key00001.eml"]


def test_a_kill_between_file_and_list_is_mended_by_the_next_call(tmp_path: Path) -> None:
    """A file whose key is not in the list was not accepted: sending it again writes the same file and counts once."""
    connector = folder(tmp_path, show=2)
    connector.send([touch(1)], NOW)
    place = tmp_path / "reactivate_lapsed/we_miss_you/wave-3"
    (place / "sent.tsv").write_text("")
    receipts = folder(tmp_path, show=2).send([touch(1), touch(2)], NOW)

    assert [r.outcome for r in receipts] == [Outcome.ACCEPTED] * 2
    assert sorted(f.name for f in place.glob("contact-*")) == ["contact-1-key00001.eml", "contact-2-key00002.eml"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")
def test_a_folder_that_cannot_be_written_is_connector_down(tmp_path: Path) -> None:
    """A file in the way, or a read-only folder, is configuration; nothing was sent, and check() says so first."""
    (tmp_path / "out").write_text("a file")
    connector = folder(tmp_path / "out")

    assert not connector.check().ok
    with pytest.raises(ConnectorDown, match="cannot write in") as caught:
        connector.send([touch(1)], NOW)
    assert caught.value.error is ErrorKind.CONFIG


def test_a_place_in_the_way_costs_its_own_rows_only(tmp_path: Path) -> None:
    """Rows of a step whose folder cannot be made are RETRY; those of another step are accepted."""
    (tmp_path / "reactivate_lapsed").mkdir()
    (tmp_path / "reactivate_lapsed" / "blocked").write_text("a file")
    receipts = folder(tmp_path).send([touch(1), touch(2, step="blocked"), replace(touch(3))], NOW)

    assert [r.outcome.value for r in receipts] == ["accepted", "retry", "accepted"]
