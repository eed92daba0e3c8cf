"""``python -m perftui``."""

from perftui.cli import main

main()
