"""`python -m graphmml` is the command `graphmml`."""

from graphmml.cli.main import main

main()
