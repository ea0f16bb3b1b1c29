"""The cases, a module for each part; importing them registers them.

What a case demands is said by its decorator: there is no other docstring.
"""

from conformance.mqtt.cases import acting, discovery, events, topics

__all__ = ["acting", "discovery", "events", "topics"]
