"""Calls functions of the imaging pipeline in a process of its own, with limits on memory and processor time.

It imports nothing else of ours but the pipeline, and is given no secret: pictures come from strangers.
`integrations/imaging_pool.py` starts it; `__main__.py` says what goes in and out.
"""
