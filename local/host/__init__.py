"""The Functions host of the offline twin: Microsoft's own Python worker runtime behind a small HTTP server.

`python -m local.host` runs it; :class:`local.host.process.LocalHost` starts and stops that from Python, and
:class:`local.host.worker.Worker` drives the worker runtime inside the calling process.
"""
