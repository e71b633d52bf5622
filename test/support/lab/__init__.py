"""Starts real servers on free loopback ports, for the end-to-end stories, the benchmarks and hack/demo.

Every process is ended by its own pid, and by the kernel when we die before we could.
"""
