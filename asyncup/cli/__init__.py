"""The command: options in, exit code out; the one place where an error becomes text."""
