"""Agents: the protocol, the pack-driven flow agent, understanding and tools."""
