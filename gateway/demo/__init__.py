"""The story that `manage.py demo` tells: an ordinary partner over HTTP, and whoever stands at the gateway's own shell."""
