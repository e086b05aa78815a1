"""The scripted story of `manage.py demo`: a partner over HTTP, and an operator who uses the gateway's services."""
