"""One camera, from source to finished file. Knows no HTTP, YAML, database or object store."""
