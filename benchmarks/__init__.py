"""How fast it is, beside the peers: ``python -m benchmarks --help``. ``README.md`` has the questions."""
