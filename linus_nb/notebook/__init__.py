"""What a person sees and does in a notebook while something runs there. Nothing here is loaded before."""
