"""What the server holds: its stored boxes and whose they are, its inputs, and what people have decided on a file."""
