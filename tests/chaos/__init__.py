"""Chaos, bounded and on loopback: whole processes under faults that a seed chooses, and a look from outside at the end.

python -m tests.chaos --concepts 300 --seed 7
"""
