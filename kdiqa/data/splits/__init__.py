"""Which images train, validate and test, and the leak check between them."""
