"""`relance seeds`: the people of the house who get a copy of each live wave, and to whom proofs go."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from flows.cli.answering import USAGE, Answer, Refused, answers

__all__ = ["add", "family", "listing", "remove"]

family = typer.Typer(help="Keep the seed list: people of your house who see each message as it leaves.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="As you call the person in commands.", show_default=False)]


@family.command()
@answers
def add(
    name: Name,
    email: Annotated[str, typer.Option("--email", metavar="ADDRESS", help="For e-mail.", show_default=False)] = "",
    phone: Annotated[str, typer.Option("--phone", metavar="NUMBER", show_default=False,
                                       help="For SMS, calls and voice messages.")] = "",
    address: Annotated[str, typer.Option("--address", metavar="LINES", show_default=False,
                                         help='For letters: "12 rue Haute; 57000 Metz".')] = "",
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", show_default=False,
                                                 help="In which copies are written; else the house's.")] = None,
) -> Answer:
    """Add a person of your house, with an address of each kind that you want copies by.

    From now on they get one copy of each message of every wave, by each channel they have an address for.
    """
    from flows.cli import running
    from warehouse import seeds

    wired = running.opened()
    house, now = wired.warehouse.house, wired.warehouse.clock.now()
    language = house.language if language is None else language
    if not name.strip() or "," in name:
        raise Refused("a seed needs a name without commas, such as anne.", USAGE)
    if len(language) != 2 or not language.islower():
        raise Refused(f"--language {language!r} is no language; accepted: two small letters, such as fr.", USAGE)
    addresses = _addresses(email, phone, address, house.country)
    try:
        made = seeds.add(wired.warehouse.ledger, running.who(), name.strip(), language, addresses, now=now)
    except seeds.SeedExists as error:
        raise Refused(str(error), USAGE) from None
    said = f"{made.name} gets a copy of each wave's messages, by {', '.join(made.kinds)}, in {made.language}."
    return Answer(asdict(made), [said, f"Next: relance preview CHAIN STEP --invented --to {made.name}"])


@family.command("list")
@answers
def listing() -> Answer:
    """List the seeds with their addresses, and which messages were copied to them."""
    from flows.cli import running
    from flows.cli.showing import moment, table
    from warehouse import seeds

    wired = running.opened()
    ledger, zone = wired.warehouse.ledger, wired.warehouse.house.zone
    found, copied = seeds.seeds(ledger), seeds.copies(ledger)
    shown: list[Any] = [table(["Name", "Language", "E-mail", "Phone", "Letters to"], [
        (one.name, one.language, one.address("email"), one.address("sms"),
         (one.address("post") or "").partition("\n")[2].replace("\n", ", ") or None) for one in found])
        if found else "Nobody is on the seed list. Next: relance seeds add NAME --email ADDRESS"]
    if copied:
        shown.append(table(["Copied at", "Chain", "Step", "Wave#", "By", "Copies"], [
            (moment(one["at"], zone), one["chain"], one["step"], one["wave"], one["channel"], _came(one["came"]))
            for one in copied], title=f"Copies (times in {zone})"))
    return Answer({"seeds": [asdict(one) for one in found], "copies": copied}, shown)


@family.command()
@answers
def remove(name: Name) -> Answer:
    """Take a person off the seed list; their addresses are deleted."""
    from flows.cli import running
    from warehouse import seeds

    wired = running.opened()
    try:
        gone = seeds.remove(wired.warehouse.ledger, running.who(), name, now=wired.warehouse.clock.now())
    except seeds.NoSuchSeed as error:
        raise Refused(str(error), USAGE) from None
    return Answer({"removed": gone.id}, [f"{gone.name} gets no more copies; the addresses are deleted."])


def _came(came: dict[str, int] | None) -> str:
    if came is None:
        return "not known: the sender ended over it"
    return ", ".join(f"{many} {outcome.replace('_', ' ')}" for outcome, many in sorted(came.items())) or "none"


def _addresses(email: str, phone: str, address: str, country: str) -> dict[str, Any]:
    """The addresses as they are kept. Raises Refused, which repeats none of them."""
    from marketing import addresses
    from marketing.postal import postal

    given = {"email": (email, addresses.email), "phone": (phone, lambda text: addresses.phone(text, country)),
             "post": (address, lambda text: postal(text, country))}
    if not any(text for text, _ in given.values()):
        raise Refused("a seed needs an address: give --email, --phone or --address.", USAGE)
    found = {}
    for kind, (text, read) in given.items():
        try:
            found[kind] = read(text) if text else None
        except addresses.NotAnAddress as error:
            option = {"post": "address"}.get(kind, kind)
            raise Refused(f"--{option} cannot be used: {error}.", USAGE) from None
    return found
