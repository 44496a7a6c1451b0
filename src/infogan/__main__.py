"""`python -m infogan` is the `infogan` command."""

from infogan.cli import main

main()
