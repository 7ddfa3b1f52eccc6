"""Programs that some tests need: a newcomer may do without them; CI installs them, and there their absence is a fault."""

import os
import shutil

import pytest

__all__ = ["missing", "needs"]


def needs(program: str) -> None:
    """End the test where a program, of the package of that name, is not installed."""
    if not shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
        missing(program)


def missing(package: str) -> None:
    """End the test that needs a package: skipped, in CI failed."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{package} is not installed: apt-get install {package}")
