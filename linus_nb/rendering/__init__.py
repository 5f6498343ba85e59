"""Pictures and text made from a graph's shape and, where there is one, the record of a run."""
