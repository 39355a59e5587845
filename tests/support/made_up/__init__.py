"""A task made up for a test, in the form in which `engine/tasks` has its own."""
