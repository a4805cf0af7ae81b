"""What an endpoint may ask for, a module for each question.

`services` what the processes share · `reading`, `documents` the read models · `answers` how they are shown ·
`caller` who is calling · `limits` how often · `lists` a page, and how fresh · `executor` carries a command
out.
"""
