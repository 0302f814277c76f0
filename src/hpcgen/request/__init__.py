"""What a person asks for, and how layers of it become one request."""
