"""What a user would write by hand instead of the gateway: as bare as Django gets, no middleware, one view each."""
