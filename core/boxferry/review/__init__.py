"""What became of predictions: corrections brought home, the fate of each box, metrics, pages to look at."""
