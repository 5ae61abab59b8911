"""`asyncup schema`: the form of what `--json` writes."""

import json

from asyncup.ui.renderer import Output, Writable
from asyncup.ui.schema import event_schema


def print_schema(output: Writable) -> None:
    """Write the JSON Schema of one line."""
    Output(output).write(json.dumps(event_schema(), indent=2))
