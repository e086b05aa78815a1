"""Hand-written code that a user might have instead of the gateway: plain Django, no middleware, one view each."""
