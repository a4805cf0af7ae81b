"""Plain CRUD as a competent engineer would write it from the specification: FastAPI and Motor, majority and
journal, no events. `uvicorn benchmarks.side_by_side.crud:app`, with MONGODB_URL and JWT_SECRET_KEY.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
from bson import ObjectId
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel, Field

app = FastAPI()
client: Any = AsyncIOMotorClient(os.environ["MONGODB_URL"], w="majority", journal=True)
db = client["crud"]
SECRET = os.environ["JWT_SECRET_KEY"]


def shown(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, ObjectId) else value
        for name, value in document.items()
    }


async def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> dict[str, Any]:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as e:
        raise HTTPException(401, "not a valid token") from e
    user = await db.users.find_one({"_id": ObjectId(claims["sub"])})
    if user is None:
        raise HTTPException(401, "no such user")
    return dict(user)


class Registration(BaseModel):
    email: str
    firstName: str


@app.post("/api/auth/register", status_code=201)
async def register(body: Registration) -> dict[str, Any]:
    made = await db.users.insert_one({**body.model_dump(), "createdAt": datetime.now(UTC)})
    until = datetime.now(UTC) + timedelta(hours=1)
    token = jwt.encode({"sub": str(made.inserted_id), "exp": until}, SECRET, algorithm="HS256")
    return {"success": True, "data": {"accessToken": token}}


async def _list(query: dict[str, Any], page: int, limit: int) -> dict[str, Any]:
    found = db.products.find(query).sort("createdAt", -1).skip((page - 1) * limit).limit(limit)
    products = [shown(product) async for product in found]
    return {"success": True, "data": products, "total": await db.products.count_documents(query)}


@app.get("/api/products")
async def list_products(page: int = 1, limit: int = 20) -> dict[str, Any]:
    return await _list({}, page, limit)


@app.get("/api/products/category/{category}")
async def list_category(category: str, page: int = 1, limit: int = 20) -> dict[str, Any]:
    return await _list({"category": category}, page, limit)


@app.get("/api/products/{product_id}")
async def get_product(product_id: str) -> dict[str, Any]:
    product = await db.products.find_one({"_id": ObjectId(product_id)})
    if product is None:
        raise HTTPException(404, "no such product")
    return {"success": True, "data": shown(product)}


class Item(BaseModel):
    productId: str
    quantity: int = Field(ge=1, le=10)


class Address(BaseModel):
    street: str
    city: str
    state: str
    zipCode: str
    country: str


class NewOrder(BaseModel):
    items: list[Item]
    shippingAddress: Address


@app.post("/api/orders", status_code=201)
async def create_order(
    body: NewOrder, user: Annotated[dict[str, Any], Depends(current_user)]
) -> dict[str, Any]:
    items = []
    for item in body.items:
        product = await db.products.find_one_and_update(
            {"_id": ObjectId(item.productId), "stock": {"$gte": item.quantity}},
            {"$inc": {"stock": -item.quantity}},
        )
        if product is None:
            raise HTTPException(409, "not enough in stock")
        items.append(
            {
                "productId": product["_id"],
                "productName": product["name"],
                "productImage": product["images"][0],
                "quantity": item.quantity,
                "price": product["price"],
                "isPreorder": False,
            }
        )
    now = datetime.now(UTC)
    order = {
        "userId": user["_id"],
        "items": items,
        "totalAmount": sum(i["price"] * i["quantity"] for i in items),
        "status": "pending",
        "paymentStatus": "pending",
        "shippingAddress": body.shippingAddress.model_dump(),
        "billingAddress": body.shippingAddress.model_dump(),
        "estimatedDelivery": now + timedelta(days=5),
        "createdAt": now,
        "updatedAt": now,
    }
    await db.orders.insert_one(order)
    order["items"] = [shown(i) for i in items]
    return {"success": True, "data": shown(order)}


@app.on_event("startup")
async def prepare() -> None:
    await db.products.create_index([("createdAt", -1)])
    await db.products.create_index([("category", 1), ("createdAt", -1)])
    await db.orders.create_index([("userId", 1), ("createdAt", -1)])
