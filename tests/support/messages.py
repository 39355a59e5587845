"""What no message of a validation error may hold."""

# Signs of a regular expression, and pydantic's mark of a check of ours.
FOREIGN = ("pattern", "Value error", "[", "{", "^")
