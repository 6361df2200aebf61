"""Rows, transactions and the outbox. Nothing here decides anything."""
