"""See in the terminal what the network was doing at each moment of a browser session."""

__version__ = "0.1.0"
