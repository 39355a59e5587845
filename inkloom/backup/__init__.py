"""Makes backups, and restores them: `engine.backup` knows how they look, this package talks to the servers."""
