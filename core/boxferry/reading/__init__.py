"""From what the user named to chunks of detections: sources, images and their sizes, class names."""
