"""Recognition and synthesis: protocols, engines, and the worker processes they run in."""
