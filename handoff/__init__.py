"""When and to whom a call is handed off: decisions only, no I/O."""
