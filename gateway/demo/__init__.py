"""The story that `manage.py demo` tells: an ordinary partner, over HTTP only."""
