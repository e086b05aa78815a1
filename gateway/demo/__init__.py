"""The story that `manage.py demo` tells: an ordinary partner over HTTP, and whoever has the gateway's shell."""
