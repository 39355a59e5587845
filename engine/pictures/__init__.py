"""Opens pictures from outside in separate processes, and scores drafts."""
