"""What is stored before it is sent: the outbox, its tables, and the states of a packet."""
