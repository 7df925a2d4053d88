"""php_streams against php-cli and the plain standard library, on loopback: ``python -m tests.bench``.

A row of ``goals.toml`` names a workload, the peer it talks to and the goal. The workload is written three
times, under one name: ``php/``, ``stdlib/`` (as people write it without this package) and ``workloads/``
(with php_streams).
"""
