"""Tests of protocols/snmp."""
