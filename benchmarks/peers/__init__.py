"""The same graphs on bare asyncio, on linus_nb and on its peers, in turn, with every node's result checked."""
