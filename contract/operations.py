"""Every operation of the API, by method and path: its name, which never changes, and what it answers with.

A route without a line here fails a test, and so does a line without a route.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract import told
from projections.accounts import UserDocument
from projections.consents import ConsentDocument
from projections.images import ImageDocument
from projections.imports import ImportDocument
from queries.accounts import SessionShown
from queries.catalogue import ProductAlike, ProductForStaff, ProductShown
from queries.consents import NeverAsked
from queries.orders import OrderShown
from queries.payments import PaymentShown
from queries.product_facets import Facets
from queries.sharing import SharedShown
from queries.tryon import ResultBesidePhotograph, ResultShown


@dataclass(frozen=True, kw_only=True)
class Data:
    """The envelope `{"success": true, "data": …}`."""

    shapes: tuple[Any, ...] = ()
    """One of these; none: `data` is null."""
    listed: bool = False
    pagination: str | None = None
    """The component that `pagination` is."""
    meta: bool = False
    beside: tuple[Any, Any] | None = None
    """Two shapes in one object: of the first no field must be there."""
    order: Any = None


@dataclass(frozen=True)
class Bare:
    """JSON without the envelope."""

    shape: Any


@dataclass(frozen=True)
class File:
    media_type: str


@dataclass(frozen=True)
class Nothing:
    """No body."""


Answer = Data | Bare | File | Nothing


@dataclass(frozen=True)
class Operation:
    id: str
    answers: Mapping[int, Answer]
    refused_as_page: tuple[int, ...] = field(default=())
    """Statuses that answer with a page and no problem document."""


def one(*shapes: Any) -> dict[int, Answer]:
    return {200: Data(shapes=shapes)}


def page(shape: Any) -> dict[int, Answer]:
    return {200: Data(shapes=(shape,), listed=True, pagination="Pagination")}


def command(*shapes: Any, status: int = 200) -> dict[int, Answer]:
    """The document, or its name with 202 when the read models do not show it in time."""
    if status == 202:
        return {202: Data(shapes=(*shapes, told.Named))}
    return {status: Data(shapes=shapes), 202: Data(shapes=(told.Named,))}


def public(answers: dict[int, Answer]) -> dict[int, Answer]:
    """What lies ready in the shop window answers 304 to who has it."""
    return answers | {304: Nothing()}


DONE: Mapping[int, Answer] = {200: Data()}
GONE: Mapping[int, Answer] = {204: Nothing()}
TOKENS = Data(shapes=(told.Tokens,))
PRODUCT = (ProductShown, ProductForStaff)

OPERATIONS: Mapping[str, Operation] = {
    "GET /health/live": Operation("getLiveness", {200: Bare(told.Live)}),
    "GET /health/ready": Operation("getReadiness", {200: Bare(told.Ready)}),
    "GET /metrics": Operation("getMetrics", {200: File("text/plain")}),
    # accounts
    "POST /api/auth/register": Operation("register", {201: TOKENS}),
    "POST /api/auth/login": Operation("logIn", {200: TOKENS}),
    "POST /api/auth/refresh": Operation("refreshTokens", {200: TOKENS}),
    "POST /api/auth/logout": Operation("logOut", DONE),
    "GET /api/auth/me": Operation("getMe", one(UserDocument)),
    "PUT /api/auth/profile": Operation("changeProfile", command(UserDocument)),
    "POST /api/auth/change-password": Operation("changePassword", command(UserDocument)),
    "POST /api/auth/forgot-password": Operation(
        "forgotPassword", {202: Data(shapes=(told.Message,))}
    ),
    "POST /api/auth/reset-password": Operation("resetPassword", DONE),
    "DELETE /api/auth/account": Operation("eraseAccount", DONE),
    "GET /api/auth/sessions": Operation("listSessions", page(SessionShown)),
    "DELETE /api/auth/sessions/{session_id}": Operation("endSession", DONE),
    "GET /api/admin/users": Operation("listUsers", page(UserDocument)),
    "GET /api/admin/users/{user_id}": Operation("getUser", one(UserDocument)),
    "PUT /api/admin/users/{user_id}/roles": Operation("setRoles", command(UserDocument)),
    # products
    "GET /api/products": Operation("listProducts", public(page(ProductShown))),
    "POST /api/products": Operation("createProduct", command(ProductForStaff, status=201)),
    "GET /api/products/featured": Operation("listFeatured", public(page(ProductShown))),
    "GET /api/products/search": Operation("searchProducts", public(page(ProductShown))),
    "GET /api/products/facets": Operation("countFacets", public(one(Facets))),
    "GET /api/products/category/{category}": Operation("listCategory", public(page(ProductShown))),
    "GET /api/products/overlays": Operation("listOverlays", page(ProductForStaff)),
    "GET /api/products/{product_id}": Operation("getProduct", public(one(*PRODUCT))),
    "GET /api/products/{product_id}/recommendations": Operation(
        "listRecommendations", public({200: Data(shapes=(ProductAlike,), listed=True)})
    ),
    "PATCH /api/products/{product_id}": Operation("changeProduct", command(ProductForStaff)),
    "DELETE /api/products/{product_id}": Operation("archiveProduct", command(ProductForStaff)),
    "POST /api/products/{product_id}/restore": Operation(
        "restoreProduct", command(ProductForStaff)
    ),
    "PUT /api/products/{product_id}/feature": Operation("featureProduct", command(ProductForStaff)),
    "DELETE /api/products/{product_id}/feature": Operation(
        "unfeatureProduct", command(ProductForStaff)
    ),
    "POST /api/products/{product_id}/overlay": Operation("makeOverlay", command(ProductForStaff)),
    "PUT /api/products/{product_id}/overlay": Operation("correctOverlay", command(ProductForStaff)),
    "PUT /api/products/{product_id}/stock": Operation("countStock", command(ProductForStaff)),
    "POST /api/products/{product_id}/stock/receipts": Operation(
        "receiveStock", command(ProductForStaff)
    ),
    # product files
    "POST /api/products/import": Operation(
        "importProducts",
        {200: Data(shapes=(told.ImportOutcome,)), 202: Data(shapes=(told.ImportAccepted,))},
    ),
    "POST /api/products/validate-import": Operation("validateImport", one(told.ImportReport)),
    "GET /api/products/import-history": Operation("listImports", page(ImportDocument)),
    "GET /api/products/imports/{import_id}": Operation("getImport", one(ImportDocument)),
    "GET /api/products/imports/{import_id}/errors.csv": Operation(
        "getImportErrors", {200: File("text/csv")}
    ),
    "POST /api/products/imports/{import_id}/cancel": Operation(
        "cancelImport", command(ImportDocument)
    ),
    # orders
    "GET /api/orders": Operation("listOrders", page(OrderShown)),
    "POST /api/orders": Operation("placeOrder", command(OrderShown, status=201)),
    "GET /api/orders/{order_id}": Operation("getOrder", one(OrderShown)),
    "POST /api/orders/{order_id}/cancel": Operation("cancelOrder", command(OrderShown)),
    "POST /api/orders/{order_id}/process": Operation("processOrder", command(OrderShown)),
    "POST /api/orders/{order_id}/shipments": Operation("shipOrder", command(OrderShown)),
    "POST /api/orders/{order_id}/deliver": Operation("deliverOrder", command(OrderShown)),
    # payments
    "POST /api/payments/create-intent": Operation(
        "createIntent", {201: Data(beside=(PaymentShown, told.Intent))}
    ),
    "POST /api/payments/confirm": Operation("confirmPayment", {200: Data(order=OrderShown)}),
    "GET /api/payments/history": Operation("listPayments", page(PaymentShown)),
    "GET /api/payments/methods": Operation(
        "listPaymentMethods", {200: Data(shapes=(told.PaymentMethod,), listed=True, meta=True)}
    ),
    "GET /api/payments/{payment_id}": Operation("getPayment", one(PaymentShown)),
    "POST /api/payments/{payment_id}/refund": Operation(
        "refundPayment", command(PaymentShown, status=202)
    ),
    "POST /api/webhooks/razorpay": Operation("receiveRazorpayWebhook", one(told.Received)),
    # photographs
    "GET /api/images/consent": Operation("getPhotoConsent", one(ConsentDocument, NeverAsked)),
    "DELETE /api/images/consent": Operation("withdrawPhotoConsent", command(ConsentDocument)),
    "GET /api/images/user": Operation("listPhotos", page(ImageDocument)),
    "GET /api/images/{image_id}": Operation("getPhoto", one(ImageDocument)),
    "DELETE /api/images/{image_id}": Operation("deletePhoto", GONE),
    "POST /api/images/{image_id}/process": Operation("processPhoto", command(ImageDocument)),
    "POST /api/images/upload": Operation("uploadPhoto", command(ImageDocument, status=201)),
    "POST /api/images/upload-url": Operation(
        "prepareUpload", {201: Data(shapes=(told.UploadForm,))}
    ),
    "POST /api/images/upload/complete": Operation(
        "completeUpload", command(ImageDocument, status=201)
    ),
    # try-on
    "POST /api/try-on/create": Operation("createTryOn", command(ResultShown, status=201)),
    "GET /api/try-on/results": Operation("listTryOns", page(ResultBesidePhotograph)),
    "GET /api/try-on/results/{result_id}": Operation("getTryOn", one(ResultBesidePhotograph)),
    "PUT /api/try-on/results/{result_id}": Operation("adjustTryOn", command(ResultShown)),
    "DELETE /api/try-on/results/{result_id}": Operation("deleteTryOn", GONE),
    "POST /api/try-on/results/{result_id}/save": Operation("saveTryOn", command(ResultShown)),
    "POST /api/try-on/results/{result_id}/share": Operation("shareTryOn", command(ResultShown)),
    "DELETE /api/try-on/results/{result_id}/share": Operation("unshareTryOn", command(ResultShown)),
    "GET /api/share/{token}": Operation("getShared", one(SharedShown)),
    "GET /share/{token}": Operation("getSharedPage", {200: File("text/html")}, (410,)),
    "GET /share/{token}/picture": Operation("getSharedPicture", {200: File("image/jpeg")}),
    # media
    "GET /media/signed/{key}": Operation("getSignedFile", {200: File("application/octet-stream")}),
    "GET /media/demo/{name}": Operation("getDemoPicture", {200: File("image/png")}),
    "POST /media/upload": Operation("bringFile", GONE),
    # audit
    "GET /api/audit/orders/{order_id}/history": Operation(
        "getOrderHistory",
        {200: Data(shapes=(told.HistoryEvent,), listed=True, pagination="Continuation")},
    ),
}
