"""Where the device and the protocols become one appliance."""
