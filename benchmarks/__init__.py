"""What linus_nb costs, measured against what cannot be beaten: a bare asyncio loop, and the critical path."""
