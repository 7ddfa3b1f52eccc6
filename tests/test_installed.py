"""Where a program is missing: a newcomer's tests go on without it, those of CI do not."""

import pytest

from tests.installed import needs


@pytest.mark.parametrize(("environment", "ended_by"), [({}, pytest.skip.Exception), ({"CI": "true"}, pytest.fail.Exception)])
def test_a_missing_program(environment, ended_by, monkeypatch):
    """Without CI the test is skipped; in CI it fails. Both say what to install."""
    monkeypatch.delenv("CI", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ended_by, match="apt-get install no-such-program"):
        needs("no-such-program")


def test_a_program_that_is_there():
    """Nothing is said of what is installed."""
    needs("sh")
