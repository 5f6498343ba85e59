"""From records to numbers: critical path and slack, tables for pandas, and modes of one graph against each other."""
