"""Every path resolves to its own operation: what is fixed stands before what is a parameter."""

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import Match

import commands
import queries
from commands.routes import orders as order_commands
from commands.routes import payments as payment_commands
from commands.routes import webhooks
from queries import audit, catalogue, orders, payments

ID = "65f0000000000000000000ff"

OWN = (
    ("GET", "/api/products", catalogue.get_products),
    ("GET", "/api/products/featured", catalogue.get_featured),
    ("GET", "/api/products/search", catalogue.get_search),
    ("GET", "/api/products/category/Gold", catalogue.get_category),
    ("GET", f"/api/products/{ID}", catalogue.get_product),
    ("GET", f"/api/products/{ID}/recommendations", catalogue.get_recommendations),
    ("POST", "/api/orders", order_commands.post_order),
    ("GET", "/api/orders", orders.get_orders),
    ("GET", f"/api/orders/{ID}", orders.get_order),
    ("POST", f"/api/orders/{ID}/cancel", order_commands.post_cancel),
    ("POST", "/api/payments/create-intent", payment_commands.post_intent),
    ("POST", "/api/payments/confirm", payment_commands.post_confirmation),
    ("GET", "/api/payments/methods", payments.get_methods),
    ("GET", "/api/payments/history", payments.get_history),
    ("GET", f"/api/payments/{ID}", payments.get_payment),
    ("POST", "/api/webhooks/razorpay", webhooks.post_razorpay_webhook),
    ("GET", f"/api/audit/orders/{ID}/history", audit.get_order_history),
)


def routes() -> list[APIRoute]:
    """In the order in which `main.py` includes them."""
    routers: tuple[APIRouter, ...] = (*queries.ROUTERS, *commands.ROUTERS)
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize(("method", "path", "endpoint"), OWN)
def test_a_path_leads_to_its_own_operation(method: str, path: str, endpoint: object) -> None:
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    found = next(route for route in routes() if route.matches(scope)[0] is Match.FULL)
    assert found.endpoint is endpoint


def test_no_parameter_hides_what_is_fixed() -> None:
    seen: list[APIRoute] = []
    for route in routes():
        if "{" not in route.path:
            scope = {"type": "http", "path": route.path, "headers": []}
            for method in route.methods or ():
                hiding = [
                    earlier.path
                    for earlier in seen
                    if earlier.matches(scope | {"method": method})[0] is Match.FULL
                ]
                assert not hiding, f"{method} {route.path} is hidden by {hiding}"
        seen.append(route)
