"""What leaves the recorder for somebody else: kept until it was acknowledged."""
