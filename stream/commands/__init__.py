"""The groups of `audit-stream`'s commands."""
