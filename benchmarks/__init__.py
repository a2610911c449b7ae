"""What the promises cost, measured side by side with what a person would pick instead."""
