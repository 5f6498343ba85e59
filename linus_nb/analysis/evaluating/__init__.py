"""Cases put to an agent or a graph, and scored."""
