// Written by `python -m contract.typescript` from the contract. Do not change it by hand.

import { Asking, type Input, type Success } from "./asking.js";

/** A postal address. The five fields of the specification, and what a parcel needs besides. */
export interface Address {
  street: string;
  city: string;
  state: string;
  zipCode: string;
  country?: string;
  name?: string;
  phone?: string;
  line2?: string;
  landmark?: string;
}

export interface AddressDocument {
  street: string;
  city: string;
  state: string;
  zipCode: string;
  country: string;
  name: string;
  phone: string;
  line2: string;
  landmark: string;
}

export interface AdjustTryOn {
  adjustments: AdjustmentsBody;
}

/**
 * From the automatic fit: `scale` 1 = automatic, `rotation` in degrees clockwise, `position` in
 * pixels of the photograph from the automatic anchor. What is left out stays as it is; `face` null is
 * the automatic one again.
 */
export interface AdjustmentsBody {
  scale?: number | null;
  rotation?: number | null;
  position?: PositionBody | null;
  face?: number | null;
  occlusion?: boolean | null;
  shadow?: number | null;
  light?: number | null;
  sparkle?: number | null;
}

export interface AdjustmentsDocument {
  scale: number;
  rotation: number;
  position: PointDocument;
  face: number | null;
  occlusion: boolean;
  shadow: number;
  light: number;
  sparkle: number;
}

/** A point of the overlay picture, pixels from the centre of its top left one. */
export interface Anchor {
  x: number;
  y: number;
}

export interface AttemptDocument {
  transactionId: string;
  state: GatewayState;
  method: string | null;
  source: Source;
  at: string;
}

