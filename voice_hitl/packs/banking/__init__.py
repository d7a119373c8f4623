"""Pack for a retail bank's telephone line; `bank.py` is the small bank behind its tools."""
