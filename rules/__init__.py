"""Rule text to compiled rule to detections."""
