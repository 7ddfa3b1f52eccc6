"""`relance`: the commands of the house. Heavy libraries are imported by the command that needs them."""

from importlib.metadata import version
from typing import Annotated

import typer

from flows.cli import (
    approving, chain_commands, connectors_commands, deploying, doctor, explaining, figures, going_live, journaling,
    loading, looking, moving, previewing, rehearsing, replaying, seed_commands, serving, stopping, up,
)
from flows.cli.answering import Commands

__all__ = ["app"]

app = typer.Typer(
    name="relance", cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Prospecting and loyalty chains over a whole contact base.",
    epilog="Settings: RELANCE_HOME (default var), RELANCE_LEDGER_URL, RELANCE_WAREHOUSE_URL; house.toml and policy.toml "
           "in the home.")

app.command()(loading.load)
app.command("pass")(moving.one_pass)
app.command()(rehearsing.rehearse)
app.command()(moving.send)
app.command()(moving.collect)
app.command()(explaining.explain)
app.command()(replaying.replay)
app.command()(figures.report)
app.command()(figures.reconcile)
app.command()(looking.status)
app.command()(looking.sql)
app.command()(approving.approvals)
app.command()(approving.approve)
app.command()(approving.reject)
app.add_typer(chain_commands.family, name="chains")
app.add_typer(connectors_commands.family, name="connectors")
app.command()(stopping.stop)
app.command()(stopping.stops)
app.command()(stopping.release)
app.command()(stopping.withdraw)
app.command()(previewing.preview)
app.add_typer(seed_commands.family, name="seeds")
app.command()(moving.maintain)
app.command()(journaling.journal)
app.command()(going_live.backup)
app.command("go-live")(going_live.go_live)
app.command()(up.up)
app.command()(deploying.deploy)
app.command()(serving.serve)
app.command()(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("relance"))
        raise typer.Exit


@app.callback()
def relance(
    show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Prospecting and loyalty chains over a whole contact base."""
