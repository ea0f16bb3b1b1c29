"""MQTT 5 and 3.1.1 (OASIS): the recorder as client of a broker."""