/** An upright rectangle; x and y are its top left corner. */
export interface BoxDocument {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface BringFileForm {
  file: Blob;
  key: string;
  "Content-Type": string;
  "max-bytes": string;
  expires: string;
  signature: string;
}

export interface CanBeTriedOn {
  available: boolean;
}

export interface CancelOrder {
  reason?: string;
}

export type CancelReason = "customer" | "staff" | "payment_timeout";

export type Category = "Silver" | "Diamond" | "Platinum" | "Gold" | "Other";

export interface ChangePassword {
  currentPassword: string;
  newPassword: string;
}

/** Only what is named changes. */
export interface ChangeProduct {
  description?: string;
  price?: number | string | null;
  priceMinor?: number | null;
  category?: Category;
  images?: string[];
  preorderAvailable?: boolean;
  specifications?: SpecificationsBody;
  attributes?: Record<string, unknown>;
  sku?: string | null;
  productType?: ProductType;
  widthMm?: number | null;
  hsn?: string | null;
  name?: string;
}

/** What is not named stays as it is. Another e-mail address or mobile number needs the password. */
export interface ChangeProfile {
  firstName?: string | null;
  lastName?: string | null;
  avatar?: string | null;
  preferences?: Preferences;
  email?: string | null;
  mobile?: string | null;
  currentPassword?: string | null;
}

export interface CompleteUpload {
  uploadId: string;
  consent?: boolean;
  purpose?: "tryon" | "avatar";
  fileName?: string;
}

/** What Razorpay's checkout gave the browser, under its own names. */
export interface ConfirmPayment {
  paymentId: string;
  razorpay_order_id: string;
  razorpay_payment_id: string;
  razorpay_signature: string;
}

export interface ConsentDocument {
  _id: string;
  id: string;
  version: number;
  userId: string;
  given: boolean;
  text: string;
  givenAt: string | null;
  withdrawnAt: string | null;
}

export interface Continuation {
  /** the position behind which this page begins */
  after: number;
  limit: number;
  hasMore: boolean;
}

/** The whole count, null when the product is not counted; `expectedOnHand` guards against a race. */
export interface CountStock {
  onHand: number | null;
  limited?: boolean;
  expectedOnHand?: number | null;
}

export interface CreateIntent {
  orderId: string;
}

export interface CreateProduct {
  description?: string;
  price?: number | string | null;
  priceMinor?: number | null;
  category?: Category;
  images?: string[];
  preorderAvailable?: boolean;
  specifications?: SpecificationsBody;
  attributes?: Record<string, unknown>;
  sku?: string | null;
  productType?: ProductType;
  widthMm?: number | null;
  hsn?: string | null;
  name: string;
  quantity?: number | null;
  inStock?: boolean;
}

export interface CreateTryOn {
  productId: string;
  userImageId: string;
  adjustments?: AdjustmentsBody;
  moreProductIds?: string[];
}

export interface EarDocument {
  lobe: PointDocument;
  side: "left" | "right";
  visible: boolean;
}

export interface EraseAccount {
  currentPassword: string;
}

export interface FaceDocument {
  box: BoxDocument;
  score: number;
  pose: PoseDocument;
  presence: number;
}

export interface FacetValue {
  value: string | boolean;
  count: number;
}

export interface Facets {
  category: FacetValue[];
  productType: FacetValue[];
  tryOnRegion: FacetValue[];
  inStock: FacetValue[];
  price: PriceBand[];
  counted: number;
  isComplete: boolean;
}

export interface FailedDocument {
  code: string;
  reason: string;
}

export interface FailureDocument {
  code: string;
  reason: string;
}

export interface FeatureProduct {
  rank?: number;
}

export interface FieldProblem {
  field: string;
  code: string;
  message: string;
}

export interface ForgotPassword {
  email: string;
}

/** Whether `resultImageUrl` is as large as the photograph. */
export interface FullSize {
  status: "none" | "processing" | "ready" | "failed";
  failure?: FailedDocument;
}

/** How far a payment has come at its gateway. Adapters refuse what is none of these. */
export type GatewayState = "created" | "failed" | "authorized" | "captured" | "refunded";

export interface HeaderProblem {
  code: string;
  message: string;
  missing: string[];
}

export interface HistoryEvent {
  position: number | null;
  stream: string;
  version: number;
  type: string;
  time: string;
  actor: string;
  command: string;
  commit: string;
  eventId: string;
  causation: string | null;
  data: Record<string, unknown>;
  hash: string;
  blockHash: string | null;
  sealed: boolean;
}

export interface ImageDocument {
  _id: string;
  id: string;
  version: number;
  userId: string;
  originalUrl: string;
  processedUrl: string;
  thumbnailUrl: string;
  largeUrl: string;
  fileName: string;
  fileSize: number;
  mimeType: string;
  metadata: MetadataDocument;
  status: "processing" | "ready" | "rejected";
  purpose: string;
  sha256: string;
  consent: string;
  uploadedAt: string;
  processedAt?: string;
  expiresAt: string | null;
}

export interface ImportAccepted {
  importId: string;
  status: "processing";
}

export interface ImportDocument {
  _id: string;
  id: string;
  version: number;
  userId: string;
  fileName: string;
  fileSize: number;
  sha256: string;
  totalRows: number;
  successfulImports: number;
  failedImports: number;
  created: number;
  updated: number;
  unchanged: number;
  skipped: number;
  errors: string[];
  warnings: string[];
  status: "processing" | "completed" | "partial" | "failed" | "cancelled";
  onDuplicate: "skip" | "update" | "error";
  importedAt: string;
  finishedAt: string | null;
  processingTime: number;
  throughRow?: number;
  failure?: FailureDocument;
  updatedAt: string;
}

export interface ImportOutcome {
  importId: string;
  status: "completed" | "partial" | "failed" | "cancelled";
  imported: number;
  failed: number;
  errors: string[];
  message: string;
  created: number;
  updated: number;
  unchanged: number;
  skipped: number;
  totalRows: number;
  warnings: string[];
  processingTime: number;
}

export interface ImportProductsForm {
  /** CSV or XLSX with the columns of a product */
  file: Blob;
}

/** What an import would do. */
export interface ImportReport {
  valid: boolean;
  errors: string[];
  problems: (ProblemDocument | HeaderProblem)[];
  warnings: string[];
  summary: ImportSummary;
  preview: PlannedRow[];
  processingTime: number;
}

export interface ImportSummary {
  toCreate: number;
  toUpdate: number;
  toSkip: number;
  unchanged: number;
  failed: number;
}

export interface ItemDocument {
  productId: string;
  productName: string;
  productImage: string;
  sku: string | null;
  quantity: number;
  price: number;
  priceMinor: number;
  isPreorder: boolean;
}

/** A piece that could not be worn: its place among `productIds`, and why. */
export interface LeftOutDocument {
  index: number;
  code: string;
  message: string;
}

export interface Live {
  status: "live";
}

/** One of `email`, `mobile`, `identifier`, and the password. */
export interface LogIn {
  email?: string | null;
  mobile?: string | null;
  identifier?: string | null;
  password: string;
}

export interface LogOut {
  allSessions?: boolean;
}

export interface MakeOverlayForm {
  /** the piece on a plain backdrop, or cut out */
  file?: Blob | null;
  /** without a file: which of the product's pictures */
  picture?: number;
  widthMm?: number | null;
}

export interface Message {
  message: string;
}

/** Of a photograph that was looked at, all; before that the size alone. */
export interface MetadataDocument {
  width: number;
  height: number;
  faceDetected: boolean;
  neckPosition: BoxDocument | null;
  neckPoints?: NeckPointsDocument | null;
  neckWidth?: number | null;
  torsoAngle?: number | null;
  torsoYaw?: number | null;
  pixelsPerMm?: number | null;
  neck?: NeckDocument | null;
  faces?: FaceDocument[];
  primaryFace?: number | null;
  ears?: EarDocument[];
  shoulders?: PointDocument[] | null;
  confidence?: number;
  reasons?: string[];
  coordinateSpace?: "pixels";
  pipelineVersion?: string;
}

/**
 * The thing that a command made or changed, while the read models do not show it yet: ask again with the
 * answer's Consistency-Token.
 */
export interface Named {
  _id: string;
  id: string;
}

export interface NeckDocument {
  left: PointDocument;
  right: PointDocument;
  chin: PointDocument;
  notch: PointDocument;
  box: BoxDocument;
  angle: number;
  width: number;
  px_per_mm: number;
  yaw: number;
  confidence: number;
}

export interface NeckPointsDocument {
  left: PointDocument;
  right: PointDocument;
  chin: PointDocument;
  notch: PointDocument;
}

export interface NeverAsked {
  given: boolean;
  text: string;
  givenAt: string | null;
  withdrawnAt: string | null;
}

export interface OrderItem {
  productId: string;
  quantity?: number;
}

export interface OrderShown {
  _id: string;
  id: string;
  version: number;
  userId: string;
  orderNumber: string;
  items: ItemDocument[];
  totalAmount: number;
  totalMinor: number;
  currency: string;
  tax: TaxDocument;
  amountPaid: number;
  amountPaidMinor: number;
  status: OrderStatus;
  paymentStatus: "pending" | "completed" | "failed" | "refunded";
  refundStatus: RefundStanding;
  amountRefunded: number;
  amountRefundedMinor: number;
  onHold: boolean;
  paymentId: string | null;
  shippingAddress: AddressDocument;
  billingAddress: AddressDocument;
  estimatedDelivery: string | null;
  trackingNumber: string | null;
  carrier: string | null;
  cancelReason: CancelReason | null;
  reservationExpiresAt: string | null;
  giftNote: string;
  createdAt: string;
  updatedAt: string;
  amountDueMinor: number;
}

export type OrderStatus = "pending" | "confirmed" | "processing" | "shipped" | "delivered" | "cancelled";

export interface OverlayDocument {
  image: string;
  width: number;
  height: number;
  widthMm: number;
  pxPerMm: number;
  anchors: Record<string, PointDocument>;
  source: OverlaySource;
  picture: PictureDocument | null;
  widthEstimated: boolean;
}

/** What a page needs to place an overlay; anchors in its pixels. */
export interface OverlayPlacing {
  image: string;
  width: number;
  height: number;
  widthMm: number;
  pxPerMm: number;
  anchors: Record<string, PointDocument>;
}

/**
 * drawn: came with the picture. catalogue: cut out of it by the shop. staff: given or corrected by
 * hand, and never overwritten but by hand.
 */
export type OverlaySource = "drawn" | "catalogue" | "staff";

export interface Pagination {
  page: number | null;
  limit: number;
  skip: number | null;
  /** counted so far as anybody pages: of a large list it may be less */
  total: number;
  pages: number;
  hasMore: boolean;
  /** `cursor` of the next page, which neither skips nor repeats what is there */
  nextCursor: string | null;
}

export interface PaymentMethod {
  id: string;
}

export interface PaymentShown {
  _id: string;
  id: string;
  version: number;
  orderId: string;
  userId: string;
  amount: number;
  amountMinor: number;
  currency: string;
  gateway: string;
  gatewayOrderId: string | null;
  method: string | null;
  status: PaymentStatus;
  transactionId: string | null;
  gatewayResponse: Record<string, unknown>;
  attempts: AttemptDocument[];
  failureReason: string | null;
  refundStatus: RefundStanding;
  refundReason: RefundReason | null;
  amountRefunded: number;
  amountRefundedMinor: number;
  createdAt: string;
  updatedAt: string;
  refunds: RefundDocument[];
}

export type PaymentStatus = "pending" | "processing" | "completed" | "failed" | "cancelled";

export interface PictureDocument {
  url: string;
  sha256: string;
}

/** Prices, names and pictures are ours; `expectedTotal` in rupees guards against a change of price. */
export interface PlaceOrder {
  items: OrderItem[];
  shippingAddress: Address;
  billingAddress?: Address | null;
  expectedTotal?: number | string | null;
  giftNote?: string;
}

export interface PlannedRow {
  row: number;
  action: "create" | "update";
  name: string;
  priceMinor: number;
  category: string;
  availability: string;
  specifications: Record<string, string | null>;
}

export interface PointDocument {
  x: number;
  y: number;
}

export interface PoseDocument {
  yaw: number;
  pitch: number;
  roll: number;
}

export interface PositionBody {
  x?: number;
  y?: number;
}

export interface Preferences {
  favoriteCategories?: string[] | null;
  notifications?: boolean | null;
}

export interface PreferencesDocument {
  favoriteCategories: string[];
  notifications: boolean;
}

export interface PrepareUpload {
  contentType: "image/jpeg" | "image/png" | "image/webp" | "image/avif" | "image/heic";
  fileSize: number;
  fileName?: string;
}

/** In rupees; the last has no end. */
export interface PriceBand {
  from: number;
  to: number | null;
  count: number;
}

/** The form of every answer that is not a success. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  errors?: FieldProblem[] | null;
}

export interface ProblemDocument {
  row: number;
  line: number;
  column: string | null;
  code: string;
  value: string;
  message: string;
}

export interface ProcessImage {
  face?: number | null;
}

export interface ProductAlike {
  _id: string;
  id: string;
  version: number;
  name: string;
  category: Category;
  description: string;
  price: number;
  priceMinor: number;
  priceFormatted: string;
  currency: string;
  images: string[];
  preorderAvailable: boolean;
  inStock: boolean;
  specifications: SpecificationsDocument;
  attributes: Record<string, string>;
  rating: number;
  reviews: number;
  featured: boolean;
  featuredRank: number;
  status: "active" | "archived";
  sku: string | null;
  slug: string;
  productType: ProductType;
  tryOnRegion: TryOnRegion;
  widthMm: number | null;
  hsn: string | null;
  huid: string[];
  importId?: string;
  importRow?: number;
  createdAt: string;
  updatedAt: string;
  stock: StockShown;
  overlay: OverlayPlacing | null;
  tryOn: CanBeTriedOn;
  reason: string;
}

export interface ProductForStaff {
  _id: string;
  id: string;
  version: number;
  name: string;
  category: Category;
  description: string;
  price: number;
  priceMinor: number;
  priceFormatted: string;
  currency: string;
  images: string[];
  preorderAvailable: boolean;
  inStock: boolean;
  specifications: SpecificationsDocument;
  attributes: Record<string, string>;
  rating: number;
  reviews: number;
  featured: boolean;
  featuredRank: number;
  status: "active" | "archived";
  sku: string | null;
  slug: string;
  productType: ProductType;
  tryOnRegion: TryOnRegion;
  widthMm: number | null;
  hsn: string | null;
  huid: string[];
  importId?: string;
  importRow?: number;
  createdAt: string;
  updatedAt: string;
  stock: StockShown;
  overlay: OverlayDocument | null;
  overlayRefusal: RefusalDocument | null;
  tryOn: CanBeTriedOn;
}

/** As customers see it. */
export interface ProductShown {
  _id: string;
  id: string;
  version: number;
  name: string;
  category: Category;
  description: string;
  price: number;
  priceMinor: number;
  priceFormatted: string;
  currency: string;
  images: string[];
  preorderAvailable: boolean;
  inStock: boolean;
  specifications: SpecificationsDocument;
  attributes: Record<string, string>;
  rating: number;
  reviews: number;
  featured: boolean;
  featuredRank: number;
  status: "active" | "archived";
  sku: string | null;
  slug: string;
  productType: ProductType;
  tryOnRegion: TryOnRegion;
  widthMm: number | null;
  hsn: string | null;
  huid: string[];
  importId?: string;
  importRow?: number;
  createdAt: string;
  updatedAt: string;
  stock: StockShown;
  overlay: OverlayPlacing | null;
  tryOn: CanBeTriedOn;
}

export type ProductType = "ring" | "necklace" | "pendant" | "earrings" | "bracelet" | "bangle" | "chain" | "anklet" | "nose_pin" | "maang_tikka" | "mangalsutra" | "set" | "coin" | "other";

export interface RazorpayCheckout {
  keyId: string;
  orderId: string | null;
}

export interface Ready {
  status: "ready";
  checked: string[];
}

export interface ReceiveStock {
  quantity: number;
}

export interface Received {
  received: true;
}

export interface Refresh {
  refreshToken: string;
}

export interface RefundDocument {
  refundId: string;
  gatewayRefundId: string | null;
  transactionId: string;
  amount: number;
  amountMinor: number;
  currency: string;
  status: "pending" | "processed" | "failed";
  reason: string;
  failureReason: string | null;
  requestedAt: string;
  processedAt: string | null;
}

/** `amount` in rupees or `amountMinor` in paise; neither: all that is left. */
export interface RefundPayment {
  amount?: number | string | null;
  amountMinor?: number | null;
  reason: string;
  transactionId?: string | null;
}

export type RefundReason = "order_cancelled" | "already_paid" | "wrong_amount" | "too_much" | "staff";

/** How far the refunds of a payment are, all of them together. */
export type RefundStanding = "none" | "pending" | "partial" | "full" | "failed";

/** Why the product's picture has not become an overlay, and when it is looked at next. */
export interface RefusalDocument {
  code: string;
  reason: string;
  picture: string;
  at: string;
  tries: number;
  retryAt: string | null;
}

export interface Register {
  email: string;
  password: string;
  firstName: string;
  lastName?: string;
  mobile?: string | null;
  consent?: boolean | null;
}

export interface ResetPassword {
  token: string;
  newPassword: string;
}

export interface ResultBesidePhotograph {
  _id: string;
  id: string;
  version: number;
  userId: string;
  productId: string;
  productIds: string[];
  productName: string;
  userImageId: string;
  resultImageUrl: string;
  previewImageUrl: string;
  previewWidth?: number;
  previewHeight?: number;
  leftOut: LeftOutDocument[];
  adjustments: AdjustmentsDocument;
  status: "processing" | "ready" | "failed";
  revision: number;
  saved: boolean;
  shared: boolean;
  shareUrl: string;
  shareExpiresAt?: string | null;
  width?: number;
  height?: number;
  rendererVersion?: string;
  failure?: FailedDocument | null;
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
  fullSize: FullSize;
  beforeImageUrl: string;
}

export interface ResultShown {
  _id: string;
  id: string;
  version: number;
  userId: string;
  productId: string;
  productIds: string[];
  productName: string;
  userImageId: string;
  resultImageUrl: string;
  previewImageUrl: string;
  previewWidth?: number;
  previewHeight?: number;
  leftOut: LeftOutDocument[];
  adjustments: AdjustmentsDocument;
  status: "processing" | "ready" | "failed";
  revision: number;
  saved: boolean;
  shared: boolean;
  shareUrl: string;
  shareExpiresAt?: string | null;
  width?: number;
  height?: number;
  rendererVersion?: string;
  failure?: FailedDocument | null;
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
  fullSize: FullSize;
}

export type Role = "customer" | "support" | "catalog_manager" | "order_manager" | "finance" | "auditor" | "admin";

export interface SessionShown {
  _id: string;
  id: string;
  version: number;
  userId: string;
  device: string;
  address: string;
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
  endedAt: string | null;
  endReason: string | null;
  current: boolean;
}

/**
 * The transparent picture for try-on; anchors in its pixels. What is left out stays as it is, and
 * `pxPerMm` follows the width.
 */
export interface SetOverlay {
  image?: string | null;
  width?: number | null;
  height?: number | null;
  widthMm?: number | null;
  pxPerMm?: number | null;
  anchors?: Record<string, unknown> | null;
}

export interface SetRoles {
  roles: Role[];
}

export interface ShareTryOn {
  expiresInDays?: number | null;
}

export interface SharedShown {
  resultImageUrl: string;
  productId: string;
  productName: string;
  expiresAt: string;
}

export interface ShipOrder {
  trackingNumber: string;
  carrier: string;
}

/** How we came to know. */
export type Source = "confirm" | "webhook" | "reconciliation" | "answer";

export interface SpecificationsBody {
  material?: string | null;
  weight?: string | null;
  dimensions?: string | null;
  gemstone?: string | null;
}

export interface SpecificationsDocument {
  material: string;
  weight: string;
  dimensions: string;
  gemstone: string;
}

export interface StockShown {
  policy: "tracked" | "untracked";
  onHand: number | null;
  available: number | null;
  limited: boolean;
  reserved: number | null;
  status: "in_stock" | "limited" | "out_of_stock" | "preorder";
}

export interface TaxDocument {
  percent: number;
  taxableMinor: number;
  cgstMinor: number;
  sgstMinor: number;
  roundOffMinor: number;
  inclusive: boolean;
}

export interface Tokens {
  user: UserDocument | UserBriefly;
  accessToken: string;
  refreshToken: string;
  tokenType: "bearer";
  expiresIn: number;
}

export type TryOnRegion = "neck" | "ear" | "nose" | "forehead" | "finger" | "wrist" | "none";

/** A form that brings one file to the object store: POST `fields` to `url`, the file last. */
export interface UploadForm {
  uploadId: string;
  method: "POST";
  url: string;
  fields: Record<string, string>;
  expiresAt: string;
}

export interface UploadPhotoForm {
  /** JPEG, PNG, WebP or AVIF */
  file: Blob;
  /** the photograph may be used for try-on */
  consent?: boolean;
  purpose?: "tryon" | "avatar";
}

/** While the read models do not show the account yet. */
export interface UserBriefly {
  _id: string;
  id: string;
  email: string;
  mobile: string | null;
  firstName: string;
  lastName: string;
  roles: string[];
}

/** What is personal is not there any more once `status` is erased. */
export interface UserDocument {
  _id: string;
  id: string;
  version: number;
  email?: string;
  mobile?: string | null;
  firstName?: string;
  lastName?: string;
  avatar?: string | null;
  preferences?: PreferencesDocument;
  roles: Role[];
  status: "active" | "erased";
  createdAt: string;
  updatedAt: string;
}

export interface ValidateImportForm {
  /** CSV or XLSX with the columns of a product */
  file: Blob;
}

export type GetLivenessAnswer = Success<200, Live>;

export type GetReadinessAnswer = Success<200, Ready>;

export type GetMetricsAnswer = Success<200, string>;

export type GetMeAnswer = Success<200, UserDocument>;

export type ListSessionsAnswer = Success<200, SessionShown[], Pagination>;

export type ListUsersAnswer = Success<200, UserDocument[], Pagination>;

export type GetUserAnswer = Success<200, UserDocument>;

export type ListImportsAnswer = Success<200, ImportDocument[], Pagination>;

export type GetImportAnswer = Success<200, ImportDocument>;

export type GetImportErrorsAnswer = Success<200, string>;

export type ListOverlaysAnswer = Success<200, ProductForStaff[], Pagination>;

export type ListProductsAnswer = Success<200, ProductShown[], Pagination>;

export type CreateProductAnswer = Success<201, ProductForStaff> | Success<202, Named>;

export type ListFeaturedAnswer = Success<200, ProductShown[], Pagination>;

export type SearchProductsAnswer = Success<200, ProductShown[], Pagination>;

export type CountFacetsAnswer = Success<200, Facets>;

export type ListCategoryAnswer = Success<200, ProductShown[], Pagination>;

export type GetProductAnswer = Success<200, ProductShown | ProductForStaff>;

export type ChangeProductAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type ArchiveProductAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type ListRecommendationsAnswer = Success<200, ProductAlike[]>;

export type ListOrdersAnswer = Success<200, OrderShown[], Pagination>;

export type PlaceOrderAnswer = Success<201, OrderShown> | Success<202, Named>;

export type GetOrderAnswer = Success<200, OrderShown>;

export type ListPaymentMethodsAnswer = Success<200, PaymentMethod[], {
  gateway: string;
  available: string[];
}>;

export type ListPaymentsAnswer = Success<200, PaymentShown[], Pagination>;

export type GetPaymentAnswer = Success<200, PaymentShown>;

export type GetOrderHistoryAnswer = Success<200, HistoryEvent[], Continuation>;

export type GetPhotoConsentAnswer = Success<200, ConsentDocument | NeverAsked>;

export type WithdrawPhotoConsentAnswer = Success<200, ConsentDocument> | Success<202, Named>;

export type ListPhotosAnswer = Success<200, ImageDocument[], Pagination>;

export type GetPhotoAnswer = Success<200, ImageDocument>;

export type DeletePhotoAnswer = Success<204, null>;

export type ListTryOnsAnswer = Success<200, ResultBesidePhotograph[], Pagination>;

export type GetTryOnAnswer = Success<200, ResultBesidePhotograph>;

export type AdjustTryOnAnswer = Success<200, ResultShown> | Success<202, Named>;

export type DeleteTryOnAnswer = Success<204, null>;

export type GetSharedAnswer = Success<200, SharedShown>;

export type GetSharedPictureAnswer = Success<200, Blob>;

export type GetSharedPageAnswer = Success<200, string>;

export type GetSignedFileAnswer = Success<200, Blob>;

export type GetDemoPictureAnswer = Success<200, Blob>;

export type RegisterAnswer = Success<201, Tokens>;

export type ChangeProfileAnswer = Success<200, UserDocument> | Success<202, Named>;

export type ChangePasswordAnswer = Success<200, UserDocument> | Success<202, Named>;

export type ForgotPasswordAnswer = Success<202, Message>;

export type ResetPasswordAnswer = Success<200, null>;

export type EraseAccountAnswer = Success<200, null>;

export type SetRolesAnswer = Success<200, UserDocument> | Success<202, Named>;

export type LogInAnswer = Success<200, Tokens>;

export type RefreshTokensAnswer = Success<200, Tokens>;

export type LogOutAnswer = Success<200, null>;

export type EndSessionAnswer = Success<200, null>;

export type ImportProductsAnswer = Success<200, ImportOutcome> | Success<202, ImportAccepted>;

export type CancelImportAnswer = Success<200, ImportDocument> | Success<202, Named>;

export type ValidateImportAnswer = Success<200, ImportReport>;

export type RestoreProductAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type FeatureProductAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type UnfeatureProductAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type MakeOverlayAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type CorrectOverlayAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type CountStockAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type ReceiveStockAnswer = Success<200, ProductForStaff> | Success<202, Named>;

export type CancelOrderAnswer = Success<200, OrderShown> | Success<202, Named>;

export type ProcessOrderAnswer = Success<200, OrderShown> | Success<202, Named>;

export type ShipOrderAnswer = Success<200, OrderShown> | Success<202, Named>;

export type DeliverOrderAnswer = Success<200, OrderShown> | Success<202, Named>;

export type CreateIntentAnswer = Success<201, {
  _id?: string;
  id?: string;
  version?: number;
  orderId: string;
  userId?: string;
  amount: number;
  amountMinor: number;
  currency: string;
  gateway: string;
  gatewayOrderId?: string | null;
  method?: string | null;
  status: string;
  transactionId?: string | null;
  gatewayResponse?: Record<string, unknown>;
  attempts?: AttemptDocument[];
  failureReason?: string | null;
  refundStatus?: RefundStanding;
  refundReason?: RefundReason | null;
  amountRefunded?: number;
  amountRefundedMinor?: number;
  createdAt?: string;
  updatedAt?: string;
  refunds?: RefundDocument[];
  paymentId: string;
  razorpay: RazorpayCheckout;
}>;

export type ConfirmPaymentAnswer = Success<200, {
  status: string;
  paymentId: string;
  order: {
    _id: string;
    id: string;
    version?: number;
    userId?: string;
    orderNumber?: string;
    items?: ItemDocument[];
    totalAmount?: number;
    totalMinor?: number;
    currency?: string;
    tax?: TaxDocument;
    amountPaid?: number;
    amountPaidMinor?: number;
    status: OrderStatus;
    paymentStatus?: "pending" | "completed" | "failed" | "refunded";
    refundStatus?: RefundStanding;
    amountRefunded?: number;
    amountRefundedMinor?: number;
    onHold?: boolean;
    paymentId?: string | null;
    shippingAddress?: AddressDocument;
    billingAddress?: AddressDocument;
    estimatedDelivery?: string | null;
    trackingNumber?: string | null;
    carrier?: string | null;
    cancelReason?: CancelReason | null;
    reservationExpiresAt?: string | null;
    giftNote?: string;
    createdAt?: string;
    updatedAt?: string;
    amountDueMinor?: number;
  };
}>;

export type RefundPaymentAnswer = Success<202, PaymentShown | Named>;

export type ReceiveRazorpayWebhookAnswer = Success<200, Received>;

export type ProcessPhotoAnswer = Success<200, ImageDocument> | Success<202, Named>;

export type UploadPhotoAnswer = Success<201, ImageDocument> | Success<202, Named>;

export type PrepareUploadAnswer = Success<201, UploadForm>;

export type CompleteUploadAnswer = Success<201, ImageDocument> | Success<202, Named>;

export type BringFileAnswer = Success<204, null>;

export type CreateTryOnAnswer = Success<201, ResultShown> | Success<202, Named>;

export type SaveTryOnAnswer = Success<200, ResultShown> | Success<202, Named>;

export type ShareTryOnAnswer = Success<200, ResultShown> | Success<202, Named>;

export type UnshareTryOnAnswer = Success<200, ResultShown> | Success<202, Named>;

export class Kundan extends Asking {
  /** The process answers. */
  getLiveness(input: Input = {}): Promise<GetLivenessAnswer> {
    return this.ask("GET", "/health/live", input);
  }

