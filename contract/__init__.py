"""The API's contract: what every operation is called, takes and answers. `/openapi.json` is made of it.

`operations` names each operation and its answers · `told` are answers that are no documents · `schemas` makes
JSON Schema of shapes · `document` puts it together. Tests hold every answer of every test to it.
"""
