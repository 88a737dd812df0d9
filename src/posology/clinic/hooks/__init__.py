"""Decision support inside a hospital's own screens: CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0), as plain data, no server.

services.py   what is offered, and which data each hook asks for
request.py    what a hospital's system sends, and the record in it
drafts.py     the dose of a draft order
cards.py      a recommendation as cards
feedback.py   what a clinician did with a card
checked.py    sentences for what is wrong, with the path
"""
