"""Reads a workbook in a process of its own, with limits on memory, processor time and files.

It imports nothing else of ours, so it starts fast and knows no secret. `integrations/tabular/workbook.py`
starts it; `__main__.py` says what goes in and out.
"""
