"""The story that `manage.py demo` plays: an ordinary partner over HTTP, and an operator in the gateway's shell."""
