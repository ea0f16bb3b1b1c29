"""Whom the recorder can send something: a picture, a clip, a message."""
