"""What the issue of speed is measured with: real daemons as processes, real stores on disk, real-looking records."""
