"""What stands around every route: plain ASGI, one file for each concern, put in order by `stack.py`."""
