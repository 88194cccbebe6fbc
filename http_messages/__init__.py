"""What every reader of HTTP requests and answers needs, whichever library brought them."""
