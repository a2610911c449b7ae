"""What a person can configure, read from config.yaml and the environment.

Not here: what a value does; every room takes its own. Values are pure and immutable; only `load` reads files.
"""
