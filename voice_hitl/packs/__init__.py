"""Packs shipped with the server: each folder is what an agent says, knows and may do, as data."""
