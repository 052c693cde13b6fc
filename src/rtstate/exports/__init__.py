"""Exports: a snapshot in the forms that others read."""
