"""What adapters share: walking JSON and XML of any size safely, and gathering boxes into chunks in bounded memory."""
