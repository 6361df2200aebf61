"""`python -m trusthub` is the `trusthub` command."""

from trusthub.cli import main

main()
