"""The commands, one module each, loaded only when called; ``perftui.cli`` lists them."""
