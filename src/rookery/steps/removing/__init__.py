"""Content and datasets go from here, when that is safe."""
