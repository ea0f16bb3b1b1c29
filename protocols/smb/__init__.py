"""SMB (MS-SMB2 2.1 to 3.1.1) as a client, without a mount: shares that video is copied to, and read back from."""
