"""The demo: recorded callers against a real server, with a person or a scripted operator to take over."""

from voice_hitl.demo.play import run_demo

__all__ = ["run_demo"]
