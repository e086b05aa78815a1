"""The demo site: an ordinary partner, which knows the gateway by its public API alone (docs/demo-site.md)."""
