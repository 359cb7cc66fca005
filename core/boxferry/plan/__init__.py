"""What is to be sent: options, targets, labels, attributes, and from predictions to packets."""
