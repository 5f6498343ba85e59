"""What governs model calls: limits that many share."""
