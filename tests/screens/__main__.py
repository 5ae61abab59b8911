"""Make docs/screens anew: `python -m tests.screens`; with `--record`, also the run in them."""

import argparse
import sys

from tests.screens.pictures import PICTURES, PLACE, RECORDING, screen_of
from tests.screens.recording import load, save
from tests.screens.run import record


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description=__doc__)
    parser.add_argument("--record", action="store_true", help="run it once more, on a real server")
    if parser.parse_args().record:
        save(record(), RECORDING)
    moments = load(RECORDING)
    for name in PICTURES:
        screen = screen_of(name, moments)
        (PLACE / f"{name}.txt").write_text(screen.text(), encoding="utf-8")
        (PLACE / f"{name}.svg").write_text(screen.svg(), encoding="utf-8")
        sys.stdout.write(f"{PLACE / name}.svg\n")


main()
