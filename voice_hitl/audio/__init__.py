"""Pure audio: what happens to samples, without I/O, threads or a clock.

Everywhere: 8 kHz mono; mu-law as `bytes` (one a sample), linear as little-endian int16, either as `bytes`
or as C-contiguous numpy arrays. Audio time is seconds since a stream's first sample.
"""
