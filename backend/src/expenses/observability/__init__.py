"""Logs, metrics, traces, health checks and the doctor."""
