"""Learning from what people decided, and deciding past calls again: the shell around `handoff.learning`."""
