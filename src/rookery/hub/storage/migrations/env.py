"""What alembic runs: the migrations, on the connection and in the transaction that it is given."""

from __future__ import annotations

from alembic import context

from rookery.hub.storage.tables import metadata

if __name__ == "env_py":  # the name under which alembic loads this file
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
