"""The engine: it alone starts tasks and emits events."""
