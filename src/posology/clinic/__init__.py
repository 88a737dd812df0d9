"""Where it is used: the data layer of the workbench. Needs the extra `clinic`.

`tables` says what is kept, `store` reads and writes it, `audit` chains every write, `portable` and `backup`
move it between databases. Nothing here knows the web.
"""
