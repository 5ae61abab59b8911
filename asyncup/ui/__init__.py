"""Renderers: they see events, never the engine."""
