"""Measurements and studies. Threads without work sleep, as in every command of stgraph."""

from stgraph.processes import wait_passively

wait_passively()
