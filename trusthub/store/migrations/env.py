"""Run by Alembic: migrations go over the connection that store.migrate opened, inside its transaction."""

from alembic import context

from trusthub.store.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
