"""A router is asked only about what is below its prefix, wherever the application is mounted."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

import commands
import queries
from dependencies.routers import PrefixRouter


def app_of(*prefixes: str) -> FastAPI:
    app = FastAPI()
    for prefix in prefixes:
        router = PrefixRouter(prefix=prefix)

        @router.get("/{name}")
        async def get_it(name: str, request: Request) -> dict[str, Any]:
            return {"name": name, "path": request.scope["route"].path}

        app.include_router(router)
    return app


@pytest.mark.parametrize("root", ["", "/shop", "/ring"])
@pytest.mark.parametrize("prefix", ["/rings", "/chains"])
async def test_each_address_finds_its_route_behind_a_proxy_too(root: str, prefix: str) -> None:
    transport = httpx.ASGITransport(app_of("/rings", "/chains"), root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        for path in {f"{root}{prefix}/gold", f"{prefix}/gold"}:
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["name"]) == (200, "gold")
        assert (await client.get("/bangles/gold")).status_code == 404
        assert (await client.post(f"{prefix}/gold")).status_code == 405


def test_every_router_of_ours_is_such_a_one_and_its_prefix_has_no_parameters() -> None:
    for router in (*commands.ROUTERS, *queries.ROUTERS):
        assert isinstance(router, PrefixRouter)
        assert "{" not in router.prefix
