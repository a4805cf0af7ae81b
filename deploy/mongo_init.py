"""Form the replica set of `docker-compose.yml` and make its two users; safe to run at every start.

Reads MONGO_MEMBER (the member's address as clients see it), MONGO_ADMIN_PASSWORD and
MONGO_PASSWORD. MongoDB lets a connection from its own host do this while there is no user yet,
so this runs in the network of the mongo container; afterwards it signs in as the administrator.
"""

import os
import sys
import time
from typing import Any

import pymongo
from pymongo.errors import OperationFailure

PRIMARY_TIMEOUT_SECONDS = 60.0
UNAUTHORIZED, ALREADY_INITIALIZED, USER_EXISTS = 13, 23, 51003  # MongoDB's error codes

Client = pymongo.MongoClient[dict[str, Any]]


def connect(port: int, *, password: str | None = None) -> Client:
    return pymongo.MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        timeoutMS=10_000,
        username=None if password is None else "admin",
        password=password,
    )


def form_the_set(client: Client, member: str) -> None:
    configuration = {"_id": "rs0", "members": [{"_id": 0, "host": member}]}
    try:
        client.admin.command("replSetInitiate", configuration)
    except OperationFailure as refusal:
        if refusal.code not in {ALREADY_INITIALIZED, UNAUTHORIZED}:
            raise
    deadline = time.monotonic() + PRIMARY_TIMEOUT_SECONDS
    while not client.admin.command("hello").get("isWritablePrimary"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{member} did not become primary: see the log of mongo.")
        time.sleep(0.1)


def make_the_administrator(client: Client, password: str) -> None:
    roles = [{"role": "root", "db": "admin"}]
    try:
        client.admin.command("createUser", "admin", pwd=password, roles=roles)
    except OperationFailure as refusal:
        if refusal.code not in {UNAUTHORIZED, USER_EXISTS}:
            raise


def make_the_shops_user(client: Client, *, database: str, password: str) -> None:
    """Reads and writes its own database and the one with people's keys; no other."""
    names = (database, f"{database}_keys")
    roles = [{"role": role, "db": name} for name in names for role in ("readWrite", "dbAdmin")]
    exists = client.admin.command("usersInfo", "kundan")["users"]
    command = "updateUser" if exists else "createUser"
    client.admin.command(command, "kundan", pwd=password, roles=roles)


def main() -> None:
    member, administrator = os.environ["MONGO_MEMBER"], os.environ["MONGO_ADMIN_PASSWORD"]
    port = int(member.rpartition(":")[2])
    with connect(port) as client:
        form_the_set(client, member)
        make_the_administrator(client, administrator)
    with connect(port, password=administrator) as client:
        password = os.environ["MONGO_PASSWORD"]
        make_the_shops_user(client, database="jewelry_store", password=password)
    sys.stdout.write(f"{member} is a primary with its users.\n")


if __name__ == "__main__":
    main()
