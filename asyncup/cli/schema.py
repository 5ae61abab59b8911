"""`asyncup schema`: the form of what `--json` writes."""

import json

from asyncup.cli.audience import Audience
from asyncup.cli.settings import Params
from asyncup.ui.renderer import Output
from asyncup.ui.schema import event_schema


def schema(_: Params, audience: Audience) -> int:
    """Write the JSON Schema of one line, and return the exit status."""
    Output(audience.output).write(json.dumps(event_schema(), indent=2))
    return 0
