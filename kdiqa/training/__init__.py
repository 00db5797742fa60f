"""The engine: trains any system, knows no paper."""
