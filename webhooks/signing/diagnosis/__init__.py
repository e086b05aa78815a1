"""Finds out why a webhook does not verify, by trying the mistakes that integrators make."""
