"""`relance preview`: a message as one contact would get it, the way ahead with dates, and proofs to people of the house."""

import tempfile
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers

__all__ = ["preview"]


@answers
def preview(
    chain: Annotated[str, typer.Argument(help="The chain, by the name of its folder.", show_default=False)],
    step: Annotated[str, typer.Argument(help="One of its Sends.", show_default=False)],
    contact: Annotated[str | None, typer.Option("--contact", metavar="ID", show_default=False, help=(
        "For this contact: the id of your own files, or the number Relance gave it."))] = None,
    invented: Annotated[bool, typer.Option("--invented", help="For a contact that nobody is.")] = False,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", show_default=False, help=(
        "A parameter of the wave; may be given several times."))] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", show_default=False,
                                                 help="Instead of the contact's own.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", metavar="NAME", show_default=False, help=(
        "Where the Send may go by several; else its first."))] = None,
    behaviour: Annotated[str | None, typer.Option("--behaviour", metavar="WORDS", show_default=False, help=(
        'Also the way, with dates, of who enters now and "clicked on day 3, purchased on day 20"; "": never answers.'))] = None,
    to: Annotated[str, typer.Option("--to", metavar="NAME,…", show_default=False, help=(
        "Send it as a proof, marked [TEST], to these people of the seed list."))] = "",
    to_folder: Annotated[Path | None, typer.Option("--to-folder", metavar="PATH", show_default=False, help=(
        "Write it into this folder: e-mail as HTML and text, letter as PDF."))] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser or the PDF reader.")] = False,
) -> Answer:
    """Show a message as a contact would get it, printed by the code that sends; with --to, send it as a proof.

    Nothing is planned or counted. Ends with 1 when the message would not leave, or a proof did not.
    """
    import chains
    from flows.chain_files import queries
    from flows.cli import running
    from flows.cli.moving import _values
    from outbox import preview as previews

    if (contact is None) == (not invented):
        raise Refused("for whom? Give --contact ID, or --invented for a contact that nobody is.", USAGE)
    running.quiet_prefect()
    brief, wired = chains.load(chain), running.opened()
    values, asked = _values(brief.params, param or []), queries(brief)
    number = None if contact is None else _found(wired, contact)
    try:
        of = previews.specimens(wired, brief, step, number, values, language, channel=channel, queries=asked)
    except previews.NoSuchStep as error:
        raise Refused(f"{error}.", USAGE) from None
    one = previews.shown(wired, of)
    way, heard = _way(wired, brief, number, behaviour, values, asked)
    if number is not None:
        running.noted(wired, "look-up", {"contact": number, "by": "preview", "chain": chain, "step": step})
    files = _files(one, to_folder, open_)
    proofs = _proofs(wired, of, to) if to else []
    shown = [*_message(one, wired.warehouse.house.currency, contact), *way, *(f"Written: {file}" for file in files),
             *_sent(proofs, one), *_next(one, contact, to)]
    record = {**asdict(one), "currency": wired.warehouse.house.currency, "path": heard, "files": files,
              "proofs": [asdict(each) for each in proofs]}
    failed = one.refused is not None or any(not each.sent for each in proofs)
    return Answer(record, shown, FAILED if failed else 0)


def _found(wired: Any, contact: str) -> int:
    from warehouse.explaining import find

    with wired.warehouse.snapshot() as snapshot:
        return find(snapshot, contact)["contact_id"]


def _files(one: Any, folder: Path | None, open_: bool) -> list[str]:
    """Write the message into a folder; returns the files, the one to look at first."""
    if folder is None and not open_:
        return []
    folder = folder or Path(tempfile.mkdtemp(prefix="relance-preview-"))
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for end, data in one.files().items():
        file = folder / f"{one.chain}.{one.step}.{one.language}{end}"
        file.write_bytes(data)
        files.append(str(file))
    if open_ and files:
        typer.launch(files[0])
    return files


