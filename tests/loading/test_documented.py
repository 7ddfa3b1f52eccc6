"""The page on loading says what the code does."""

from pathlib import Path

from warehouse.loading.documented import renewed

PAGE = Path(__file__).resolve().parents[2] / "docs" / "loading.md"


def test_columns_are_documented():
    """The columns in the page are those of the code; renew them by python -m warehouse.loading.documented docs/loading.md."""
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text
