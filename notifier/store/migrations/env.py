"""Runs the migrations over the connection that `notifier.store.migrate` hands in."""

from alembic import context

from notifier.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
