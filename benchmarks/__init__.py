"""Measurements and studies. OpenMP threads wait as in every command of stgraph."""

from stgraph.processes import wait_passively

wait_passively()
