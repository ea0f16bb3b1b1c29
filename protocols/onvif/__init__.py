"""ONVIF: the recorder for video-management systems (Profile G), and what stands in for a camera of theirs."""
