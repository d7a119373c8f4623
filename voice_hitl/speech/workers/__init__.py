"""Watched worker processes: the frames on their sockets, the pool that keeps them alive, their tasks.

A worker process hosts one engine and any number of leases. The parent (`pool`, `process`) restarts it
when it dies or hangs; the child (`voice_hitl.speech.worker_main`) runs the tasks of its leases, a slice
at a time (`tasks`). `frames` is what they say to each other, `options` what makes an engine.
"""
