"""Documents to training sequences of one length."""
