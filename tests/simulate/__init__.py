"""A month of many workspaces through the real handlers, ledger and guards, on a virtual clock: ``make simulate``.

`load` is what happens, `edges` are Azure's limits, `play` is the service and its host, `promise` what must hold,
`result` what it cost and how long it took, `plot` the picture of it.
"""
