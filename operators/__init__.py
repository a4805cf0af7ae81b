"""What operators and auditors do at the command line; `cli.py` lists the commands."""