def _proofs(wired: Any, of: Any, to: str) -> list[Any]:
    from connectors.base import ConnectorDown
    from flows.cli import running
    from outbox.proof import NoProof, proof
    from warehouse.seeds import NoSuchSeed, named

    try:
        people = named(wired.warehouse.ledger, *filter(None, (name.strip() for name in to.split(","))))
    except NoSuchSeed as error:
        raise Refused(f"{error}.", USAGE) from None
    try:
        return proof(wired, of, people, who=running.who(), name=uuid.uuid4().hex[:12])
    except (NoProof, ConnectorDown) as error:
        raise Refused(f"No proof was sent: {error}") from None


def _way(wired: Any, brief: Any, number: int | None, behaviour: str | None, values: dict, asked: dict) -> tuple[list[Any], Any]:
    """The way ahead for people, and as rows; nothing where no behaviour was asked for."""
    if behaviour is None:
        return [], None
    from flows.cli.showing import moment, table
    from marketing.behaviour import BadBehaviour
    from marketing.behaviour import behaviour as read
    from outbox.preview import path

    warehouse = wired.warehouse
    zone = warehouse.house.zone
    try:
        answers = read(behaviour, warehouse.clock.now(), zone)
    except BadBehaviour as error:
        raise Refused(f"--behaviour: {error}.", USAGE) from None
    stages = path(wired, brief, number, answers, values, queries=asked)
    rows = [(moment(one.at, zone), one.step.replace("_", " "), one.reason.replace("_", " "), _does(one, zone)) for one in stages]
    title = f"Who enters now and {behaviour.strip() or 'never answers'} (times in {zone})"
    said = ["", table(["At", "Comes to", "Because", "There"], rows, title=title)]
    if number is not None and _held_out(brief, number):
        said.append("This contact is drawn for the chain's holdout: if it enters, it gets nothing.")
    return said, [asdict(one) for one in stages]


def _held_out(brief: Any, number: int) -> bool:
    from marketing.chance import holdout_salt, in_share

    return brief.arm_by == "contact" and in_share(holdout_salt(brief.name), number, brief.holdout)


def _does(one: Any, zone: str) -> str:
    from flows.cli.showing import moment

    until = moment(one.until, zone) if one.until else ""
    if one.kind == "send":
        if not one.channel:
            return f"nothing leaves: {(one.refused or 'left before').replace('_', ' ')}"
        return f"{one.message} leaves by {one.channel} at {until}"
    if one.kind == "wait":
        hears = " or ".join(one.hears).replace("_", " ") or "nothing"
        return f"waits for {hears}{f'; goes on at {until} without' if until else ''}"
    return "the end" if one.kind == "end" else f"rests until {until}" if until else ""


def _message(one: Any, currency: str, contact: str | None) -> list[str]:
    whom = f"contact {contact}" if contact else "an invented contact"
    said = [f"{one.chain}, {one.step}, by {one.channel}, for {whom}, in {one.language}: {one.message}"]
    if one.refused is not None:
        return said
    heads = [("Subject", one.content.get("subject")), ("Preheader", one.content.get("preheader")),
             ("Title", one.content.get("title")), ("From", one.content.get("sender")),
             ("To", one.address.replace("\n", ", ")), ("Length", one.sms), ("Pages", one.pages),
             ("Cost", None if one.cost is None else f"{one.cost:f} {currency}")]
    said += [f"{name + ':':<10} {value}" for name, value in heads if value]
    return [*said, "", (one.content.get("script") or one.content.get("text", "")).rstrip()]


def _sent(proofs: list[Any], one: Any) -> list[str]:
    said = [f"Proof to {each.name} by {one.channel}: {each.outcome.replace('_', ' ')}{f' ({each.why})' if each.why else ''}."
            for each in proofs]
    return ["", *said] if said else []


def _next(one: Any, contact: str | None, to: str) -> list[str]:
    if one.refused is not None:
        return [f"It would not leave: {one.refused!r} has no value for this contact. Load one, or give the message a fall-back: "
                f"{{{{ {one.refused} or '…' }}}}"]
    if to:
        return []
    whom = f"--contact {contact}" if contact else "--invented"
    return ["", f"Next, a proof to people of the seed list: relance preview {one.chain} {one.step} {whom} --to NAME"]
