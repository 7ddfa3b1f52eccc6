"""A run says which process makes it, so that one whose process has died is found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run", sa.Column("process", sa.Text()))
    op.create_index("run_in_state", "run", ["state"])
