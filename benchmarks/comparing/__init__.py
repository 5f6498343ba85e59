"""What `linus_nb.benchmark` itself costs, and what it finds: the seed's tables, the embedded model."""
