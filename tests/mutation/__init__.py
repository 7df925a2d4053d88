"""Mutation tests: small faults put into the package at random, and the tests that ought to notice them.

    python -m tests.mutation --seed 1 --count 400          # minutes to hours; not part of CI

`mutants.py` lists what can be changed in a module, `covering.py` knows which tests run a line, `trial.py`
runs these tests over a copy of the checkout that has one change, `__main__.py` draws and reports.
``equivalent.toml`` names the survivors that no test can notice, each with the reason.
"""
