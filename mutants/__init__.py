"""Mutation testing: `python -m mutants _order`. What it breaks and how it reads is in README.md."""
