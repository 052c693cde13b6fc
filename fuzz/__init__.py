"""Coverage-guided fuzzing: `python -m fuzz feed`. The targets themselves need no fuzzer; see README.md."""
