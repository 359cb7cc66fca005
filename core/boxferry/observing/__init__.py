"""What a run tells of itself while it goes on: one seam, for log lines, OpenTelemetry and a metrics file."""
