"""Read models: how far they are, and filling one anew while the old one serves."""

from typing import Annotated, Any

import typer
from rich.table import Table

from dependencies.reading import ReadingServices
from integrations.read_models import MongoReadModels
from integrations.rebuilding import MongoBuilding
from operators.running import bar, console, with_services
from projections import PROJECTIONS
from projections.projection import Projection
from projections.rebuild import rebuild

app = typer.Typer(no_args_is_help=True, help="Read models: their state, and rebuilding them.")

BY_NAME = {projection.name: projection for projection in PROJECTIONS}


@app.command()
def status() -> None:
    """Position, lag, version and parked events of every projection."""

    async def work(services: ReadingServices) -> Table:
        read_models = MongoReadModels(services.read_models)
        standing = await read_models.standing()
        end = await services.store.last_position()
        table = Table("projection", "documents", "version", "position", "behind by", "parked")
        for projection in PROJECTIONS:
            parked = await services.read_models["parked"].count_documents(
                {"projection": projection.name}
            )
            documents = await services.read_models[projection.name].estimated_document_count()
            table.add_row(
                projection.name,
                str(documents),
                _version(projection, standing.versions.get(projection.name)),
                str(standing.position),
                str(end - standing.position),
                str(parked),
            )
        return table

    console.print(with_services(work))


def _version(projection: Projection, stored: int | None) -> str:
    if stored == projection.version:
        return str(stored)
    return f"{stored} (this build has {projection.version}: its worker moves it)"


def _known(name: str) -> Projection:
    if name not in BY_NAME:
        raise typer.BadParameter(f"there is no {name}; there are {', '.join(sorted(BY_NAME))}")
    return BY_NAME[name]


@app.command("rebuild")
def rebuild_projection(
    name: Annotated[str, typer.Argument(help="a collection: orders")],
) -> None:
    """Fill a projection anew from the ledger, beside the one that serves, and move it in."""
    projection = _known(name)

    async def work(services: ReadingServices) -> int:
        building: Any = MongoBuilding(
            services.read_models, projection.name, version=projection.version
        )
        with bar() as progress:
            task = progress.add_task(f"rebuilding {name}", total=None)
            return await rebuild(
                projection,
                building=building,
                history=services.store,
                progress=lambda position, end: progress.update(task, completed=position, total=end),
            )

    console.print(f"{name} was rebuilt up to position {with_services(work)}")
