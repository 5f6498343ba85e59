"""Nodes, edges, the plan made of them, and the state that runs share."""
