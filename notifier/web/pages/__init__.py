"""The page: what runs, what ended, what was told to whom, and what happens next, rendered on the server.

Each module of a page has a pure function from resources to the context of its template, and a router. `renderer.py`
renders; `rows.py` renders single rows, for the live updates; `charts.py` draws.
"""
