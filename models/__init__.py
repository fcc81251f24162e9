"""Capacity models as data; `placement.capacity` reads them."""
