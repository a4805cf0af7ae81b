"""The demo shop: jewellery that is drawn, not photographed, and the catalogue that names it."""
