"""What it costs to govern model calls, and whether limits are used and kept."""
