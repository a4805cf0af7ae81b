"""Operators' and auditors' commands: `python -m cli --help`."""

import sys

import typer

from embedded.errors import EmbeddedError
from integrations.logs import configure_logs
from operators import (
    audit,
    doctor,
    local_shop,
    objects,
    parked,
    people,
    projections,
    reports,
    stream,
    tryon,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Kundan at the command line: audit history, look after read models, forget a person.",
)
app.add_typer(audit.app, name="audit")
app.add_typer(projections.app, name="projections")
app.add_typer(parked.app, name="parked")
app.add_typer(stream.app, name="stream")
app.add_typer(reports.app, name="reports")
app.add_typer(objects.app, name="objects")
app.add_typer(tryon.app, name="tryon")
app.command("doctor")(doctor.doctor)
app.command("erase-person")(people.erase_person)

if __name__ == "__main__":
    configure_logs("ERROR")
    try:
        local_shop.stand_beside()
    except EmbeddedError as fault:
        sys.exit(f"kundan: {fault}")
    app()
