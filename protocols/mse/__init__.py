"""Video for browsers: the byte stream of the W3C's Media Source Extensions (ISO BMFF), over whatever carries bytes."""