  /** Everything that it needs answers, each within a second. */
  getReadiness(input: Input = {}): Promise<GetReadinessAnswer> {
    return this.ask("GET", "/health/ready", input);
  }

  /** Figures for Prometheus. */
  getMetrics(input: Input = {}): Promise<GetMetricsAnswer> {
    return this.ask("GET", "/metrics", input);
  }

  /** One's own account. */
  getMe(input: Input = {}): Promise<GetMeAnswer> {
    return this.ask("GET", "/api/auth/me", input);
  }

  /** Where one is signed in, the latest first. */
  listSessions(input: Input<{ query?: { limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListSessionsAnswer> {
    return this.ask("GET", "/api/auth/sessions", input);
  }

  /** All accounts, the newest first. */
  listUsers(input: Input<{ query?: { role?: Role | null; limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListUsersAnswer> {
    return this.ask("GET", "/api/admin/users", input);
  }

  /** One account. */
  getUser(input: Input<{ path: { user_id: string } }>): Promise<GetUserAnswer> {
    return this.ask("GET", "/api/admin/users/{user_id}", input);
  }

  /** One's own imports, the latest first; an administrator sees everybody's. */
  listImports(input: Input<{ query?: { userId?: string | null; limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListImportsAnswer> {
    return this.ask("GET", "/api/products/import-history", input);
  }

  /** One import: how far it is, and what it came to. */
  getImport(input: Input<{ path: { import_id: string } }>): Promise<GetImportAnswer> {
    return this.ask("GET", "/api/products/imports/{import_id}", input);
  }

  /** The rows that failed, with what was wrong: correct them and send the file again. */
  getImportErrors(input: Input<{ path: { import_id: string } }>): Promise<GetImportErrorsAnswer> {
    return this.ask("GET", "/api/products/imports/{import_id}/errors.csv", input);
  }

  /** Products that cannot be tried on as they should, the latest first, with the reason. */
  listOverlays(input: Input<{ query?: { status?: "refused" | "estimated" | "missing"; limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListOverlaysAnswer> {
    return this.ask("GET", "/api/products/overlays", input);
  }

  /** Archived products are shown to catalogue managers only. */
  listProducts(input: Input<{ query?: { sort?: "newest" | "price" | "-price" | "rating" | "name"; status?: "active" | "archived"; limit?: number; page?: number; skip?: number | null; cursor?: string | null; category?: string | null; productType?: ProductType | null; tryOnRegion?: TryOnRegion | null; minPrice?: number | string | null; maxPrice?: number | string | null; inStock?: boolean | null; preorder?: boolean | null; featured?: boolean | null; minRating?: number | null; gemstone?: string | null; material?: string | null } }> = {}): Promise<ListProductsAnswer> {
    return this.ask("GET", "/api/products", input);
  }

  /** Create product */
  createProduct(input: Input<{ body: CreateProduct }>): Promise<CreateProductAnswer> {
    return this.ask("POST", "/api/products", input);
  }

  /** List featured */
  listFeatured(input: Input<{ query?: { limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListFeaturedAnswer> {
    return this.ask("GET", "/api/products/featured", input);
  }

  /**
   * Every word must occur: as it is, as a beginning, by another name for the same, or misspelt.
   *
   * The best first, of the 200 that are in stock and newest; `sort` puts those in another order.
   */
  searchProducts(input: Input<{ query: { q: string; sort?: "newest" | "price" | "-price" | "rating" | "name" | null; limit?: number; page?: number; skip?: number | null; cursor?: string | null; category?: string | null; productType?: ProductType | null; tryOnRegion?: TryOnRegion | null; minPrice?: number | string | null; maxPrice?: number | string | null; inStock?: boolean | null; preorder?: boolean | null; featured?: boolean | null; minRating?: number | null; gemstone?: string | null; material?: string | null } }>): Promise<SearchProductsAnswer> {
    return this.ask("GET", "/api/products/search", input);
  }

  /**
   * How many there are by category, type, place where they are worn, stock and price; of a search with `q`.
   *
   * `isComplete` is false where only the newest 10,000 were counted.
   */
  countFacets(input: Input<{ query?: { q?: string | null; category?: string | null; productType?: ProductType | null; tryOnRegion?: TryOnRegion | null; minPrice?: number | string | null; maxPrice?: number | string | null; inStock?: boolean | null; preorder?: boolean | null; featured?: boolean | null; minRating?: number | null; gemstone?: string | null; material?: string | null } }> = {}): Promise<CountFacetsAnswer> {
    return this.ask("GET", "/api/products/facets", input);
  }

  /** List category */
  listCategory(input: Input<{ path: { category: string }; query?: { sort?: "newest" | "price" | "-price" | "rating" | "name"; limit?: number; page?: number; skip?: number | null; cursor?: string | null; category?: string | null; productType?: ProductType | null; tryOnRegion?: TryOnRegion | null; minPrice?: number | string | null; maxPrice?: number | string | null; inStock?: boolean | null; preorder?: boolean | null; featured?: boolean | null; minRating?: number | null; gemstone?: string | null; material?: string | null } }>): Promise<ListCategoryAnswer> {
    return this.ask("GET", "/api/products/category/{category}", input);
  }

  /** Get product */
  getProduct(input: Input<{ path: { product_id: string } }>): Promise<GetProductAnswer> {
    return this.ask("GET", "/api/products/{product_id}", input);
  }

  /** Change product */
  changeProduct(input: Input<{ path: { product_id: string }; body: ChangeProduct }>): Promise<ChangeProductAnswer> {
    return this.ask("PATCH", "/api/products/{product_id}", input);
  }

  /** Archived, not gone: orders refer to it. */
  archiveProduct(input: Input<{ path: { product_id: string } }>): Promise<ArchiveProductAnswer> {
    return this.ask("DELETE", "/api/products/{product_id}", input);
  }

  /** Pieces like this one that can be bought, the likest first, each with its reason. */
  listRecommendations(input: Input<{ path: { product_id: string }; query?: { limit?: number } }>): Promise<ListRecommendationsAnswer> {
    return this.ask("GET", "/api/products/{product_id}/recommendations", input);
  }

  /** The newest first. */
  listOrders(input: Input<{ query?: { status?: OrderStatus | null; paymentStatus?: "pending" | "completed" | "failed" | "refunded" | null; userId?: string | null; orderNumber?: string | null; from?: string | null; to?: string | null; limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListOrdersAnswer> {
    return this.ask("GET", "/api/orders", input);
  }

  /** Place order */
  placeOrder(input: Input<{ body: PlaceOrder }>): Promise<PlaceOrderAnswer> {
    return this.ask("POST", "/api/orders", input);
  }

  /** Get order */
  getOrder(input: Input<{ path: { order_id: string } }>): Promise<GetOrderAnswer> {
    return this.ask("GET", "/api/orders/{order_id}", input);
  }

  /** None are stored; `meta.available` are those that the gateway's checkout offers. */
  listPaymentMethods(input: Input = {}): Promise<ListPaymentMethodsAnswer> {
    return this.ask("GET", "/api/payments/methods", input);
  }

  /** The newest first. `refund=pending` are those whose money is to go back. */
  listPayments(input: Input<{ query?: { status?: PaymentStatus | null; refund?: "none" | "pending" | "partial" | "full" | "failed" | null; limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListPaymentsAnswer> {
    return this.ask("GET", "/api/payments/history", input);
  }

  /** Get payment */
  getPayment(input: Input<{ path: { payment_id: string } }>): Promise<GetPaymentAnswer> {
    return this.ask("GET", "/api/payments/{payment_id}", input);
  }

  /**
   * The events in the order of history, for the owner, auditors and administrators. While
   * `pagination.hasMore`, the next page follows `after` its last position.
   *
   * What an order does to stock is in the order's own commits. Personal parts stay sealed. `hash`
   * covers the event's whole commit; `blockHash` chains the ledger's block that holds it.
   */
  getOrderHistory(input: Input<{ path: { order_id: string }; query?: { after?: number; limit?: number } }>): Promise<GetOrderHistoryAnswer> {
    return this.ask("GET", "/api/audit/orders/{order_id}/history", input);
  }

  /** One's own consent: `text` is the version of the words that were agreed to. */
  getPhotoConsent(input: Input = {}): Promise<GetPhotoConsentAnswer> {
    return this.ask("GET", "/api/images/consent", input);
  }

  /**
   * Withdraw the consent to photographs: from the answer on none of them is shown, and all of them
   * are removed, with results, saved ones too, and links. A new upload asks for consent again.
   */
  withdrawPhotoConsent(input: Input = {}): Promise<WithdrawPhotoConsentAnswer> {
    return this.ask("DELETE", "/api/images/consent", input);
  }

  /** One's photographs, the latest first; `metadata` says where face and neck are. */
  listPhotos(input: Input<{ query?: { limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListPhotosAnswer> {
    return this.ask("GET", "/api/images/user", input);
  }

  /** One photograph of one's own. */
  getPhoto(input: Input<{ path: { image_id: string } }>): Promise<GetPhotoAnswer> {
    return this.ask("GET", "/api/images/{image_id}", input);
  }

  /** Delete a photograph, and with it every result and link that was made from it. */
  deletePhoto(input: Input<{ path: { image_id: string } }>): Promise<DeletePhotoAnswer> {
    return this.ask("DELETE", "/api/images/{image_id}", input);
  }

  /** One's results, the latest first, as `GET /results/{id}` shows each. */
  listTryOns(input: Input<{ query?: { limit?: number; page?: number; skip?: number | null; cursor?: string | null } }> = {}): Promise<ListTryOnsAnswer> {
    return this.ask("GET", "/api/try-on/results", input);
  }

  /** One result: `resultImageUrl` works for five minutes, `beforeImageUrl` shows the photograph. */
  getTryOn(input: Input<{ path: { result_id: string } }>): Promise<GetTryOnAnswer> {
    return this.ask("GET", "/api/try-on/results/{result_id}", input);
  }

  /** Move, turn or scale the piece; the picture is rendered again. */
  adjustTryOn(input: Input<{ path: { result_id: string }; body: AdjustTryOn }>): Promise<AdjustTryOnAnswer> {
    return this.ask("PUT", "/api/try-on/results/{result_id}", input);
  }

  /** Delete a result, its picture and its link. */
  deleteTryOn(input: Input<{ path: { result_id: string } }>): Promise<DeleteTryOnAnswer> {
    return this.ask("DELETE", "/api/try-on/results/{result_id}", input);
  }

  /** What a link shows, for a front end: `resultImageUrl` works as long as the link does. */
  getShared(input: Input<{ path: { token: string } }>): Promise<GetSharedAnswer> {
    return this.ask("GET", "/api/share/{token}", input);
  }

  /** The preview of a link that still holds, under an address that ends with it: never the full size. */
  getSharedPicture(input: Input<{ path: { token: string } }>): Promise<GetSharedPictureAnswer> {
    return this.ask("GET", "/share/{token}/picture", input);
  }

  /** The page that a shared link opens: no scripts, nothing from elsewhere, not for search engines. */
  getSharedPage(input: Input<{ path: { token: string } }>): Promise<GetSharedPageAnswer> {
    return this.ask("GET", "/share/{token}", input);
  }

  /**
   * A stored picture, for whoever has a link of ours that still holds. Anything else is 404.
   *
   * It is sent whole, also to who asks for a part: none is larger than an upload.
   */
  getSignedFile(input: Input<{ path: { key: string }; query?: { expires?: string; signature?: string } }>): Promise<GetSignedFileAnswer> {
    return this.ask("GET", "/media/signed/{key}", input);
  }

  /** A picture of the demo catalogue. */
  getDemoPicture(input: Input<{ path: { name: string } }>): Promise<GetDemoPictureAnswer> {
    return this.ask("GET", "/media/demo/{name}", input);
  }

  /** Open an account, and be signed in. */
  register(input: Input<{ body: Register }>): Promise<RegisterAnswer> {
    return this.ask("POST", "/api/auth/register", input);
  }

  /** Change what is named; the rest stays. */
  changeProfile(input: Input<{ body: ChangeProfile }>): Promise<ChangeProfileAnswer> {
    return this.ask("PUT", "/api/auth/profile", input);
  }

  /** Set a new password. Every other session ends. */
  changePassword(input: Input<{ body: ChangePassword }>): Promise<ChangePasswordAnswer> {
    return this.ask("POST", "/api/auth/change-password", input);
  }

  /** Ask for a link by mail. The answer, and its time, are the same for every address. */
  forgotPassword(input: Input<{ body: ForgotPassword }>): Promise<ForgotPasswordAnswer> {
    return this.ask("POST", "/api/auth/forgot-password", input);
  }

  /** Set a new password by the link of the mail. Every session ends. */
  resetPassword(input: Input<{ body: ResetPassword }>): Promise<ResetPasswordAnswer> {
    return this.ask("POST", "/api/auth/reset-password", input);
  }

  /** Leave, and be forgotten: nothing personal can be read any more, in no copy and no backup. */
  eraseAccount(input: Input<{ body: EraseAccount }>): Promise<EraseAccountAnswer> {
    return this.ask("DELETE", "/api/auth/account", input);
  }

  /** Give an account these roles, and no others. */
  setRoles(input: Input<{ path: { user_id: string }; body: SetRoles }>): Promise<SetRolesAnswer> {
    return this.ask("PUT", "/api/admin/users/{user_id}/roles", input);
  }

  /** Sign in with an e-mail address or a mobile number. */
  logIn(input: Input<{ body: LogIn }>): Promise<LogInAnswer> {
    return this.ask("POST", "/api/auth/login", input);
  }

  /** A new access token and the next refresh token. A refresh token works once. */
  refreshTokens(input: Input<{ body: Refresh }>): Promise<RefreshTokensAnswer> {
    return this.ask("POST", "/api/auth/refresh", input);
  }

  /** End this session, or with `allSessions` every one. */
  logOut(input: Input<{ body?: LogOut | null }> = {}): Promise<LogOutAnswer> {
    return this.ask("POST", "/api/auth/logout", input);
  }

  /** End one of one's own sessions, on a lost telephone say. */
  endSession(input: Input<{ path: { session_id: string } }>): Promise<EndSessionAnswer> {
    return this.ask("DELETE", "/api/auth/sessions/{session_id}", input);
  }

  /**
   * Import products. Answers with the outcome, or 202 when it takes longer than a few seconds:
   * then follow `Location`.
   */
  importProducts(input: Input<{ query?: { onDuplicate?: "skip" | "update" | "error" }; body: ImportProductsForm }>): Promise<ImportProductsAnswer> {
    return this.ask("POST", "/api/products/import", input, "form");
  }

  /** Stop an import after the rows that it is at; what is imported stays. */
  cancelImport(input: Input<{ path: { import_id: string } }>): Promise<CancelImportAnswer> {
    return this.ask("POST", "/api/products/imports/{import_id}/cancel", input);
  }

  /** What an import of this file would do: every error, and a preview. Nothing is imported. */
  validateImport(input: Input<{ query?: { onDuplicate?: "skip" | "update" | "error" }; body: ValidateImportForm }>): Promise<ValidateImportAnswer> {
    return this.ask("POST", "/api/products/validate-import", input, "form");
  }

  /** Restore product */
  restoreProduct(input: Input<{ path: { product_id: string } }>): Promise<RestoreProductAnswer> {
    return this.ask("POST", "/api/products/{product_id}/restore", input);
  }

  /** Feature product */
  featureProduct(input: Input<{ path: { product_id: string }; body: FeatureProduct }>): Promise<FeatureProductAnswer> {
    return this.ask("PUT", "/api/products/{product_id}/feature", input);
  }

  /** Unfeature product */
  unfeatureProduct(input: Input<{ path: { product_id: string } }>): Promise<UnfeatureProductAnswer> {
    return this.ask("DELETE", "/api/products/{product_id}/feature", input);
  }

  /**
   * Cut a picture out of its backdrop and make it the product's overlay: the file, or without one a
   * picture of the catalogue, which is fetched now.
   */
  makeOverlay(input: Input<{ path: { product_id: string }; body?: MakeOverlayForm }>): Promise<MakeOverlayAnswer> {
    return this.ask("POST", "/api/products/{product_id}/overlay", input, "form");
  }

  /** Correct the overlay by hand: the shop then never replaces it by itself. */
  correctOverlay(input: Input<{ path: { product_id: string }; body: SetOverlay }>): Promise<CorrectOverlayAnswer> {
    return this.ask("PUT", "/api/products/{product_id}/overlay", input);
  }

  /** Count stock */
  countStock(input: Input<{ path: { product_id: string }; body: CountStock }>): Promise<CountStockAnswer> {
    return this.ask("PUT", "/api/products/{product_id}/stock", input);
  }

  /** Receive stock */
  receiveStock(input: Input<{ path: { product_id: string }; body: ReceiveStock }>): Promise<ReceiveStockAnswer> {
    return this.ask("POST", "/api/products/{product_id}/stock/receipts", input);
  }

  /** Cancel order */
  cancelOrder(input: Input<{ path: { order_id: string }; body?: CancelOrder | null }>): Promise<CancelOrderAnswer> {
    return this.ask("POST", "/api/orders/{order_id}/cancel", input);
  }

  /** Process order */
  processOrder(input: Input<{ path: { order_id: string } }>): Promise<ProcessOrderAnswer> {
    return this.ask("POST", "/api/orders/{order_id}/process", input);
  }

  /** Ship order */
  shipOrder(input: Input<{ path: { order_id: string }; body: ShipOrder }>): Promise<ShipOrderAnswer> {
    return this.ask("POST", "/api/orders/{order_id}/shipments", input);
  }

  /** Deliver order */
  deliverOrder(input: Input<{ path: { order_id: string } }>): Promise<DeliverOrderAnswer> {
    return this.ask("POST", "/api/orders/{order_id}/deliver", input);
  }

  /** A second call for the same unpaid order answers with the same open payment. */
  createIntent(input: Input<{ body: CreateIntent }>): Promise<CreateIntentAnswer> {
    return this.ask("POST", "/api/payments/create-intent", input);
  }

  /** The signature shows that the browser comes from the checkout; the gateway shows the money. */
  confirmPayment(input: Input<{ body: ConfirmPayment }>): Promise<ConfirmPaymentAnswer> {
    return this.ask("POST", "/api/payments/confirm", input);
  }

  /** The money is on its way when `refunds` say `processed`; until then the refund is pending. */
  refundPayment(input: Input<{ path: { payment_id: string }; body: RefundPayment }>): Promise<RefundPaymentAnswer> {
    return this.ask("POST", "/api/payments/{payment_id}/refund", input);
  }

  /** Answered as soon as the fact is durable. What is none of our business is acknowledged, too. */
  receiveRazorpayWebhook(input: Input = {}): Promise<ReceiveRazorpayWebhookAnswer> {
    return this.ask("POST", "/api/webhooks/razorpay", input);
  }

  /** Look at a photograph again, or choose another face. The same request again changes nothing. */
  processPhoto(input: Input<{ path: { image_id: string }; body?: ProcessImage | null }>): Promise<ProcessPhotoAnswer> {
    return this.ask("POST", "/api/images/{image_id}/process", input);
  }

  /** Upload a photograph. It is cleaned of metadata, stored upright, and looked at for face and neck. */
  uploadPhoto(input: Input<{ body: UploadPhotoForm }>): Promise<UploadPhotoAnswer> {
    return this.ask("POST", "/api/images/upload", input, "form");
  }

  /** A form that brings one photograph straight to the object store: POST `fields`, the file last. */
  prepareUpload(input: Input<{ body: PrepareUpload }>): Promise<PrepareUploadAnswer> {
    return this.ask("POST", "/api/images/upload-url", input);
  }

  /**
   * Take in what was brought to the object store. After 503 it may be asked for again, at any other
   * answer the brought file is gone: with an Idempotency-Key the same request has the same answer.
   */
  completeUpload(input: Input<{ body: CompleteUpload }>): Promise<CompleteUploadAnswer> {
    return this.ask("POST", "/api/images/upload/complete", input);
  }

  /** Take a file that a form of ours brings. Only where files lie in a directory: S3 takes its own. */
  bringFile(input: Input<{ body: BringFileForm }>): Promise<BringFileAnswer> {
    return this.ask("POST", "/media/upload", input, "form");
  }

  /** Ask for a picture. It is rendered in a moment: read the result until `status` is `ready`. */
  createTryOn(input: Input<{ body: CreateTryOn }>): Promise<CreateTryOnAnswer> {
    return this.ask("POST", "/api/try-on/create", input);
  }

  /** Keep a result for good. */
  saveTryOn(input: Input<{ path: { result_id: string } }>): Promise<SaveTryOnAnswer> {
    return this.ask("POST", "/api/try-on/results/{result_id}/save", input);
  }

  /**
   * Make a link that anybody may open until it expires or is withdrawn. It says nothing of you. A link
   * that holds stays the same, and ends when `expiresInDays` says so.
   */
  shareTryOn(input: Input<{ path: { result_id: string }; body?: ShareTryOn | null }>): Promise<ShareTryOnAnswer> {
    return this.ask("POST", "/api/try-on/results/{result_id}/share", input);
  }

  /** Withdraw the link: it is dead at once. */
  unshareTryOn(input: Input<{ path: { result_id: string } }>): Promise<UnshareTryOnAnswer> {
    return this.ask("DELETE", "/api/try-on/results/{result_id}/share", input);
  }
}
