"""How well a model does on 30 small tasks that a person in a notebook would give it, each with an answer to check."""
