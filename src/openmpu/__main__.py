"""`python -m openmpu`: the command line."""

from openmpu.cli import main

main()
