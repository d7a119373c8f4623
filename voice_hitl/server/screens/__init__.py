"""What the operators' consoles are shown, a module for each service that shows something.

A screen remembers what stands on the consoles, for windows that are opened later, and sends what changes by
the functions that it is given: `tell` to one operator's windows, `tell_all` to everybody's.
"""
