"""One call: the way in, turn-taking, the way out, the operator's bridge, and the task that owns them all."""
