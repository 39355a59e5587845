"""The offline answers of tasks made up for a test."""
