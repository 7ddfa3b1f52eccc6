"""What Alembic runs for every command: the connection it was given, its transaction left to who opened it."""

from alembic import context

from warehouse.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
