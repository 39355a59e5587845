"""Plain ASGI middleware, one file for each concern; `stack.py` puts them in order."""
