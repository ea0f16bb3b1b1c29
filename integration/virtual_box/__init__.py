"""The demo's hardware: the box with its ports, lights and buttons, in the process of the virtual cameras.

It is a process of its own, as real hardware is: what becomes of the recorder's planes does not interrupt a device that
has power.
"""
