"""ONVIF as a client: what real cameras answer is read with patience, and judged by what it means."""
