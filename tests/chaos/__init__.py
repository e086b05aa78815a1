"""Everything that can die, hang, lie or fill up does so under load; afterwards the books must be in order.

`make chaos`, or `python -m tests.chaos --help`.
"""
