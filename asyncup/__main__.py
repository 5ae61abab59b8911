"""`python -m asyncup`."""

from asyncup.cli.main import main

main()
