"""`python -m demo`: a shop's nine months from first file to report, in one command."""

import argparse
import os
import shutil
import sys
from datetime import date
from pathlib import Path

from flows.cli.prefect_server import PrefectServer, ServerFailed, prefect_environment

HERE = Path(__file__).parent
SETTINGS = ("house.toml", "policy.toml")


class NotADemo(Exception):
    """The folder holds something that the demo did not put there."""


def main() -> int:
    """Play the demo; returns the exit code."""
    asked = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    asked.add_argument("--home", type=Path, default=Path("var/demo"), help="folder to play in; emptied first (%(default)s)")
    asked.add_argument("--until", type=date.fromisoformat, default="1998-06-30", help="the last day to play (%(default)s)")
    asked.add_argument("--one-of", type=int, default=1, metavar="N", help="one customer of N takes part (%(default)s)")
    options = asked.parse_args()
    home = options.home
    try:
        fresh(home)
        with PrefectServer(home / "prefect") as server:
            environment(home, server)
            from demo.show import show  # Prefect reads the environment once, when it is imported

            return 0 if show(home, server, last=options.until, one_of=options.one_of) else 1
    except (NotADemo, ServerFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: stopped; make demo begins again.", file=sys.stderr)
        return 130


def fresh(home: Path) -> None:
    """An empty folder with the demo's settings. Raises NotADemo rather than delete what is not the demo's."""
    if home.exists() and any(home.iterdir()):
        settings = home / "house.toml"
        if not settings.is_file() or 'environment = "demo"' not in settings.read_text(encoding="utf-8"):
            raise NotADemo(f"{home} holds something else than an earlier demo; name another folder with --home, or empty it.")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    for name in SETTINGS:
        shutil.copyfile(HERE / name, home / name)


def environment(home: Path, server: PrefectServer) -> None:
    """What Relance and Prefect go by in this process: the demo's home and its server, and nothing of the shell's."""
    for name in [name for name in os.environ if name.startswith(("RELANCE_", "PREFECT_"))]:
        del os.environ[name]
    os.environ |= prefect_environment(home.absolute() / "prefect") | {
        "RELANCE_HOME": str(home), "PREFECT_API_URL": server.api, "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"}


if __name__ == "__main__":
    sys.exit(main())
