"""The coroutines that move bytes: they know decisions and edges, and nothing of who watches."""
