"""A payment gateway on loopback that speaks Razorpay's protocol, for development and for tests.

The real SDK talks to it. It keeps the books of a gateway, so a test can compare the money that it
captured with the money that we recorded; it plays the customer, sends signed webhooks, and
misbehaves on demand. It moves no money, and refuses to run in production or off loopback.
"""
