"""What this process has counted so far; a test takes it before and after."""

from gateway.telemetry.metrics import REGISTRY


def counted(name: str, /, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0
