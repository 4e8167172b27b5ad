"""Settling: everything by which an order leaves `pending`."""
