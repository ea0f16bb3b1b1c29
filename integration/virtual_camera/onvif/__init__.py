"""A virtual camera as an ONVIF device, served by the recorder's own server code."""
